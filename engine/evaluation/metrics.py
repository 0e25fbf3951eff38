"""How good a ranking is: surprise relevance, NDCG@k, AP@k, coverage, and intervals over targets.

A ranking is `(n_targets, k) int` rows, best first, padded with `NO_ITEM` where an arm has no (or no longer) list.
Relevance is a sparse `(n_targets, n_items)` matrix of gains; a target with nothing relevant scores NaN and is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from scipy import sparse

__all__ = [
    "NO_ITEM",
    "Interval",
    "average_precision_at_k",
    "binary",
    "bootstrap_interval",
    "coverage",
    "ndcg_at_k",
    "surprise_relevance",
    "top_k",
    "top_k_in_chunks",
]

NO_ITEM = -1
"""Marks the places of a ranking that hold no item."""


def surprise_relevance(
    truth: sparse.csr_matrix,
    train: sparse.csr_matrix,
    targets: np.ndarray,
    *,
    allowed: np.ndarray | None = None,
    min_shared: int = 2,
    min_surprise: float = 1.5,
) -> sparse.csr_matrix:
    """What a target's hidden shoppers share with each candidate beyond what independence expects.

    For target i and candidate j, CO is the number of i's shoppers in `truth` who have j in `train`, and
    `E = (sum of those shoppers' interactions in train) x (interactions of j in train) / (all of train)`.
    The surprise is `z = (CO - E) / sqrt(E + 1)`; j is relevant when CO >= `min_shared` and z > `min_surprise`,
    and its gain is z. Popularity is taken out: cosine-normalised co-occurrence as gain would let it win.

    Parameters
    ----------
    truth, train : (n_users, n_items), one entry per distinct shopper-item pair; weights are ignored.
    targets : (n_targets,) int, rows of items.
    allowed : (n_items,) bool, candidates that count; all unless given. A target is never relevant to itself.

    Returns
    -------
    (n_targets, n_items) float64 gains, canonical.
    """
    seen = _ones(train)
    shoppers = _ones(truth.tocsc()[:, targets].T.tocsr())
    activity = shoppers @ np.asarray(seen.sum(axis=1)).ravel()
    counts = np.asarray(seen.sum(axis=0)).ravel()
    shared = (shoppers @ seen).tocoo()
    expected = activity[shared.row] * counts[shared.col] / max(seen.nnz, 1)
    surprise = (shared.data - expected) / np.sqrt(expected + 1.0)
    keep = (shared.data >= min_shared) & (surprise > min_surprise) & (np.asarray(targets)[shared.row] != shared.col)
    if allowed is not None:
        keep &= allowed[shared.col]
    gains = sparse.csr_matrix((surprise[keep], (shared.row[keep], shared.col[keep])), shape=shared.shape)
    gains.sort_indices()
    return gains


def binary(gains: sparse.csr_matrix) -> sparse.csr_matrix:
    """The same relevance with every gain 1."""
    ones = gains.copy()
    ones.data = np.ones_like(ones.data)
    return ones


def top_k(scores: np.ndarray, k: int, allowed: np.ndarray | None = None) -> np.ndarray:
    """The `k` best columns of each row of `scores`, best first; among equals the lower column.

    Parameters
    ----------
    scores : (n, n_items) float; NaN and -inf are no candidates.
    allowed : (n_items,) or (n, n_items) bool; the rest are no candidates.

    Returns
    -------
    (n, k) int64, padded with `NO_ITEM` where fewer candidates are left.
    """
    values = np.where(np.isnan(scores), -np.inf, scores)
    if allowed is not None:
        values = np.where(allowed, values, -np.inf)
    width = min(k, values.shape[1])
    ranked = np.full((values.shape[0], k), NO_ITEM, dtype=np.int64)
    if width == 0 or values.shape[0] == 0:
        return ranked
    threshold = np.partition(values, values.shape[1] - width, axis=1)[:, -width]
    for row, (line, least) in enumerate(zip(values, threshold, strict=True)):
        columns = np.flatnonzero(line >= least) if np.isfinite(least) else np.flatnonzero(np.isfinite(line))
        best = columns[np.argsort(-line[columns], kind="stable")[:width]]
        ranked[row, : len(best)] = best
    return ranked


def top_k_in_chunks(
    score: Callable[[np.ndarray], np.ndarray], n: int, k: int, allowed: np.ndarray | None = None, chunk: int = 1024
) -> np.ndarray:
    """`top_k` of `n` rows whose scores are made `chunk` rows at a time by `score(positions)`, to bound memory."""
    parts = [np.empty((0, k), dtype=np.int64)]
    for start in range(0, n, chunk):
        positions = np.arange(start, min(n, start + chunk))
        mask = allowed[positions] if allowed is not None and allowed.ndim == 2 else allowed
        parts.append(top_k(score(positions), k, mask))
    return np.vstack(parts)


def ndcg_at_k(ranked: np.ndarray, gains: sparse.csr_matrix, k: int = 10) -> np.ndarray:
    """Normalised discounted cumulative gain of each target: linear gain, log2 discount, ideal = the `k` best gains.

    Returns
    -------
    (n_targets,) float64 in [0, 1]; NaN where nothing is relevant, 0 where something is and the ranking is empty.
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    found = _gains_of(ranked, gains, k) @ discounts[: min(k, ranked.shape[1])]
    ideal = np.zeros(gains.shape[0])
    for target in np.flatnonzero(np.diff(gains.indptr)):
        best = np.sort(gains.data[gains.indptr[target] : gains.indptr[target + 1]])[::-1][:k]
        ideal[target] = best @ discounts[: len(best)]
    return np.asarray(np.divide(found, ideal, out=np.full(len(ideal), np.nan), where=ideal > 0))


