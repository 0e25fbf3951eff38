"""The attribute encoder on catalogues small enough to work out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.core.errors import ReleaseError
from engine.core.settings import AttributeSettings
from engine.core.workspace import Workspace
from engine.models.encoders.attributes import AttributeEncoder, fit_attribute_encoder, load_attribute_encoder

SETTINGS = AttributeSettings()
KINDS = {"occasion": "multi", "weight": "number", "colour": "category", "care": "text"}


@pytest.fixture
def catalogue() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item_id": [str(row) for row in range(8)],
            "brand": ["A", "a ", "B", "B", "C", None, "A", "B"],
            "category": ["dress"] * 8,
            "price": [10.0, 20.0, 40.0, 80.0, None, 10.0, 20.0, 40.0],
            "occasion": [["party"], ["party", "work"], ["work"], None, [], ["beach"], ["party"], ["work"]],
            "weight": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, None],
            "colour": ["red", "red", "blue", "blue", "red", "blue", "red", "blue"],
            "care": ["wash at 30"] * 8,
        }
    )


@pytest.fixture
def encoder(catalogue: pd.DataFrame) -> AttributeEncoder:
    fitted = fit_attribute_encoder(catalogue, KINDS, SETTINGS)
    assert fitted is not None
    return fitted


def block_of(encoder: AttributeEncoder, name: str, values: np.ndarray) -> np.ndarray:
    """The columns of one attribute, at their scale before blocks were put together."""
    start = 0
    for block in encoder.blocks:
        if block.name == name:
            return values[:, start : start + block.width] * np.sqrt(len(encoder.blocks))
        start += block.width
    raise AssertionError(f"no block {name}")


def test_every_attribute_that_tells_items_apart_has_a_block(encoder: AttributeEncoder) -> None:
    # "category" is the same everywhere; text is the text encoder's.
    assert [block.name for block in encoder.blocks] == ["price", "brand", "occasion", "weight", "colour"]
    assert encoder.dim == 3 + (2 + 2) + (2 + 2) + 3 + (2 + 2)


def test_values_rare_values_and_missing_values_are_states_of_their_own(
    encoder: AttributeEncoder, catalogue: pd.DataFrame, workspace: Workspace
) -> None:
    values = encoder.encode(catalogue, workspace).values
    a, b, rare, missing = np.eye(4)  # "A" and "B" are seen three times each, "C" once
    assert np.allclose(block_of(encoder, "brand", values), [a, a, b, b, rare, missing, a, b])


def test_a_value_that_was_never_seen_counts_as_rare(encoder: AttributeEncoder, workspace: Workspace) -> None:
    values = encoder.encode(pd.DataFrame({"brand": ["Unheard of"], "occasion": [["gala"]]}), workspace).values
    assert np.allclose(block_of(encoder, "brand", values), [[0, 0, 1, 0]])
    assert np.allclose(block_of(encoder, "occasion", values), [[0, 0, 1, 0]])


def test_several_values_share_one_length(
    encoder: AttributeEncoder, catalogue: pd.DataFrame, workspace: Workspace
) -> None:
    block = block_of(encoder, "occasion", encoder.encode(catalogue, workspace).values)
    half = np.sqrt(0.5)
    party, work, rare, missing = np.eye(4)
    assert np.allclose(block, [party, half * (party + work), work, missing, missing, rare, party, work])
    assert np.allclose(np.linalg.norm(block, axis=1), 1)


def test_prices_count_by_their_logarithm(
    encoder: AttributeEncoder, catalogue: pd.DataFrame, workspace: Workspace
) -> None:
    block = block_of(encoder, "price", encoder.encode(catalogue, workspace).values)
    steps = np.diff(block[:4, 0])
    assert np.allclose(steps, steps[0])  # each price is twice the one before
    assert (np.diff(block[:4, 1]) > 0).all()
    assert block[4].tolist() == pytest.approx([0, 0, 1])
    assert (block[[0, 1, 2, 3, 5, 6, 7], 2] == 0).all()


def test_a_price_is_ranked_within_its_category(workspace: Workspace) -> None:
    n = 60
    catalogue = pd.DataFrame(
        {
            "category": ["scarf"] * n + ["coat"] * n,
            "price": [*np.linspace(5, 10, n), *np.linspace(100, 200, n)],
        }
    )
    encoder = fit_attribute_encoder(catalogue, {}, SETTINGS)
    assert encoder is not None
    block = block_of(encoder, "price", encoder.encode(catalogue, workspace).values)
    assert np.allclose(block[:n, 1], block[n:, 1], atol=0.1)
    assert block[0, 1] < -0.8
    assert block[n - 1, 1] > 0.8
    assert (block[:n, 0] < 0).all()
    assert (block[n:, 0] > 0).all()
    unknown = encoder.encode(pd.DataFrame({"category": ["hat", "coat"], "price": [150.0, 150.0]}), workspace).values
    ranks = block_of(encoder, "price", unknown)[:, 1]
    assert ranks[0] > ranks[1] + 0.3  # dear for the shop, but not for a coat


def test_blocks_are_of_comparable_length() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    catalogue = pd.DataFrame(
        {
            "brand": rng.choice([f"brand {k}" for k in range(30)], n),
            "price": np.exp(rng.normal(3, 1, n)),
            "size": rng.normal(10, 4, n),
            "tags": [list(rng.choice(["a", "b", "c", "d"], size=2, replace=False)) for _ in range(n)],
        }
    )
    encoder = fit_attribute_encoder(catalogue, {"size": "number", "tags": "multi"}, SETTINGS)
    assert encoder is not None
    for block in encoder.blocks:
        encoded, _ = block.encode(catalogue)
        assert np.square(encoded).sum(1).mean() == pytest.approx(1, abs=0.1)


def test_an_item_without_any_attribute_is_not_present(encoder: AttributeEncoder, workspace: Workspace) -> None:
    features = encoder.encode(pd.DataFrame({"title": ["x", "y"], "brand": [None, "A"]}), workspace)
    assert features.present.tolist() == [False, True]
    assert not features.values[0].any()
    assert features.values.dtype == np.float32


def test_damaged_numbers_count_as_missing(encoder: AttributeEncoder, workspace: Workspace) -> None:
    items = pd.DataFrame({"price": [-1.0, 0.0, np.inf, np.nan], "brand": ["A"] * 4})
    block = block_of(encoder, "price", encoder.encode(items, workspace).values)
    assert np.allclose(block, [[0, 0, 1]] * 4)


def test_only_the_most_frequent_values_are_kept() -> None:
    catalogue = pd.DataFrame({"brand": ["A"] * 5 + ["B"] * 4 + ["C"] * 3 + ["D"] * 2})
    encoder = fit_attribute_encoder(catalogue, {}, AttributeSettings(max_values=2))
    assert encoder is not None
    assert encoder.blocks[0].values == ("a", "b")  # type: ignore[union-attr]


def test_a_catalogue_of_equals_has_no_attribute_encoder() -> None:
    same = pd.DataFrame({"title": ["x", "y"], "brand": ["A", "A"], "price": [3.0, 3.0]})
    assert fit_attribute_encoder(same, {}, SETTINGS) is None
    unique = pd.DataFrame({"brand": [f"brand {k}" for k in range(9)]})  # an identifier says nothing
    assert fit_attribute_encoder(unique, {}, SETTINGS) is None


def test_a_saved_encoder_is_the_same(
    encoder: AttributeEncoder, catalogue: pd.DataFrame, workspace: Workspace, tmp_path: Path
) -> None:
    encoder.save(tmp_path)
    loaded = load_attribute_encoder(tmp_path)
    assert loaded.fingerprint == encoder.fingerprint
    assert np.array_equal(loaded.encode(catalogue, workspace).values, encoder.encode(catalogue, workspace).values)
    (tmp_path / "attributes.json").write_text('[{"kind": "values"}]')
    with pytest.raises(ReleaseError, match="cannot be read"):
        load_attribute_encoder(tmp_path)


def test_another_catalogue_gives_another_fingerprint(encoder: AttributeEncoder, catalogue: pd.DataFrame) -> None:
    catalogue.loc[0, "brand"] = "D"
    other = fit_attribute_encoder(catalogue, KINDS, SETTINGS)
    assert other is not None
    assert other.fingerprint != encoder.fingerprint


def test_list_columns_read_from_parquet_are_understood(
    encoder: AttributeEncoder, catalogue: pd.DataFrame, workspace: Workspace, tmp_path: Path
) -> None:
    catalogue.to_parquet(tmp_path / "items.parquet")
    read = pd.read_parquet(tmp_path / "items.parquet")
    assert np.array_equal(encoder.encode(read, workspace).values, encoder.encode(catalogue, workspace).values)
