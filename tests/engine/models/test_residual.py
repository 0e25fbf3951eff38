import numpy as np
import pytest
from scipy import sparse

from engine.core.errors import TrainingError
from engine.models.residual import residual_factors


@pytest.fixture(scope="module")
def shop() -> tuple[sparse.csr_matrix, np.ndarray]:
    """Five groups of items; a few bestsellers that everybody has, whatever the group."""
    rng = np.random.default_rng(0)
    group, taste = np.arange(100) % 5, np.arange(800) % 5
    chance = np.where(taste[:, None] == group, 0.15, 0.02)
    chance[:, :5] = 0.5
    chance[:, 99] = 0
    return sparse.csr_matrix((rng.random((800, 100)) < chance).astype(np.float32)), group


def test_nearest_items_share_the_taste_and_bestsellers_are_nobodys_neighbours(shop):
    user_items, group = shop
    factors = residual_factors(user_items, 4, seed=0)
    scores = factors @ factors.T
    np.fill_diagonal(scores, -np.inf)
    nearest = np.argsort(-scores, axis=1)[5:99, :10]
    assert (group[nearest] == group[5:99, None]).mean() > 0.95
    assert (nearest < 5).mean() < 0.01


def test_inner_products_approximate_the_surprise(shop):
    user_items, _ = shop
    dense = user_items.toarray().astype(float)
    counts, activity = dense.sum(0), dense.sum(1)
    expected = np.outer(dense.T @ activity, counts) / dense.sum()
    surprise = (dense.T @ dense - (expected + expected.T) / 2) / np.sqrt((expected + expected.T) / 2 + 1)
    factors = residual_factors(user_items, 99, seed=0, damping=0.0)
    off = ~np.eye(100, dtype=bool)
    off[:5] = off[:, :5] = False
    assert np.corrcoef((factors @ factors.T)[off], surprise[off])[0, 1] > 0.8


def test_an_item_without_interactions_says_nothing_and_weights_do_not_matter(shop):
    user_items, _ = shop
    factors = residual_factors(user_items, 8, seed=0)
    assert not factors[99].any()
    assert factors.dtype == np.float32
    heavy = user_items.copy()
    heavy.data *= 9
    np.testing.assert_array_equal(residual_factors(heavy, 8, seed=0), factors)


def test_a_shop_without_interactions_is_refused():
    with pytest.raises(TrainingError, match="nothing in common"):
        residual_factors(sparse.csr_matrix((10, 10)), 4, seed=0)