def average_precision_at_k(ranked: np.ndarray, gains: sparse.csr_matrix, k: int = 10) -> np.ndarray:
    """Average precision of each target, divided by min(k, number relevant); NaN where nothing is relevant.

    Returns
    -------
    (n_targets,) float64 in [0, 1].
    """
    hits = _gains_of(ranked, gains, k) > 0
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    relevant = np.minimum(np.diff(gains.indptr), k)
    found = (precision * hits).sum(axis=1)
    return np.asarray(np.divide(found, relevant, out=np.full(len(relevant), np.nan), where=relevant > 0))


def coverage(ranked: np.ndarray) -> float:
    """Share of the targets that got a list at all; NaN without targets."""
    return float((ranked[:, 0] != NO_ITEM).mean()) if len(ranked) else float("nan")


@dataclass(frozen=True)
class Interval:
    """A mean over targets with its 95 % interval; `n` targets had something relevant, all None when there are none."""

    mean: float | None
    low: float | None
    high: float | None
    n: int

    def to_dict(self) -> dict[str, float | int | None]:
        return asdict(self)


def bootstrap_interval(values: np.ndarray, rng: np.random.Generator, rounds: int = 1000) -> Interval:
    """Mean of the values that are not NaN, with percentiles 2.5 and 97.5 of the means of `rounds` resamples."""
    known = values[~np.isnan(values)]
    if not len(known):
        return Interval(None, None, None, 0)
    means = np.array([known[rng.integers(0, len(known), len(known))].mean() for _ in range(rounds)])
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(known.mean()), float(low), float(high), len(known))


def _gains_of(ranked: np.ndarray, gains: sparse.csr_matrix, k: int) -> np.ndarray:
    """Gain of each ranked item, `(n_targets, min(k, width)) float64`; 0 where there is none."""
    places = ranked[:, :k]
    rows = np.repeat(np.arange(places.shape[0]), places.shape[1])
    columns = places.ravel()
    if not gains.nnz:  # scipy gives a sparse matrix then, not numbers
        return np.zeros(places.shape)
    found = np.asarray(gains[rows, np.maximum(columns, 0)], dtype=np.float64).ravel()
    return np.where(columns == NO_ITEM, 0.0, found).reshape(places.shape)


def _ones(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """One per stored non-zero entry, float64."""
    clean: sparse.csr_matrix = matrix.astype(np.float64)  # a copy
    clean.sum_duplicates()
    clean.eliminate_zeros()
    clean.data[:] = 1.0
    return clean
