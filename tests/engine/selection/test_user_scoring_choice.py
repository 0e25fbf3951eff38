from __future__ import annotations

import numpy as np
from scipy import sparse

from engine.core.vectors import unit_rows
from engine.evaluation.published_task import TaskScores, TaskSplit
from engine.models.user_scoring import USER_SCORINGS, UserScorer, UserScoring
from engine.selection.user_scoring_choice import UserScoringFigures, measure_user_scorings

PAIRS, SHOPPERS = 60, 200


def a_shop_of_pairs(rng: np.random.Generator) -> tuple[TaskSplit, np.ndarray]:
    """Product 2i is like 2i + 1 and nothing else; each shopper has the firsts of five pairs and will buy one second."""
    vectors = unit_rows(
        np.repeat(rng.standard_normal((PAIRS, 40)), 2, axis=0) + 0.2 * rng.standard_normal((2 * PAIRS, 40))
    ).astype(np.float32)
    train = np.zeros((SHOPPERS, 2 * PAIRS), dtype=np.float32)
    held = np.zeros_like(train)
    for shopper in range(SHOPPERS):
        pairs = rng.choice(PAIRS, 5, replace=False)
        train[shopper, 2 * pairs] = 1.0
        held[shopper, 2 * pairs[0] + 1] = 1.0
    return TaskSplit(sparse.csr_matrix(train), sparse.csr_matrix(held)), vectors


def test_near_relatives_are_chosen_where_the_history_as_a_whole_says_nothing():
    rng = np.random.default_rng(1)
    split, vectors = a_shop_of_pairs(rng)
    noise = unit_rows(rng.standard_normal(vectors.shape).astype(np.float32))
    everything = [np.ones(2 * PAIRS, dtype=bool)]
    counts = np.ones(2 * PAIRS)
    found = measure_user_scorings(UserScorer(noise, vectors, counts), split, everything, np.arange(SHOPPERS))
    assert found.best().weight > 0
    assert max(one[0].ndcg.mean() for one in found.scores) > 0.5 > found.scores[0][0].ndcg.mean()


def test_each_half_is_reported_under_the_taste_that_the_other_half_chose():
    shoppers = np.arange(100)
    halves = np.sort(np.random.default_rng(0).permutation(100)[:50])
    in_first = np.isin(shoppers, halves)
    ndcg = np.full((len(USER_SCORINGS), 100), 0.1)
    ndcg[1, in_first] = 0.9  # the first half likes user_scoring 1, the second user_scoring 2
    ndcg[2, ~in_first] = 0.8
    figures = UserScoringFigures([[TaskScores(shoppers, one, one / 2)] for one in ndcg])
    assert figures.best(halves) == USER_SCORINGS[1]
    reported = figures.cross_fitted(np.random.default_rng(0))[0]
    np.testing.assert_array_equal(reported.ndcg, 0.1)  # what each half likes is no use to the other
    np.testing.assert_array_equal(reported.average_precision, 0.05)


def test_a_gain_that_is_hardly_one_does_not_count():
    shoppers = np.arange(10)
    figures = UserScoringFigures(
        [[TaskScores(shoppers, np.full(10, 0.5 + 0.001 * place), np.zeros(10))] for place in range(len(USER_SCORINGS))]
    )
    assert figures.best() == USER_SCORINGS[0]


def test_nobody_to_learn_from_gives_the_plainest_taste():
    vectors = np.eye(4, dtype=np.float32)
    empty = sparse.csr_matrix((3, 4), dtype=np.float32)
    figures = measure_user_scorings(
        UserScorer(vectors, vectors, np.zeros(4)), TaskSplit(empty, empty), [np.ones(4, dtype=bool)], np.arange(3)
    )
    assert figures.best() == UserScoring()
    assert len(figures.cross_fitted(np.random.default_rng(0))[0].ndcg) == 0
