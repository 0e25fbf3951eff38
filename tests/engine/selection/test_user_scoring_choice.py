from __future__ import annotations

import numpy as np
from scipy import sparse

from engine.core.vectors import unit_rows
from engine.evaluation.published_task import TaskScores, TaskSplit
from engine.models.item_model import MAX_ITEMS
from engine.models.user_scoring import UserScorer, UserScoring, candidate_scorings, fit_user_scorer
from engine.selection.user_scoring_choice import FOLDS, UserScoringFigures, measure_user_scorings

PAIRS, SHOPPERS = 60, 200
TRIED = candidate_scorings(sparse.csr_matrix(np.ones((1, 1), dtype=np.float32)))


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
    scorer = UserScorer(noise, vectors, np.ones(2 * PAIRS))
    found = measure_user_scorings(
        scorer, tuple(one for one in TRIED if one.items is None), split, everything, np.arange(SHOPPERS)
    )
    assert found.best().weight > 0
    assert max(one[0].ndcg.mean() for one in found.scores) > 0.5 > found.scores[0][0].ndcg.mean()


def test_every_shopper_is_reported_under_the_scoring_that_others_chose():
    shoppers = np.arange(100)
    fold = np.random.default_rng(0).permutation(100)[: 100 // FOLDS]
    ndcg = np.full((len(TRIED), 100), 0.1)
    ndcg[1, fold] = 0.9  # nobody else has anything from it, but the mean is far ahead
    figures = UserScoringFigures(TRIED, [[TaskScores(shoppers, one, one / 2)] for one in ndcg])
    assert figures.best() == TRIED[1]
    reported = figures.cross_fitted(np.random.default_rng(0))[0]
    np.testing.assert_array_equal(reported.ndcg, 0.1)  # those who like it had no part in choosing it for themselves
    np.testing.assert_array_equal(reported.average_precision, 0.05)
    ndcg[1] = 0.2
    liked = UserScoringFigures(TRIED, [[TaskScores(shoppers, one, one / 2)] for one in ndcg])
    np.testing.assert_array_equal(liked.cross_fitted(np.random.default_rng(0))[0].ndcg, 0.2)


def test_a_gain_that_is_hardly_one_does_not_count():
    shoppers = np.arange(10)
    figures = UserScoringFigures(
        TRIED,
        [[TaskScores(shoppers, np.full(10, 0.5 + 0.0005 * place), np.zeros(10))] for place in range(len(TRIED))],
    )
    assert figures.best() == TRIED[0]


def test_nobody_to_learn_from_gives_the_plainest_taste():
    vectors = np.eye(4, dtype=np.float32)
    empty = sparse.csr_matrix((3, 4), dtype=np.float32)
    figures = measure_user_scorings(
        UserScorer(vectors, vectors, np.zeros(4)),
        candidate_scorings(empty),
        TaskSplit(empty, empty),
        [np.ones(4, dtype=bool)],
        np.arange(3),
    )
    assert figures.best() == UserScoring()
    assert len(figures.cross_fitted(np.random.default_rng(0))[0].ndcg) == 0


def test_the_item_model_is_chosen_where_what_goes_together_is_not_what_is_alike():
    """Of each pair half of the shoppers have both: products that are not alike at all, but are bought together."""
    rng = np.random.default_rng(2)
    pairs = np.arange(2 * PAIRS).reshape(PAIRS, 2)
    train, held = (np.zeros((SHOPPERS, 2 * PAIRS), dtype=np.float32) for _ in range(2))
    for shopper in range(SHOPPERS):
        chosen = rng.choice(PAIRS, 6, replace=False)
        train[shopper, pairs[chosen[:5]].ravel()] = 1.0
        train[shopper, pairs[chosen[5], 0]] = held[shopper, pairs[chosen[5], 1]] = 1.0
    split = TaskSplit(sparse.csr_matrix(train), sparse.csr_matrix(held))
    noise = unit_rows(rng.standard_normal((2 * PAIRS, 30)).astype(np.float32))
    scorer = fit_user_scorer(split.train, noise, noise, None, TRIED)
    found = measure_user_scorings(scorer, TRIED, split, [np.ones(2 * PAIRS, dtype=bool)], np.arange(SHOPPERS))
    assert found.best().items is not None
    best = max(one[0].ndcg.mean() for one in found.scores)
    assert (
        best > 0.9 > 0.3 > max(one[0].ndcg.mean() for one, of in zip(found.scores, TRIED, strict=True) if not of.items)
    )


def test_item_models_are_left_out_where_they_cannot_be_solved():
    for matrix in (sparse.csr_matrix((3, 4), dtype=np.float32), sparse.eye_array(1, MAX_ITEMS + 1, format="csr")):
        assert all(one.items is None for one in candidate_scorings(sparse.csr_matrix(matrix)))
    assert any(one.items is not None for one in TRIED)


def test_the_scoring_that_stands_stays_until_another_gains_enough():
    shoppers = np.arange(10)

    def best(ahead: float) -> UserScoring:
        ndcg = [0.5, 0.51, 0.52 * ahead, *(0.4 for _ in TRIED[3:])]
        scores = [[TaskScores(shoppers, np.full(10, one), np.zeros(10))] for one in ndcg]
        return UserScoringFigures(TRIED, scores, standing=1).best()

    assert best(1.0) == TRIED[1]
    assert best(1.1) == TRIED[2]
    eye, empty = np.eye(4, dtype=np.float32), sparse.csr_matrix((3, 4), dtype=np.float32)
    tried = candidate_scorings(empty)
    found = (
        measure_user_scorings(
            UserScorer(eye, eye, np.zeros(4)),
            tried,
            TaskSplit(empty, empty),
            [np.ones(4, dtype=bool)],
            np.arange(3),
            standing=standing,
        )
        for standing in (tried[-1], UserScoring(power=99), None)
    )
    assert [one.best() for one in found] == [tried[-1], tried[0], tried[0]]  # nobody says otherwise
