import numpy as np
import pytest
from scipy import sparse

from engine.core.errors import TrainingError
from engine.evaluation.published_task import (
    fewest_bought,
    low_traffic,
    score_shoppers,
    split_by_shopper,
    split_by_time,
)


@pytest.fixture(scope="module")
def user_items() -> sparse.csr_matrix:
    rng = np.random.default_rng(0)
    return sparse.csr_matrix((rng.random((300, 80)) < np.linspace(0.01, 0.3, 80)).astype(np.float32))


def overlap(a: sparse.csr_matrix, b: sparse.csr_matrix) -> int:
    return a.multiply(b).nnz


def test_a_fifth_of_each_shoppers_interactions_is_held_out_and_never_in_training(user_items):
    split = split_by_shopper(user_items, np.random.default_rng(1))
    assert overlap(split.train, split.held_out) == 0
    assert (split.train + split.held_out != user_items).nnz == 0
    owned, hidden = np.diff(user_items.indptr), np.diff(split.held_out.indptr)
    assert (np.abs(hidden - 0.2 * owned) < 1).all()
    assert hidden.sum() == pytest.approx(0.2 * owned.sum(), rel=0.03)


def test_a_split_by_time_has_one_moment_for_every_shopper(user_items):
    when = np.random.default_rng(2).integers(0, 1000, user_items.nnz)
    split = split_by_time(user_items, when)
    stamps = sparse.csr_matrix((when + 1.0, user_items.indices, user_items.indptr), shape=user_items.shape)
    early = stamps.multiply(split.train != 0).tocsr()
    late = stamps.multiply(split.held_out != 0).tocsr()
    assert early.data.max() <= late.data.min()
    assert split.held_out.nnz == pytest.approx(0.2 * user_items.nnz, rel=0.02)
    with pytest.raises(TrainingError, match="timestamps"):
        split_by_time(user_items, when[:-1])


def test_candidates_are_what_is_rarely_bought_in_training(user_items):
    left = np.asarray((user_items != 0).sum(axis=0)).ravel()
    np.testing.assert_array_equal(low_traffic(user_items, 5), left <= 5)
    few = fewest_bought(user_items)
    assert few.sum() == 64
    assert left[few].max() <= left[~few].min()


def test_a_shopper_ranking_that_knows_the_answer_scores_one_and_products_already_bought_are_no_answers(user_items):
    split = split_by_shopper(user_items, np.random.default_rng(1))
    candidates = fewest_bought(split.train)
    answer, seen = split.held_out.toarray(), split.train.toarray()
    scores = score_shoppers(split, candidates, lambda rows, items: answer[np.ix_(rows, items)])
    np.testing.assert_allclose(scores.ndcg, 1.0)
    np.testing.assert_allclose(scores.average_precision, 1.0)
    # Lifting everything a shopper already has to the top changes nothing.
    lifted = score_shoppers(split, candidates, lambda rows, items: (answer + 9 * seen)[np.ix_(rows, items)])
    np.testing.assert_allclose(lifted.ndcg, 1.0)
    np.testing.assert_array_equal(scores.shoppers, np.flatnonzero((answer[:, candidates] > 0).any(axis=1)))


def test_ranking_against_the_answer_scores_less_than_chance(user_items):
    split = split_by_shopper(user_items, np.random.default_rng(1))
    candidates = fewest_bought(split.train)
    answer = split.held_out.toarray()
    noise = np.random.default_rng(3).random(answer.shape)
    worst, chance = (
        score_shoppers(split, candidates, lambda rows, items, sign=sign: (sign * answer + noise)[np.ix_(rows, items)])
        for sign in (-9, 0)
    )
    summary = chance.summary(np.random.default_rng(0))
    assert worst.ndcg.mean() < 0.02 < summary["ndcg"]["mean"] < 0.2
    assert summary["ndcg"]["n"] == len(chance.shoppers)
    assert summary["average_precision"]["low"] < summary["average_precision"]["mean"]


def test_only_the_asked_shoppers_are_scored(user_items):
    split = split_by_shopper(user_items, np.random.default_rng(1))
    everything = np.ones(80, dtype=bool)
    scores = score_shoppers(split, everything, lambda r, i: np.ones((len(r), len(i))), shoppers=np.arange(10))
    assert set(scores.shoppers) <= set(range(10))
