"""What a product lacks, expected from what it has, where the right answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import ReleaseError
from engine.models.encoders import Features, Imputer, fit_imputer, load_imputer

N = 300


@pytest.fixture
def features() -> dict[str, Features]:
    """Pictures are text times a fixed matrix, attributes are noise; the first thirty have no picture, the last only noise."""
    rng = np.random.default_rng(0)
    text = rng.normal(size=(N, 6)).astype(np.float32)
    pictures = text @ rng.normal(size=(6, 5)).astype(np.float32) + np.float32(3.0)
    has_text, has_picture = np.ones(N, dtype=bool), np.arange(N) >= 30
    has_text[-1] = has_picture[-1] = False
    return {
        "text": Features(text * has_text[:, None], has_text),
        "image": Features(pictures * has_picture[:, None], has_picture),
        "attributes": Features(rng.normal(size=(N, 4)).astype(np.float32), np.ones(N, dtype=bool)),
    }


def pictures_of(features: dict[str, Features]) -> np.ndarray:
    """The pictures that the text implies, found from the products that have both."""
    both = features["image"].present
    inputs = np.hstack([features["text"].values, np.ones((N, 1), dtype=np.float32)])
    solution = np.linalg.lstsq(inputs[both], features["image"].values[both], rcond=None)[0]
    return np.asarray(inputs @ solution)


def test_a_missing_picture_is_what_the_text_implies(features: dict[str, Features]) -> None:
    completed = fit_imputer(features).complete(features)["image"]
    assert completed.present[:30].all()
    assert np.abs(completed.values[:30] - pictures_of(features)[:30]).max() < 0.2  # of values around 3
    assert np.array_equal(completed.values[30:-1], features["image"].values[30:-1])


def test_what_nothing_is_known_of_stays_missing(features: dict[str, Features]) -> None:
    completed = fit_imputer(features).complete(features)  # the last product has nothing but noise
    assert not completed["image"].present[-1]
    assert not completed["text"].present[-1]
    assert not completed["image"].values[-1].any()


def test_products_that_lack_nothing_are_left_alone(features: dict[str, Features]) -> None:
    complete = {name: block.take(np.arange(30, N - 1)) for name, block in features.items()}
    for name, block in fit_imputer(complete).complete(complete).items():
        assert block is complete[name]


def test_one_modality_or_few_products_expect_nothing(features: dict[str, Features]) -> None:
    alone = {"image": features["image"]}
    assert fit_imputer(alone).complete(alone)["image"].present.tolist() == features["image"].present.tolist()
    few = {name: block.take(np.arange(60)) for name, block in features.items()}
    assert not fit_imputer(few).complete(few)["image"].present[:30].any()  # thirty have both


def test_a_saved_imputer_gives_the_same_and_a_damaged_one_is_refused(
    features: dict[str, Features], tmp_path: Path
) -> None:
    fitted = fit_imputer(features)
    fitted.save(tmp_path)
    again = load_imputer(tmp_path).complete(features)["image"]
    assert np.array_equal(again.values, fitted.complete(features)["image"].values)
    Imputer().save(tmp_path)
    assert load_imputer(tmp_path).complete(features)["image"].present.tolist() == features["image"].present.tolist()
    (tmp_path / "imputation.npz").write_bytes(b"damaged")
    with pytest.raises(ReleaseError, match="cannot be read"):
        load_imputer(tmp_path)
