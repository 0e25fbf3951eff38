import numpy as np
import pytest
from scipy import sparse

from engine.evaluation.metrics import (
    NO_ITEM,
    average_precision_at_k,
    binary,
    bootstrap_interval,
    coverage,
    ndcg_at_k,
    surprise_relevance,
    top_k,
    top_k_in_chunks,
)


def matrix(*rows: list[int]) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.array(rows, dtype=np.float32))


def test_surprise_of_a_hand_computed_shop():
    # Shoppers 0-2 hid item 0. In training: 11 interactions, item 1 has 2 of them, item 2 has 4, item 3 has 5.
    train = matrix([0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1])
    truth = matrix([1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0])
    gains = surprise_relevance(truth, train, np.array([0]), min_surprise=0.1)
    # Activity of shoppers 0-2 is 3 + 3 + 2 = 8, so E = 8/11 x the item's count; CO = 2, 3, 3.
    expected = 8 * np.array([2, 4, 5]) / 11
    z = (np.array([2, 3, 3]) - expected) / np.sqrt(expected + 1)
    assert z[2] < 0.1  # everybody has item 3: that shoppers share it says nothing
    np.testing.assert_allclose(gains.toarray(), [[0, z[0], 0, 0]], rtol=1e-12)
    looser = surprise_relevance(truth, train, np.array([0]), min_surprise=0.0)
    np.testing.assert_allclose(looser.toarray(), [[0, z[0], z[1], 0]], rtol=1e-12)


def test_one_shared_shopper_is_never_enough():
    train = sparse.csr_matrix((np.ones(1, np.float32), ([0], [1])), shape=(500, 4))
    train = train + sparse.csr_matrix((np.ones(499, np.float32), (np.arange(1, 500), np.full(499, 2))), shape=(500, 4))
    truth = sparse.csr_matrix((np.ones(1, np.float32), ([0], [0])), shape=(500, 4))
    assert surprise_relevance(truth, train.tocsr(), np.array([0])).nnz == 0


def test_relevance_ignores_weights_and_keeps_out_targets_and_what_is_not_allowed():
    rng = np.random.default_rng(0)
    train = sparse.csr_matrix((rng.random((200, 12)) < 0.2).astype(np.float32))
    truth = train[:, [1, 2, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11]].tocsr()  # item 0's hidden shoppers have item 1
    heavy = train.copy()
    heavy.data *= 7
    plain = surprise_relevance(truth, train, np.array([0, 1]))
    np.testing.assert_array_equal(plain.toarray(), surprise_relevance(truth, heavy, np.array([0, 1])).toarray())
    assert plain[0, 1] > 1.5
    assert plain[1, 1] == 0
    allowed = np.ones(12, dtype=bool)
    allowed[1] = False
    assert surprise_relevance(truth, train, np.array([0]), allowed=allowed)[0, 1] == 0


def test_a_planted_perfect_ranking_scores_one():
    rng = np.random.default_rng(1)
    dense = rng.random((40, 300)) * (rng.random((40, 300)) < 0.2)
    gains = sparse.csr_matrix(dense)
    ranked = top_k(dense, 10)
    np.testing.assert_allclose(ndcg_at_k(ranked, gains), 1.0)
    np.testing.assert_allclose(average_precision_at_k(ranked, gains), 1.0)


def test_a_random_ranking_scores_what_chance_predicts():
    rng = np.random.default_rng(2)
    n, items, share = 4000, 500, 0.05
    gains = sparse.csr_matrix((rng.random((n, items)) < share).astype(float))
    ranked = top_k(rng.random((n, items)), 10)
    # With unit gains and more than ten relevant, the expected NDCG of a random order is the share that is relevant.
    relevant = np.asarray(gains.sum(axis=1)).ravel()
    chance = (relevant / items)[relevant >= 10].mean()
    measured = ndcg_at_k(ranked, gains)[relevant >= 10]
    assert abs(measured.mean() - chance) < 4 * measured.std() / np.sqrt(len(measured))


def test_ndcg_and_average_precision_of_a_hand_computed_list():
    gains = sparse.csr_matrix(np.array([[3.0, 0.0, 2.0, 0.0, 1.0]]))
    ranked = np.array([[2, 1, 0]])
    found = 2 / np.log2(2) + 3 / np.log2(4)
    ideal = 3 / np.log2(2) + 2 / np.log2(3) + 1 / np.log2(4)
    assert ndcg_at_k(ranked, gains)[0] == pytest.approx(found / ideal)
    assert average_precision_at_k(ranked, gains)[0] == pytest.approx((1 / 1 + 2 / 3) / 3)
    assert average_precision_at_k(ranked, gains, k=2)[0] == pytest.approx(1 / 2)
    assert ndcg_at_k(ranked, binary(gains), k=1)[0] == 1.0


def test_nothing_relevant_is_left_out_and_no_list_scores_zero():
    gains = sparse.csr_matrix(np.array([[0.0, 0.0], [1.0, 0.0]]))
    ranked = np.full((2, 10), NO_ITEM)
    for metric in (ndcg_at_k, average_precision_at_k):
        scores = metric(ranked, gains)
        assert np.isnan(scores[0])
        assert scores[1] == 0
    assert coverage(ranked) == 0
    assert coverage(np.array([[3, NO_ITEM], [NO_ITEM, NO_ITEM]])) == 0.5


def test_padding_is_never_mistaken_for_the_last_item():
    gains = sparse.csr_matrix(np.array([[0.0, 0.0, 5.0]]))
    assert ndcg_at_k(np.array([[0, NO_ITEM]]), gains)[0] == 0


def test_top_k_orders_ties_by_column_and_pads_where_candidates_run_out():
    scores = np.array([[1.0, 2.0, 2.0, np.nan], [-np.inf] * 4, [4.0, 3.0, 2.0, 1.0]])
    allowed = np.array([True, True, True, False])
    np.testing.assert_array_equal(top_k(scores, 3, allowed), [[1, 2, 0], [NO_ITEM] * 3, [0, 1, 2]])
    np.testing.assert_array_equal(top_k(scores, 6)[2], [0, 1, 2, 3, NO_ITEM, NO_ITEM])


def test_chunks_give_what_one_piece_gives():
    scores = np.random.default_rng(3).random((23, 50))
    allowed = np.random.default_rng(4).random((23, 50)) < 0.7
    whole = top_k(scores, 5, allowed)
    np.testing.assert_array_equal(top_k_in_chunks(lambda rows: scores[rows], 23, 5, allowed, chunk=4), whole)


def test_the_interval_covers_the_mean_and_narrows_with_more_targets():
    rng = np.random.default_rng(5)
    few, many = rng.random(30), rng.random(3000)
    wide = bootstrap_interval(np.append(few, np.nan), np.random.default_rng(6))
    narrow = bootstrap_interval(many, np.random.default_rng(6))
    assert wide.n == 30
    assert wide.mean == pytest.approx(few.mean())
    assert wide.low < wide.mean < wide.high
    assert narrow.high - narrow.low == pytest.approx(2 * 1.96 * many.std() / np.sqrt(3000), rel=0.15)
    assert narrow.high - narrow.low < wide.high - wide.low
    assert bootstrap_interval(np.array([np.nan]), rng).to_dict() == {"mean": None, "low": None, "high": None, "n": 0}
