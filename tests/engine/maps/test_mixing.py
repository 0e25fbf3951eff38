"""How mixed the surroundings of long-tail products are, on catalogues where the answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.maps.mixing import facts_to_compare, how_mixed

N, KINDS = 400, 8


@pytest.fixture
def items() -> pd.DataFrame:
    kind = [f"kind {row % KINDS}" for row in range(N)]
    return pd.DataFrame(
        {"category": kind, "brand": [f"b{row % 3}" for row in range(N)], "note": ["same"] * N, "sku": range(N)}
    )


def sorted_out(items: pd.DataFrame) -> np.ndarray:
    """Products of one kind lie together."""
    angle = np.array([int(text.split()[1]) for text in items["category"]]) * 2 * np.pi / KINDS
    middle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (middle + 0.05 * np.random.default_rng(0).normal(size=(N, 2))).astype(np.float32)


def anyhow() -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (N, 2)).astype(np.float32)


def test_neighbours_of_a_kind_agree_and_neighbours_at_random_agree_by_chance(items: pd.DataFrame) -> None:
    found = how_mixed(items, ["category"], anyhow(), sorted_out(items), np.ones(N, dtype=bool))
    assert found is not None
    assert found.longtail == 1.0
    assert found.behaviour == pytest.approx(1 / KINDS, abs=0.03)
    assert found.chance == pytest.approx((N / KINDS - 1) / (N - 1))
    assert (found.is_clear, found.products) == (True, N)


def test_two_panels_alike_do_not_differ_clearly(items: pd.DataFrame) -> None:
    other = np.random.default_rng(2).uniform(-1, 1, (N, 2)).astype(np.float32)
    found = how_mixed(items, ["category"], anyhow(), other, np.ones(N, dtype=bool))
    assert found is not None
    assert not found.is_clear


def test_only_long_tail_products_with_a_place_on_both_panels_count_and_few_say_nothing(items: pd.DataFrame) -> None:
    behaviour, long_tail = anyhow(), np.arange(N) < 100
    behaviour[:40] = np.nan
    found = how_mixed(items, ["category"], behaviour, sorted_out(items), long_tail)
    assert found is not None
    assert found.products == 60
    assert how_mixed(items, ["category"], behaviour, sorted_out(items), np.arange(N) < 60) is None
    assert how_mixed(items, [], behaviour, sorted_out(items), long_tail) is None


def test_facts_that_are_not_known_are_not_compared(items: pd.DataFrame) -> None:
    places = sorted_out(items)
    items["category"] = items["category"].where(np.arange(N) % 2 == 0, None)
    found = how_mixed(items, ["category"], anyhow(), places, np.ones(N, dtype=bool))
    assert found is not None
    assert found.longtail == 1.0


def test_compared_is_what_tells_what_a_product_is_like(items: pd.DataFrame) -> None:
    kinds = {"note": "category", "sku": "number"}
    assert facts_to_compare(items, kinds) == ["category"]
    assert facts_to_compare(items.assign(category="Dresses"), kinds) == ["brand"]
