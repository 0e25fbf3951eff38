import numpy as np
import pytest
from scipy import sparse

from engine.core.settings import AlsSettings
from engine.evaluation.references import ceilings, simple_methods
from engine.evaluation.thinning import thin


@pytest.fixture(scope="module")
def split():
    rng = np.random.default_rng(0)
    user_items = sparse.csr_matrix((rng.random((200, 40)) < 0.2).astype(np.float32))
    return thin(user_items, rng)


def test_every_method_scores_the_rows_it_is_asked_for(split):
    words = sparse.csr_matrix(np.eye(40, dtype=np.float32))
    methods = {**simple_methods(split.train, words), **ceilings(split, AlsSettings(factors=4, iterations=2), 0)}
    assert set(methods) == {
        "popularity", "item_knn", "residual_knn", "words", "rich_als", "rich_item_knn", "rich_residual_knn"
    }  # fmt: skip
    for score in methods.values():
        assert score(split.targets[:3]).shape == (3, 40)


def test_the_ceiling_knows_half_a_and_never_half_b(split):
    """A target that kept nothing is known to the ceiling by half A alone."""
    target = split.targets[split.m == 0][:1]
    assert np.isinf(simple_methods(split.train, None)["item_knn"](target)).all()
    rich = ceilings(split, AlsSettings(factors=4, iterations=2), 0)["rich_item_knn"](target)[0]
    shoppers_a = split.half_a[:, target].toarray().ravel() > 0
    shared = (split.train + split.half_a)[shoppers_a].toarray().any(axis=0)
    np.testing.assert_array_equal(rich > 0, shared & (np.arange(40) != target[0]))


def test_without_words_the_other_methods_stand(split):
    assert "words" not in simple_methods(split.train, None)


def test_als_is_no_ceiling_where_it_was_not_tuned(split):
    assert set(ceilings(split, AlsSettings(factors=4, tries=1), 0)) == {"rich_item_knn", "rich_residual_knn"}
