"""Rare columns are multiplied sparsely, and products are what they were."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.joined_rows import JoinedRows
from engine.core.rare_columns import ColumnProduct, rare_columns


def products_with_attributes(n: int, seed: int) -> np.ndarray:
    """40 columns of text, one that a tenth of the products have, and two attributes of 400 values."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((n, 841), dtype=np.float32)
    rows[:, :40] = rng.normal(size=(n, 40))
    rows[:, 40] = rng.random(n) < 0.1
    for first in (41, 441):
        rows[np.arange(n), first + rng.integers(0, 400, n)] = 0.5
    return rows


@pytest.mark.parametrize("joined", [False, True])
def test_columns_of_attributes_are_rare_and_those_of_text_are_not(joined: bool) -> None:
    rows = products_with_attributes(3000, 0)
    assert rare_columns(rows).tolist() == [False] * 41 + [True] * 800
    own, scale, centre = np.ones((3000, 3), np.float32), np.ones(3000, np.float32), np.zeros(841, np.float32)
    table = JoinedRows(own, scale, rows, centre, at=1)
    assert rare_columns(table).tolist() == [False] * 42 + [True] * 800 + [False] * 2
    assert not rare_columns(rows[:, :80]).any()  # too few of them
    assert not rare_columns(rows[:0]).any()
    assert not rare_columns(np.zeros((5, 8), np.float32)).any()


@pytest.mark.parametrize("seldom", [True, False])
def test_products_are_those_of_whole_rows(seldom: bool) -> None:
    rows, vectors = products_with_attributes(300, 1), products_with_attributes(20, 2)
    rare = rare_columns(rows) if seldom else np.zeros(841, dtype=bool)
    towards = ColumnProduct(vectors.T, rare)
    for some in (rows, rows[:1], rows[:0]):
        found = towards(some)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, some @ vectors.T, atol=1e-5)
