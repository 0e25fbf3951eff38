"""A product whose content changed: where its own behaviour and its new look-alikes' put it, without fitting anything again.

Its interactions stay, its place among the look-alikes does not. In the Gaussian process of `engine.models.smoother` that
is one observation which moves: taken out where its content was, put in where it is now. Both are low-rank changes of the
fitted system, so the posterior follows in closed form (block inverse where every product is a landmark, Sherman, Morrison
and Woodbury where some stand for all) and equals what fitting again would give the product, up to rounding. What it
does for its neighbours' own lists waits for the next training.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from engine.models.smoother import Kernel, Rows, Smoother, unit

__all__ = ["PosteriorUpdate"]


class PosteriorUpdate:
    """Moves products of a fitted smoother; the first one factors its system, at most 4,000 x 4,000, the others use that.

    Parameters
    ----------
    counts : (n_items,) int, the interactions that the smoother was fitted on.
    noise : as it was fitted with.
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
        rows : (n,) int, in the catalogue. `before`, `after` : every view of them as it was and is, n rows each.
        own : (n, rank), what was observed of them: residual factors over the root of the count.
        """
        moved = np.array(self._smoother(after))
        kernel = self._smoother.kernel
        old, new = ({view: unit(side[view]) for view in kernel.weights} for side in (before, after))
        for place, row in enumerate(rows):
            if not self._counts[row]:
                continue  # nothing of its own: the look-alikes alone speak, as they do for any new product
            here = {view: units[[place]] for view, units in new.items()}
            if self._smoother.factor is None:
                moved[place] = self._among_all(int(row), kernel, here, own[place])
            else:
                there = {view: units[[place]] for view, units in old.items()}
                moved[place] = self._among_landmarks(int(row), kernel, there, here, own[place])
        return moved

    def _among_all(self, row: int, kernel: Kernel, here: Mapping[str, Rows], own: np.ndarray) -> np.ndarray:
        """Every observed product is a landmark, this one among them: it is left out, then observed anew."""
        position = int(np.searchsorted(self._observed, row))
        alike = kernel(here, self._smoother.landmarks)[0].astype(np.float64)
        alike[position] = 0.0
        sides = np.zeros((len(alike), 2))
        sides[position, 0], sides[:, 1] = 1.0, alike
        column, weighed = cho_solve((self._system, True), sides, check_finite=False).T
        coefficients = self._smoother.coefficients.astype(np.float64)
        without = coefficients - np.outer(column, coefficients[position] / column[position])
        expected = alike @ without
        unknown = float(kernel(here, here)[0, 0]) - (alike @ weighed - (alike @ column) ** 2 / column[position])
        gain = max(unknown, 0.0) / (max(unknown, 0.0) + self._noise / self._counts[row])
        return np.asarray(expected + gain * (own - expected), dtype=np.float32)

    def _among_landmarks(
        self, row: int, kernel: Kernel, there: Mapping[str, Rows], here: Mapping[str, Rows], own: np.ndarray
    ) -> np.ndarray:
        """Landmarks stand for all products: this one's observation is subtracted where it was and added where it is."""
        landmarks, weight = self._smoother.landmarks, self._counts[row] / self._noise
        sides = np.vstack([kernel(there, landmarks), kernel(here, landmarks)]).astype(np.float64).T
        solved = cho_solve((self._system, True), sides, check_finite=False)
        signs = np.array([-weight, weight])
        inner = np.diag(1.0 / signs) + sides.T @ solved
        # (A + U S U')^-1 (R + U s y') at the new place, U the two columns of likeness.
        right = sides.T @ self._smoother.coefficients + (sides.T @ solved) @ signs[:, None] * own[None, :]
        correction = np.linalg.solve(inner, right)
        at = sides[:, 1]
        plain = at @ self._smoother.coefficients + (at @ solved @ signs) * own
        return np.asarray(plain - (at @ solved) @ correction, dtype=np.float32)

    @cached_property
    def _system(self) -> np.ndarray:
        """(m, m) float64, the lower Cholesky factor of what the smoother was solved with."""
        if self._smoother.factor is not None:
            return self._smoother.factor.astype(np.float64)
        gram = self._smoother.kernel(self._smoother.landmarks, self._smoother.landmarks)
        gram[np.diag_indices_from(gram)] += self._noise / self._counts[self._observed].astype(np.float32)
        return np.asarray(cho_factor(gram.astype(np.float64), lower=True, overwrite_a=True, check_finite=False)[0])
