"""Fitting the hybrid: behaviour that chance does not explain, carried over to look-alikes.

    residual factors Z  ->  smoothed over views of the content (queries)  ->  among Z itself (candidates)

A query is the posterior of `engine.models.smoother`: of a product without clicks what its look-alikes' shoppers did, of a
bestseller what its own did. Candidates are real behaviour, shortened by a power of their length. Which views count how
much, the noise of a click, the rank and that power are chosen per catalogue (`engine.selection`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from engine.core.vectors import row_lengths, unit_rows
from engine.models.correction import Correction
from engine.models.kernel import Rows
from engine.models.recipe import Recipe
from engine.models.residual import residual_factors
from engine.models.smoother import Smoother, fit_smoother
from engine.models.views import Standard

__all__ = ["Hybrid", "candidates_of", "expected_candidates", "fit_hybrid"]

UNSEEN_WEIGHT = 0.5
"""A candidate without interactions counts as if it had this many, all of them its look-alikes'."""


@dataclass(frozen=True)
class Hybrid:
    """A fitted hybrid.

    Attributes
    ----------
    query : (n_items, rank) float32, the smoothed vectors; `candidates` : (n_items, rank) float32, each at most of length 1.
    profiles : (n_items, rank) float32, directions of real behaviour; zero rows where there is none.
    for_shoppers : (n_items, rank) float32, the smoothed vectors, longer by the root of the interactions: what
        `engine.models.user_scoring` compares histories with.
    observed_lengths : (n_items,) float32, of the vectors that were observed, 0 without interactions; their directions are
        `profiles`.
    counts : (n_items,) int64, the interactions it was fitted on.
    unknown : (n_items,) float32, how much of each smoothed vector is guesswork: posterior over prior variance.
    longest : what candidates are divided by, so that the longest has length 1.
    correction : what people judged, where a training learned from it; `query` has it in it.
    """

    recipe: Recipe
    standard: Standard
    smoother: Smoother
    query: np.ndarray
    candidates: np.ndarray
    profiles: np.ndarray
    for_shoppers: np.ndarray
    observed_lengths: np.ndarray
    counts: np.ndarray
    unknown: np.ndarray
    longest: float
    correction: Correction | None = None

    def corrected(self, correction: Correction, views: Mapping[str, Rows]) -> Hybrid:
        """The same, asking as people judged; products without a query stay without."""
        moved = unit_rows(self.query) + correction.of_catalogue(views)
        known = np.any(self.query, axis=1)[:, None]
        return replace(self, query=np.where(known, moved, np.float32(0.0)), correction=correction)


def fit_hybrid(
    user_items: sparse.csr_matrix,
    counts: np.ndarray,
    standard: Standard,
    views: Mapping[str, Rows],
    recipe: Recipe,
    seed: int,
    *,
    factors: np.ndarray | None = None,
) -> Hybrid:
    """Fit on (n_users, n_items) interactions.

    Parameters
    ----------
    factors : (n_items, at least recipe.rank) residual factors of these interactions where they are known already.

    Raises `TrainingError` where there is nothing to learn from.
    """
    known = residual_factors(user_items, recipe.rank, seed) if factors is None else factors
    known = known[:, : recipe.rank]
    smoother = fit_smoother(known, counts, views, recipe.kernel(), noise=recipe.noise, seed=seed, capacity=recipe.capacity)
    query, unknown = smoother.posterior(views)
    length = np.sqrt(np.maximum(counts, UNSEEN_WEIGHT)).astype(np.float32)[:, None]
    vectors = _observed_or_expected(known, query, counts)
    longest = _longest(vectors, recipe.exponent)
    observed = np.linalg.norm(known, axis=1) / np.sqrt(np.maximum(counts, 1))
    return Hybrid(
        recipe,
        standard,
        smoother,
        query,
        _shortened(vectors, recipe.exponent, longest),
        unit_rows(known),
        query * length,
        observed.astype(np.float32),
        counts,
        unknown,
        longest,
    )


def candidates_of(factors: np.ndarray, query: np.ndarray, counts: np.ndarray, exponent: float) -> np.ndarray:
    """Real behaviour where there is some, a little of the look-alikes' where there is none; the longest has length 1."""
    vectors = _observed_or_expected(factors, query, counts)
    return _shortened(vectors, exponent, _longest(vectors, exponent))


def expected_candidates(smoothed: np.ndarray, exponent: float, longest: float) -> np.ndarray:
    """(n, rank) float32, the candidates of products without interactions, as `candidates_of` would have them."""
    found = _shortened(np.float32(np.sqrt(UNSEEN_WEIGHT)) * smoothed, exponent, longest)
    return np.asarray(found / np.maximum(row_lengths(found), 1.0), dtype=np.float32)


def _shortened(vectors: np.ndarray, exponent: float, longest: float) -> np.ndarray:
    """(n, rank) float32, vectors divided by their length to the power `exponent`, and by `longest`."""
    return np.asarray(unit_rows(vectors) * _weights(vectors, exponent) / longest, dtype=np.float32)


def _observed_or_expected(factors: np.ndarray, query: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.where((counts > 0)[:, None], factors, np.float32(np.sqrt(UNSEEN_WEIGHT)) * query)


def _longest(vectors: np.ndarray, exponent: float) -> float:
    return max(float(_weights(vectors, exponent).max()), 1e-12)


def _weights(vectors: np.ndarray, exponent: float) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.power(lengths, 1.0 - exponent, where=lengths > 0, out=np.zeros_like(lengths)))
