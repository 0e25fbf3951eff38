import numpy as np
from scipy import sparse

from engine.evaluation.targets import Targets


def test_ndcg_of_a_perfect_order_is_one_of_no_list_zero_and_unknown_without_truth():
    gains = sparse.csr_matrix(np.array([[0.0, 3.0, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]))
    scores = np.array([[0.0, 3.0, 1.0], [-np.inf, -np.inf, -np.inf], [1.0, 2.0, 3.0]])
    targets = Targets(np.arange(3), gains, np.ones(3, dtype=bool))
    np.testing.assert_array_equal(targets.ndcg(scores), [1.0, 0.0, np.nan])
    assert targets.judged().rows.tolist() == [0, 1]
    np.testing.assert_array_equal(targets.judged().ndcg(scores[:2]), [1.0, 0.0])


def test_what_is_no_candidate_is_in_no_list():
    targets = Targets(np.array([0]), sparse.csr_matrix([[0.0, 3.0, 1.0]]), np.array([True, False, True]))
    assert 0 < targets.ndcg(np.array([[0.0, 3.0, 1.0]]))[0] < 0.5
