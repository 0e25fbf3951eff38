"""The item model: the closed form it is, and what it says of products that nobody bought."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from engine.core.errors import TrainingError
from engine.core.vectors import unit_rows
from engine.models import item_model as module
from engine.models.item_model import ItemModel, item_weights

N, SHOPPERS = 30, 80


@pytest.fixture
def shop() -> tuple[sparse.csr_matrix, np.ndarray, sparse.csr_matrix]:
    """Interactions with weights, smoothed vectors and words; nobody has the last product."""
    rng = np.random.default_rng(0)
    has = (rng.random((SHOPPERS, N)) < 0.2) * rng.uniform(1, 5, (SHOPPERS, N))
    has[:, -1] = 0.0
    words = sparse.csr_matrix((rng.random((N, 12)) < 0.3).astype(np.float32))
    return sparse.csr_matrix(has.astype(np.float32)), rng.standard_normal((N, 6)).astype(np.float32), words


def closed_form(has: np.ndarray, prior: np.ndarray, ridge: float) -> np.ndarray:
    """argmin ||X - XB||^2 + ridge ||B||^2 - 2 <B, prior>, diag B = 0, one column at a time."""
    n = has.shape[1]
    made = np.zeros((n, n))
    for column in range(n):
        others = np.delete(np.arange(n), column)
        system = has[:, others].T @ has[:, others] + ridge * np.eye(n - 1)
        made[others, column] = np.linalg.solve(system, has[:, others].T @ has[:, column] + prior[others, column])
    return made


def test_the_weights_are_the_least_of_the_objective_however_they_are_cut_into_columns(shop, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    user_items, smoothed, words = shop
    monkeypatch.setattr(module, "COLUMNS_AT_ONCE", 7)
    (found,) = item_weights(user_items, smoothed, words, (ItemModel(0.4, 0.5, 10 * N),))
    has = (user_items.toarray() > 0).astype(float)
    counts = has.sum(axis=0)
    ridge, units = counts[counts > 0].mean(), unit_rows(smoothed)
    word_units = unit_rows(words.toarray())
    alike = np.maximum(units @ units.T, 0) ** module.POWER + module.WORDS * word_units @ word_units.T
    np.fill_diagonal(alike, 0)
    pull = 0.4 * ridge * np.sqrt(np.maximum(counts, 0.5) / np.median(counts[counts > 0]))
    np.testing.assert_allclose(found.toarray(), closed_form(has, alike * pull, ridge), atol=2e-4)


def test_a_product_that_nobody_bought_goes_with_what_it_is_alike_to(shop) -> None:  # type: ignore[no-untyped-def]
    user_items, smoothed, _ = shop
    smoothed[-1] = smoothed[4]
    (found,) = item_weights(user_items, smoothed, None, (ItemModel(0.5, 0.25, 10 * N),))
    assert found.toarray()[:, -1].argmax() == 4


def test_only_the_largest_weights_of_a_product_are_kept_even_where_all_are_equal() -> None:
    everybody = sparse.csr_matrix(np.ones((5, 20), dtype=np.float32))
    few, all_ = item_weights(everybody, np.ones((20, 3)), None, (ItemModel(0.5, 0.25, 10), ItemModel(0.5, 0.25, 32)))
    assert set(np.diff(few.tocsc().indptr)) == {10}
    assert all_.nnz == 20 * 19


def test_the_more_interactions_a_product_has_the_more_weights_it_keeps_within_bounds() -> None:
    rng = np.random.default_rng(1)
    chance = np.full(300, 0.05)
    chance[:3], chance[-3:] = 0.8, 0.0
    has = (rng.random((400, 300)) < chance).astype(np.float32)
    (found,) = item_weights(sparse.csr_matrix(has), rng.standard_normal((300, 5)), None, (ItemModel(0.5, 0.25, 16),))
    kept, counts = np.diff(found.tocsc().indptr), has.sum(axis=0)
    expected = 16 * np.sqrt(counts / np.median(counts[counts > 0]))
    np.testing.assert_array_equal(kept[:-3], np.maximum(expected, 8).astype(int)[:-3])
    assert set(kept[-3:]) == {8}
    assert kept[:3].min() > 60


def test_a_shop_with_a_giant_shopper_and_a_giant_product_is_solved() -> None:
    rng = np.random.default_rng(3)
    has = np.zeros((4000, 60), dtype=np.float32)
    has[:, 0] = has[0] = 1.0
    has[np.arange(4000), rng.integers(0, 60, 4000)] = 1.0
    (found,) = item_weights(sparse.csr_matrix(has), rng.standard_normal((60, 5)), None, (ItemModel(0.5, 0.25, 32),))
    assert np.isfinite(found.data).all()


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        (sparse.csr_matrix((2, module.MAX_ITEMS + 1), dtype=np.float32), "at most 10,000 products, not 10,001"),
        (sparse.csr_matrix((2, 3), dtype=np.float32), "nothing to learn"),
    ],
)
def test_what_cannot_be_solved_is_refused_in_a_sentence(matrix: sparse.csr_matrix, says: str) -> None:
    with pytest.raises(TrainingError, match=says):
        item_weights(matrix, np.ones((matrix.shape[1], 2)), None, (ItemModel(0.5, 0.25, 32),))
