"""The published task: rank low-traffic products for a shopper, NDCG@10 and AP@10 against what was held out.

Candidates are the products with few interactions left in training; all of them are ranked for every shopper, but
for those the shopper already has. A shopper counts when at least one held-out interaction is with a candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.core.errors import TrainingError
from engine.evaluation.metrics import Interval, average_precision_at_k, bootstrap_interval, ndcg_at_k, top_k

__all__ = [
    "TaskScores",
    "TaskSplit",
    "fewest_bought",
    "inner_products",
    "low_traffic",
    "score_shoppers",
    "split_by_shopper",
    "split_by_time",
]

CHUNK = 1024


@dataclass(frozen=True)
class TaskSplit:
    """`train` and `held_out` are disjoint `(n_users, n_items)` matrices that add up to the original."""

    train: sparse.csr_matrix
    held_out: sparse.csr_matrix


@dataclass(frozen=True)
class TaskScores:
    """Per shopper with at least one relevant candidate: `(n,) float64` each, and who they are."""

    shoppers: np.ndarray
    ndcg: np.ndarray
    average_precision: np.ndarray

    def summary(self, rng: np.random.Generator) -> dict[str, dict[str, float | int | None]]:
        """Means with intervals over shoppers: `{"ndcg": {...}, "average_precision": {...}}`."""
        parts: dict[str, Interval] = {
            "ndcg": bootstrap_interval(self.ndcg, rng),
            "average_precision": bootstrap_interval(self.average_precision, rng),
        }
        return {name: interval.to_dict() for name, interval in parts.items()}


def split_by_shopper(user_items: sparse.csr_matrix, rng: np.random.Generator, share: float = 0.2) -> TaskSplit:
    """Hide a random `share` of each shopper's interactions, rounded down or up by chance so that the mean is right."""
    matrix = sparse.csr_matrix(user_items)
    owned = np.diff(matrix.indptr)
    exact = owned * share
    hide = np.floor(exact).astype(np.int64) + (rng.random(len(owned)) < exact - np.floor(exact))
    shopper = np.repeat(np.arange(len(owned)), owned)
    order = np.lexsort((rng.random(matrix.nnz), shopper))  # each shopper's own entries, shuffled
    place = np.empty(matrix.nnz, dtype=np.int64)
    place[order] = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], owned)
    return _split(matrix, place < hide[shopper])


def split_by_time(user_items: sparse.csr_matrix, first_timestamps: np.ndarray, share: float = 0.2) -> TaskSplit:
    """Hide the latest `share` of all interactions: one moment for every shopper, as in a shop that goes live.

    Parameters
    ----------
    first_timestamps : (nnz,) int64 seconds, aligned with `user_items.data`.
    """
    matrix = sparse.csr_matrix(user_items)
    if len(first_timestamps) != matrix.nnz:
        raise TrainingError(
            f"{len(first_timestamps)} timestamps for {matrix.nnz} interactions: a split by time needs one for each."
        )
    return _split(matrix, first_timestamps > np.quantile(first_timestamps, 1.0 - share))


def low_traffic(train: sparse.csr_matrix, most: int = 5) -> np.ndarray:
    """(n_items,) bool: products with at most `most` interactions left."""
    return np.bincount(train.indices, minlength=train.shape[1]) <= most


def fewest_bought(train: sparse.csr_matrix, share: float = 0.8) -> np.ndarray:
    """(n_items,) bool: the `share` of the products with the fewest interactions left; ties by row."""
    order = np.argsort(np.bincount(train.indices, minlength=train.shape[1]), kind="stable")
    chosen = np.zeros(train.shape[1], dtype=bool)
    chosen[order[: round(share * len(order))]] = True
    return chosen


def inner_products(
    user_factors: np.ndarray, item_factors: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A `score` for `score_shoppers`: factors of shoppers times factors of items."""

    def score(shoppers: np.ndarray, items: np.ndarray) -> np.ndarray:
        return np.asarray(user_factors[shoppers] @ item_factors[items].T)

    return score


def score_shoppers(
    split: TaskSplit,
    candidates: np.ndarray,
    score: Callable[[np.ndarray, np.ndarray], np.ndarray],
    *,
    k: int = 10,
    shoppers: np.ndarray | None = None,
) -> TaskScores:
    """Rank every candidate for every shopper who has something to find.

    Parameters
    ----------
    candidates : (n_items,) bool.
    score : `score(shoppers, items) -> (len(shoppers), len(items)) float`; higher is better.
    shoppers : rows to look at; all with a held-out candidate unless given.
    """
    items = np.flatnonzero(candidates)
    held_out = split.held_out[:, items]
    held_out.data = np.ones_like(held_out.data)
    seen = split.train[:, items]
    with_truth = np.flatnonzero(np.diff(held_out.indptr))
    rows = with_truth if shoppers is None else np.intersect1d(with_truth, shoppers)
    ndcg, precision = np.empty(len(rows)), np.empty(len(rows))
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        ranked = top_k(score(some, items), k, allowed=seen[some].toarray() == 0)
        ndcg[start : start + CHUNK] = ndcg_at_k(ranked, held_out[some], k)
        precision[start : start + CHUNK] = average_precision_at_k(ranked, held_out[some], k)
    return TaskScores(rows, ndcg, precision)


def _split(matrix: sparse.csr_matrix, hidden: np.ndarray) -> TaskSplit:
    pairs = matrix.tocoo()
    parts = []
    for keep in (~hidden, hidden):
        part = sparse.csr_matrix((pairs.data[keep], (pairs.row[keep], pairs.col[keep])), shape=matrix.shape)
        part.sort_indices()
        parts.append(part)
    return TaskSplit(*parts)
