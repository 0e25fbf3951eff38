"""Trying kernels quickly: the smoother of a sample, with every view's cosines worked out once.

A shop of up to `MOST` observed products is fitted as it is; in a larger one some of them stand for all, which ranks
kernels as the exact fit does, for a fraction of its cost. Another noise costs next to nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from engine.models.kernel import Rows, present, unit
from engine.models.recipe import Recipe

__all__ = ["MOST", "Screen"]

MOST = 4000
LANDMARKS = 2000
OBSERVED = 16_000
"""At most so many observed products are fitted in a try."""
JITTER = 1e-3


class Screen:
    """Queries of n targets by any recipe, from a sample of the observed products.

    Parameters
    ----------
    factors : (n_items, rank) residual factors of thinned interactions, `counts` (n_items,) of the same.
    rows : (n,) the targets.
    """

    def __init__(self, factors: np.ndarray, counts: np.ndarray, views: Mapping[str, Rows], rows: np.ndarray, seed: int):
        rng = np.random.default_rng(seed)
        observed = np.flatnonzero(counts > 0)
        if len(observed) > OBSERVED:
            observed = np.sort(rng.choice(observed, OBSERVED, replace=False))
        self._n = counts[observed].astype(np.float32)
        self._values = (factors[observed] / np.sqrt(self._n)[:, None]).astype(np.float32)
        self._exact = len(observed) <= MOST
        places = np.arange(len(observed))
        if not self._exact:
            places = np.sort(rng.choice(len(observed), LANDMARKS, replace=False))
        self._places = places
        self._cosines: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._known: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for view, values in views.items():
            units, asked = unit(values[observed]), unit(values[rows])
            landmarks = units[places]
            self._cosines[view] = (_cosines(units, landmarks), _cosines(asked, landmarks))
            self._known[view] = (present(units), present(asked))
        self._last: tuple[object, tuple[np.ndarray, ...]] | None = None

    def queries(self, recipe: Recipe) -> np.ndarray:
        """(n, rank) float32, the smoothed vectors of the targets."""
        if self._exact:
            gram, asked = (self._similar(recipe, side) for side in (0, 1))
            system = np.asfortranarray(gram)
            system[np.diag_indices_from(system)] += np.maximum(np.float32(recipe.noise) / self._n, np.float32(JITTER))
            factor, failed = lapack.spotrf(system, lower=1, clean=0, overwrite_a=1)
            right = self._values
        else:
            own, told, right, asked = self._normal(recipe)
            system = np.asfortranarray(own + told / recipe.noise)
            system[np.diag_indices_from(system)] += JITTER
            factor, failed = lapack.dpotrf(system, lower=1, clean=0, overwrite_a=1)
            right = right / recipe.noise
        if failed:
            return np.zeros((len(asked), self._values.shape[1]), dtype=np.float32)
        solve = lapack.spotrs if self._exact else lapack.dpotrs
        return np.asarray(asked @ solve(factor, right, lower=1)[0], dtype=np.float32)

    def _normal(self, recipe: Recipe) -> tuple[np.ndarray, ...]:
        """The landmarks' similarities, what is observed told to them, its values, and the targets' similarities; the last
        kernel's are kept."""
        key = (tuple(sorted(recipe.weights.items())), recipe.sharpness)
        if self._last is None or self._last[0] != key:
            cross, asked = (self._similar(recipe, side) for side in (0, 1))
            weighted = cross * self._n[:, None]
            own = cross[self._places].astype(np.float64)
            parts = ((own + own.T) / 2, (cross.T @ weighted).astype(np.float64), weighted.T @ self._values, asked)
            self._last = (key, parts)
        return self._last[1]

    def _similar(self, recipe: Recipe, side: int) -> np.ndarray:
        """Similarities to the landmarks, of what is observed (side 0) or of the targets (side 1), float32."""
        kernel = recipe.kernel()
        total: np.ndarray | None = None
        for view in kernel.weights:
            known = self._known[view]
            part = kernel.of_cosines(view, self._cosines[view][side].copy(), known[side], known[0][self._places])
            total = part if total is None else np.add(total, part, out=total)
        assert total is not None
        return total


def _cosines(left: Rows, right: Rows) -> np.ndarray:
    if isinstance(left, sparse.csr_matrix):
        return np.asarray(sparse.csr_matrix(left @ sparse.csr_matrix(right.T)).toarray(), dtype=np.float32)
    return np.asarray(left @ np.asarray(right).T, dtype=np.float32)
