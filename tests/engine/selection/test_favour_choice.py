from __future__ import annotations

import numpy as np
from scipy import sparse

from engine.evaluation.published_task import TaskSplit
from engine.selection.favour_choice import FAVOURS, choose_favour, long_tail_of

SHOPPERS, HEADS, TAILS = 400, 20, 20
QUIET = np.arange(HEADS, HEADS + TAILS)


def a_shop(rng: np.random.Generator, wanted_from: np.ndarray) -> TaskSplit:
    """Everybody has five of the first twelve heads; a tail product is anybody's once in a while. One product of `wanted_from` is hidden."""
    train, held = np.zeros((SHOPPERS, HEADS + TAILS), np.float32), np.zeros((SHOPPERS, HEADS + TAILS), np.float32)
    for shopper in range(SHOPPERS):
        train[shopper, rng.choice(12, 5, replace=False)] = 1.0
        held[shopper, rng.choice(np.setdiff1d(wanted_from, np.flatnonzero(train[shopper])))] = 1.0
    train[np.arange(TAILS), QUIET] = 1.0
    held[train > 0] = 0.0
    return TaskSplit(sparse.csr_matrix(train), sparse.csr_matrix(held))


def scores_of(split: TaskSplit, head: float, tail: float):
    """What is hidden scores best of its kind; every head scores more than any tail product."""
    held = split.held_out.toarray() > 0

    def scores(rows: np.ndarray) -> np.ndarray:
        level = np.where(np.isin(np.arange(HEADS + TAILS), QUIET), tail, head)
        return np.where(held[rows], 1.2, 1.0) * level * np.linspace(1.0, 0.99, HEADS + TAILS)

    return scores


def chosen(wanted_from: np.ndarray):
    split = a_shop(np.random.default_rng(3), wanted_from)
    scores = scores_of(split, 1.0, 0.3)
    return choose_favour(split, np.arange(SHOPPERS), scores, scores, np.random.default_rng(0))


def test_the_long_tail_is_what_hardly_anybody_has():
    split = a_shop(np.random.default_rng(3), np.arange(12))
    assert set(QUIET) <= set(np.flatnonzero(long_tail_of(split.train)))
    assert not long_tail_of(split.train)[:12].any()


def test_where_shoppers_want_the_long_tail_it_is_let_in():
    favour, trade = chosen(QUIET)
    assert favour == FAVOURS[-1]
    assert trade.chosen_share > 0.95
    assert trade.tried[0].found < 0.05
    assert next(one for one in trade.tried if one.favour == 4.0).found == 1.0


def test_where_they_do_not_accuracy_bounds_it():
    favour, trade = chosen(np.arange(12))
    figures = {one.favour: one for one in trade.tried}
    assert favour < 6.0
    assert figures[favour].ndcg >= 0.98 * figures[1.0].ndcg  # chosen by other shoppers than it is reported on
    shares = [one.share for one in trade.tried]
    assert shares == sorted(shares)
    assert shares[-1] > 0.8
    assert trade.behaviour.ndcg == figures[1.0].ndcg


def test_a_shop_without_a_long_tail_has_no_trade():
    full = sparse.csr_matrix(np.ones((30, 12), np.float32))
    empty = sparse.csr_matrix((30, 12), dtype=np.float32)

    def scores(rows: np.ndarray) -> np.ndarray:
        return np.ones((len(rows), 12))

    split = TaskSplit(full, empty)
    assert choose_favour(split, np.arange(30), scores, scores, np.random.default_rng(0)) == (1.0, None)
