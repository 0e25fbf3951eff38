"""Fitting the hybrid: behaviour that chance does not explain, carried over to look-alikes.

    residual factors Z  ->  smoothed over views of the content (queries)  ->  among Z itself (candidates)

A query is the posterior of `engine.models.smoother`: of a product without clicks what its look-alikes' shoppers did, of a
bestseller what its own did. Candidates are real behaviour, leaning on their look-alikes' as far as there is little of it,
and shortened by a power of their length. Which views count how much, the noise of a click, the rank, how far candidates
lean and that power are chosen per catalogue (`engine.selection`).
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

    def shaped(self, factors: np.ndarray, recipe: Recipe) -> Hybrid:
        """The same with the candidates of a recipe of the same kernel and rank; `factors` (n_items, at least rank) are those
        it was fitted on."""
        own = factors[:, : self.query.shape[1]]
        candidates, longest = candidates_of(own, self.query, self.unknown, self.counts, recipe)
        return replace(self, recipe=recipe, candidates=candidates, longest=longest)

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
    names: np.ndarray | None = None,
) -> Hybrid:
    """Fit on (n_users, n_items) interactions.

    Parameters
    ----------
    factors : (n_items, at least recipe.rank) residual factors of these interactions where they are known already.
    names : (n_items,) uint64, as for `fit_smoother`.

    Raises `TrainingError` where there is nothing to learn from.
    """
    known = residual_factors(user_items, recipe.rank, seed) if factors is None else factors
    known = known[:, : recipe.rank]
    smoother = fit_smoother(
        known, counts, views, recipe.kernel(), noise=recipe.noise, seed=seed, capacity=recipe.capacity, names=names
    )
    query, unknown = smoother.posterior(views)
    length = np.sqrt(np.maximum(counts, 0.5)).astype(np.float32)[:, None]
    candidates, longest = candidates_of(known, query, unknown, counts, recipe)
    observed = np.linalg.norm(known, axis=1) / np.sqrt(np.maximum(counts, 1))
    return Hybrid(
        recipe,
        standard,
        smoother,
        query,
        candidates,
        unit_rows(known),
        query * length,
        observed.astype(np.float32),
        counts,
        unknown,
        longest,
    )


def candidates_of(
    factors: np.ndarray, query: np.ndarray, unknown: np.ndarray, counts: np.ndarray, recipe: Recipe
) -> tuple[np.ndarray, float]:
    """(n_items, rank) float32 candidates, and what they were divided by so that the longest has length 1.

    Parameters
    ----------
    factors : (n_items, rank) residual factors. query : (n_items, rank) smoothed vectors, `unknown` (n_items,) how much of each
        is guesswork.
    """
    leaning = np.where(counts > 0, np.power(unknown, np.float32(recipe.lean)), np.float32(1.0))[:, None]
    expected = query * np.sqrt(np.maximum(counts, recipe.unseen)).astype(np.float32)[:, None]
    vectors = factors + leaning * (expected - factors)
    longest = max(float(_weights(vectors, recipe.exponent).max(initial=0.0)), 1e-12)
    return _shortened(vectors, recipe.exponent, longest), longest


def expected_candidates(smoothed: np.ndarray, recipe: Recipe, longest: float) -> np.ndarray:
    """(n, rank) float32, the candidates of products without interactions, as `candidates_of` would have them."""
    found = _shortened(np.float32(np.sqrt(recipe.unseen)) * smoothed, recipe.exponent, longest)
    return np.asarray(found / np.maximum(row_lengths(found), 1.0), dtype=np.float32)


def _shortened(vectors: np.ndarray, exponent: float, longest: float) -> np.ndarray:
    """(n, rank) float32, vectors divided by their length to the power `exponent`, and by `longest`."""
    return np.asarray(unit_rows(vectors) * _weights(vectors, exponent) / longest, dtype=np.float32)


def _weights(vectors: np.ndarray, exponent: float) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.power(lengths, 1.0 - exponent, where=lengths > 0, out=np.zeros_like(lengths)))
