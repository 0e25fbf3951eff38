import numpy as np
import pytest
from scipy import sparse

from engine.core.errors import TrainingError
from engine.evaluation.baselines import ease, item_knn, popularity, residual_knn

# Items 0 and 1 share their two shoppers, 2 is bought by all four, 3 by one of the others, 4 by nobody.
PAIRS = sparse.csr_matrix(
    np.array([[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 1, 0, 0]], dtype=np.float32)
)
ROWS = np.array([0, 4])


def test_item_knn_is_the_cosine_between_shoppers():
    scores = item_knn(PAIRS, ROWS)[0]
    assert scores[1] == pytest.approx(1.0)
    assert scores[2] == pytest.approx(2 / np.sqrt(2 * 4))


def test_residual_knn_is_the_surprise_and_knows_no_popularity():
    scores = residual_knn(PAIRS, ROWS)[0]
    expected = 6 * 2 / 9  # two shoppers with three interactions each; item 1 is 2 of all 9
    assert scores[1] == pytest.approx((2 - expected) / np.sqrt(expected + 1))
    assert scores[1] > 0 > scores[2]


def test_ease_gives_the_weights_of_its_closed_form():
    pairs = PAIRS.toarray()[:, :4].astype(float)
    inverse = np.linalg.inv(pairs.T @ pairs + 2.0 * np.eye(4))
    expected = -inverse[0] / np.diag(inverse)
    np.testing.assert_allclose(ease(PAIRS, ROWS, penalty=2.0)[0, 1:4], expected[1:], rtol=1e-4)
    with pytest.raises(TrainingError, match="EASE"):
        ease(PAIRS, ROWS, most=3)


@pytest.mark.parametrize("method", [item_knn, residual_knn, ease])
def test_nothing_is_known_of_items_without_interactions_and_no_item_is_its_own_neighbour(method):
    scores = method(PAIRS, ROWS)
    assert np.isneginf(scores[1]).all()
    assert np.isneginf(scores[0, [0, 4]]).all()


def test_popularity_is_the_same_for_every_row():
    np.testing.assert_array_equal(popularity(PAIRS, ROWS), [[2, 2, 4, 1, 0]] * 2)
