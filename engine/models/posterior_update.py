"""The vector of a product whose content changed, from its own behaviour and its new look-alikes, without fitting again.

Its interactions are the same, but its look-alikes are others. In the Gaussian process of `engine.models.smoother`, one
observation moves: it is removed at the old content and added at the new one. Both are low-rank changes of the fitted
system, so the posterior has a closed form (block inverse if every product is a landmark; Sherman, Morrison and Woodbury if
the landmarks are a sample). It equals what fitting again would give the product, up to rounding. Its effect on the lists
of its neighbours waits for the next training.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from engine.models.smoother import Kernel, Rows, Smoother, unit

__all__ = ["PosteriorUpdate"]


class PosteriorUpdate:
    """Moves products of a fitted smoother; the first one factors the system, at most 4,000 x 4,000, and the others reuse it.

    Parameters
    ----------
    counts : (n_items,) int, the interactions that the smoother was fitted on.
    noise : the noise that it was fitted with.
    """

    def __init__(self, smoother: Smoother, counts: np.ndarray, noise: float):
        self._smoother, self._counts, self._noise = smoother, counts, noise
        self._observed = np.flatnonzero(counts > 0)

    def __call__(
        self, rows: np.ndarray, before: Mapping[str, Rows], after: Mapping[str, Rows], own: np.ndarray
    ) -> np.ndarray:
        """(n, rank) float32, the smoothed vectors of n products with their new content.

        Parameters
        ----------
        rows : (n,) int, in the catalogue. before, after : all their old and new views, n rows each.
        own : (n, rank), their observed vectors: residual factors over the root of the count.
        """
        moved = np.array(self._smoother(after))
        kernel = self._smoother.kernel
        old, new = ({view: unit(side[view]) for view in kernel.weights} for side in (before, after))
        for position, row in enumerate(rows):
            if not self._counts[row]:
                continue  # without interactions its vector follows its look-alikes alone, like any new product's
            after_one = {view: units[[position]] for view, units in new.items()}
            if self._smoother.factor is None:
                moved[position] = self._among_all(int(row), kernel, after_one, own[position])
            else:
                before_one = {view: units[[position]] for view, units in old.items()}
                moved[position] = self._among_landmarks(int(row), kernel, before_one, after_one, own[position])
        return moved

    def _among_all(self, row: int, kernel: Kernel, after: Mapping[str, Rows], own: np.ndarray) -> np.ndarray:
        """Every observed product is a landmark, including this one: it is removed, then observed again."""
        position = int(np.searchsorted(self._observed, row))
        similarity = kernel(after, self._smoother.landmarks)[0].astype(np.float64)
        similarity[position] = 0.0
        sides = np.zeros((len(similarity), 2))
        sides[position, 0], sides[:, 1] = 1.0, similarity
        column, weighed = cho_solve((self._system, True), sides, check_finite=False).T
        coefficients = self._smoother.coefficients.astype(np.float64)
        without = coefficients - np.outer(column, coefficients[position] / column[position])
        expected = similarity @ without
        explained = similarity @ weighed - (similarity @ column) ** 2 / column[position]
        unknown = max(float(kernel(after, after)[0, 0]) - explained, 0.0)
        gain = unknown / (unknown + self._noise / self._counts[row])
        return np.asarray(expected + gain * (own - expected), dtype=np.float32)

    def _among_landmarks(
        self, row: int, kernel: Kernel, before: Mapping[str, Rows], after: Mapping[str, Rows], own: np.ndarray
    ) -> np.ndarray:
        """The landmarks are a sample: the observation is subtracted at the old content and added at the new one."""
        landmarks, weight = self._smoother.landmarks, self._counts[row] / self._noise
        sides = np.vstack([kernel(before, landmarks), kernel(after, landmarks)]).astype(np.float64).T
        solved = cho_solve((self._system, True), sides, check_finite=False)
        signs = np.array([-weight, weight])
        inner = np.diag(1.0 / signs) + sides.T @ solved
        # (A + U S U')^-1 (R + U s y') at the new content, where U has the two columns of similarities.
        right = sides.T @ self._smoother.coefficients + (sides.T @ solved) @ signs[:, None] * own[None, :]
        correction = np.linalg.solve(inner, right)
        at = sides[:, 1]
        plain = at @ self._smoother.coefficients + (at @ solved @ signs) * own
        return np.asarray(plain - (at @ solved) @ correction, dtype=np.float32)

    @cached_property
    def _system(self) -> np.ndarray:
        """(m, m) float64, the lower Cholesky factor of the smoother's system."""
        if self._smoother.factor is not None:
            return self._smoother.factor.astype(np.float64)
        gram = self._smoother.kernel(self._smoother.landmarks, self._smoother.landmarks)
        gram[np.diag_indices_from(gram)] += self._noise / self._counts[self._observed].astype(np.float32)
        return np.asarray(cho_factor(gram.astype(np.float64), lower=True, overwrite_a=True, check_finite=False)[0])
