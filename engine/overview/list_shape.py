"""What the lists of a whole catalogue show together: products on too many of them, on none, and lists of weak matches.

A weak list is one whose neighbours are much less alike to its product than is usual in this catalogue: their mean
similarity lies below Tukey's fence (the lower quartile less one and a half times the distance between the quartiles; Tukey 1977).
On the demo shop, where the true families are known, 25 % of the lists so found hold three strangers or more, of all lists 2 %.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["HUB_TIMES", "hubs", "lists_with", "orphans", "weak_lists"]

HUB_TIMES = 10
"""A hub stands on this many times as many lists as the average product."""
FENCE = 1.5
LEAST_LISTS = 20  # fewer say nothing of what is usual


def lists_with(rows: NDArray[np.integer], k: int) -> NDArray[np.int64]:
    """(n_items,) on how many lists each product stands.

    Parameters
    ----------
    rows : (n_items, at least k) neighbours of every product, best first, -1 where there is none.
    """
    shown = rows[:, :k]
    return np.bincount(shown[shown >= 0], minlength=len(rows)).astype(np.int64)


def hubs(on_lists: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of the products that stand on at least `HUB_TIMES` as many lists as the average product, the most first."""
    least = HUB_TIMES * on_lists.mean() if len(on_lists) else 0.0
    found = np.flatnonzero((on_lists >= least) & (on_lists > 0))
    return found[np.argsort(-on_lists[found], kind="stable")]


def orphans(on_lists: NDArray[np.int64], counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Rows of the products that stand on no list, those with the most interactions first."""
    found = np.flatnonzero(on_lists == 0)
    return found[np.argsort(-counts[found], kind="stable")]


def weak_lists(
    rows: NDArray[np.integer], scores: NDArray[np.floating], counts: NDArray[np.integer], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows of the products with weak lists, and how much less alike their neighbours are than on the median list (0 to 1).

    The order is by that times the product's interactions, those that most people see most first.

    Parameters
    ----------
    rows, scores : (n_items, at least k), the lists and their similarities, best first; -1 where there is no neighbour.
    """
    there = rows[:, :k] >= 0
    some = there.any(axis=1)
    if int(some.sum()) < LEAST_LISTS:
        return np.empty(0, dtype=np.int64), np.empty(0)
    sums = np.where(there, scores[:, :k], 0.0).sum(axis=1, dtype=np.float64)
    alike = np.divide(sums, there.sum(axis=1), out=np.full(len(rows), np.nan), where=some)
    low, median, high = np.quantile(alike[some], [0.25, 0.5, 0.75])
    found = np.flatnonzero(some & (alike < low - FENCE * (high - low)) & (median > 0))
    doubt = np.clip(1 - alike[found] / median, 0.0, 1.0) if median > 0 else np.empty(0)
    order = np.argsort(-doubt * counts[found], kind="stable")
    return found[order], doubt[order]
