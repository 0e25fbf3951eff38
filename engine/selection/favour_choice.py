"""Choosing how much of the long tail shoppers' lists hold: as much as costs no accuracy worth speaking of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from engine.arms.plan import FavourTrial, LongTailTrade
from engine.catalogue.traffic import Traffic
from engine.evaluation.metrics import NO_ITEM, ndcg_at_k, top_k
from engine.evaluation.published_task import TaskSplit
from engine.models.user_scoring import favoured

__all__ = ["FAVOURS", "choose_favour"]

FAVOURS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0)
GIVEN_UP = 0.01  # of NDCG: as much as is given up elsewhere for products that figures hardly see
SHOPPERS_AT_ONCE = 512

Scores = Callable[[np.ndarray], np.ndarray]


def choose_favour(
    split: TaskSplit, shoppers: np.ndarray, hybrid: Scores, behaviour: Scores, rng: np.random.Generator, *, k: int = 10
) -> tuple[float, LongTailTrade | None]:
    """The most favour that gives up no more than a hundredth of NDCG@k, and what each costs and brings.

    All products are candidates. One half of the shoppers chooses, the other half is reported. Without long-tail products, or shoppers
    with anything to find, the favour is 1 and there are no figures.

    Parameters
    ----------
    shoppers : rows of the split.
    hybrid, behaviour : `scores(rows) -> (len(rows), n_items)`, higher is better; products that cannot be recommended at -inf.
    """
    long_tail = long_tail_of(split.train)
    rows = rng.permutation(shoppers[np.diff(split.held_out.indptr)[shoppers] > 0])
    choosing, reported = np.sort(rows[::2]), np.sort(rows[1::2])
    if not len(reported) or not long_tail.any():
        return 1.0, None
    tried = _measured(split, choosing, hybrid, long_tail, FAVOURS, k)
    enough = (1.0 - GIVEN_UP) * tried[0].ndcg
    favour = max(one.favour for one in tried if one.ndcg >= enough)
    hidden = split.held_out[reported]
    trade = LongTailTrade(
        round(float(long_tail[hidden.indices].mean()), 4),
        _measured(split, reported, behaviour, long_tail, (1.0,), k)[0],
        tuple(_measured(split, reported, hybrid, long_tail, FAVOURS, k)),
    )
    return favour, trade


def long_tail_of(user_items: sparse.csr_matrix) -> np.ndarray:
    """(n_items,) bool, by the interactions in an (n_users, n_items) matrix."""
    counts = np.bincount(user_items.indices, minlength=user_items.shape[1])
    return Traffic.of(counts).is_long_tail(counts)


def _measured(
    split: TaskSplit, shoppers: np.ndarray, scores: Scores, long_tail: np.ndarray, favours: tuple[float, ...], k: int
) -> list[FavourTrial]:
    lists = [np.empty((len(shoppers), k), dtype=np.int64) for _ in favours]
    for start in range(0, len(shoppers), SHOPPERS_AT_ONCE):
        some = shoppers[start : start + SHOPPERS_AT_ONCE]
        plain, free = scores(some), split.train[some].toarray() == 0
        for ranked, favour in zip(lists, favours, strict=True):
            ranked[start : start + len(some)] = _filled(plain, free, long_tail, favour, k)
    held_out = sparse.csr_matrix(split.held_out[shoppers])
    held_out.data = np.ones_like(held_out.data)
    return [_figures(favour, one, held_out, long_tail, k) for favour, one in zip(favours, lists, strict=True)]


def _filled(scores: np.ndarray, free: np.ndarray, long_tail: np.ndarray, favour: float, k: int) -> np.ndarray:
    """(n, k) rows of products: chosen with favour, in the order of the scores as they are."""
    ranked = top_k(favoured(scores, long_tail, favour), k, allowed=free)
    own = np.where(ranked == NO_ITEM, -np.inf, np.take_along_axis(scores, ranked, axis=1))
    return np.take_along_axis(ranked, np.argsort(-own, axis=1, kind="stable"), axis=1)


def _figures(
    favour: float, ranked: np.ndarray, held_out: sparse.csr_matrix, long_tail: np.ndarray, k: int
) -> FavourTrial:
    shown = (ranked != NO_ITEM) & long_tail[ranked]
    wanted = np.take_along_axis(held_out.toarray(), ranked, axis=1) > 0
    there = long_tail[held_out.indices].sum()
    return FavourTrial(
        favour,
        round(float(ndcg_at_k(ranked, held_out, k).mean()), 4),
        round(float(shown.sum() / max((ranked != NO_ITEM).sum(), 1)), 4),
        round(float((shown & wanted).sum() / max(there, 1)), 4),
    )
