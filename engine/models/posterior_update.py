"""The vector of a product whose content changed, from its own behaviour and its new look-alikes, without fitting again.

Its interactions are the same, but its look-alikes are others. In the Gaussian process of `engine.models.smoother`, one
observation moves: it is removed at the old content and added at the new one. Both are low-rank changes of the fitted
system, so the posterior has a closed form (block inverse if every product is a landmark; Sherman, Morrison and Woodbury if
the landmarks are a sample). It equals what fitting again would give the product, up to rounding, and up to what far
products would change in catalogues of more than `NEAR`. Its effect on the lists of its neighbours waits for the next training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import scipy
from scipy import sparse

from engine.models.kernel import Kernel, Rows, unit
from engine.models.smoother import Smoother, observed_variances
from engine.models.uncertainty import among_all

__all__ = ["PosteriorUpdate", "without_observations"]

NEAR = 2000
"""An observation is moved within the system of the products most like the old and the new content."""


class PosteriorUpdate:
    """Moves products of a fitted smoother.

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
    ) -> tuple[np.ndarray, np.ndarray]:
        """(n, rank) float32, the smoothed vectors of n products with their new content, and (n,) float32, how much of
        them is guesswork.

        Parameters
        ----------
        rows : (n,) int, in the catalogue. before, after : all their old and new views, n rows each.
        own : (n, rank), their observed vectors: residual factors over the root of the count.
        """
        moved, unknown = (np.array(one) for one in self._smoother.posterior(after))
        kernel = self._smoother.kernel
        old, new = ({view: unit(side[view]) for view in kernel.weights} for side in (before, after))
        for position, row in enumerate(rows):
            if not self._counts[row]:
                continue  # without interactions its vector follows its look-alikes alone, like any new product's
            before_one, after_one = ({view: units[[position]] for view, units in side.items()} for side in (old, new))
            if self._smoother.noise is not None:
                found = self._among_all(int(row), kernel, before_one, after_one, own[position])
                moved[position], unknown[position] = found
            else:
                moved[position], less = self._among_landmarks(int(row), kernel, before_one, after_one, own[position])
                unknown[position] = np.clip(unknown[position] + less, 0.0, 1.0)
        return moved, unknown

    def _among_all(
        self, row: int, kernel: Kernel, before: Mapping[str, Rows], after: Mapping[str, Rows], own: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """Every observed product is a landmark, including this one: it is removed, then observed again."""
        assert self._smoother.noise is not None
        position = int(np.searchsorted(self._observed, row))
        both = np.vstack([kernel(before, self._smoother.landmarks), kernel(after, self._smoother.landmarks)])
        everywhere = both[1].astype(np.float64)
        everywhere[position] = 0.0
        near = np.sort(np.argsort(-both.max(axis=0), kind="stable")[:NEAR])
        near = np.union1d(near, [position])
        system = self._system_of(near)
        sides = np.zeros((len(near), 2))
        place = int(np.searchsorted(near, position))
        sides[place, 0], sides[:, 1] = 1.0, everywhere[near]
        column, weighed = scipy.linalg.cho_solve(
            scipy.linalg.cho_factor(system, lower=True, overwrite_a=True), sides, check_finite=False
        ).T
        coefficients = self._smoother.coefficients
        taken = column @ everywhere[near] / column[place]
        expected = everywhere @ coefficients - taken * coefficients[position]
        explained = everywhere[near] @ weighed - (everywhere[near] @ column) ** 2 / column[place]
        unknown = max(float(kernel(after, after)[0, 0]) - explained, 0.0)
        gain = unknown / (unknown + float(self._smoother.noise[position]))
        landmarks = {view: _replaced(rows[near], place, after[view]) for view, rows in self._smoother.landmarks.items()}
        cross = kernel(after, landmarks)
        guessed = among_all(kernel, landmarks, self._smoother.noise[near], cross, kernel.prior(after))
        return np.asarray(expected + gain * (own - expected), dtype=np.float32), float(guessed[0])

    def _among_landmarks(
        self, row: int, kernel: Kernel, before: Mapping[str, Rows], after: Mapping[str, Rows], own: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """Some products stand for all: the observation is subtracted at the old content and added at the new one. The second
        is what that adds to the posterior over the prior variance."""
        assert self._smoother.factor is not None
        landmarks, weight = self._smoother.landmarks, self._counts[row] / self._noise
        sides = np.vstack([kernel(before, landmarks), kernel(after, landmarks)]).astype(np.float64).T
        solved = scipy.linalg.cho_solve((self._smoother.factor.astype(np.float64), True), sides, check_finite=False)
        signs = np.array([-weight, weight])
        inner = np.diag(1.0 / signs) + sides.T @ solved
        # (A + U S U')^-1 (R + U s y') at the new content, where U has the two columns of similarities.
        right = sides.T @ self._smoother.coefficients + (sides.T @ solved) @ signs[:, None] * own[None, :]
        correction = np.linalg.solve(inner, right)
        at = sides[:, 1]
        plain = at @ self._smoother.coefficients + (at @ solved @ signs) * own
        told = at @ solved
        less = -float(told @ np.linalg.solve(inner, told)) / max(float(kernel.prior(after)[0]), 1e-12)
        return np.asarray(plain - told @ correction, dtype=np.float32), less

    def _system_of(self, near: np.ndarray) -> np.ndarray:
        """(m, m) float64, the smoother's system restricted to m landmarks."""
        assert self._smoother.noise is not None
        some = {view: rows[near] for view, rows in self._smoother.landmarks.items()}
        system = self._smoother.kernel(some, some).astype(np.float64)
        system[np.diag_indices_from(system)] += self._smoother.noise[near]
        return system


def without_observations(
    smoother: Smoother, views: Mapping[str, Rows], counts: np.ndarray, own: np.ndarray, noise: float
) -> Smoother:
    """A smoother whose landmarks stand for all, as it would be if n products had not been observed (Woodbury); its factors are gone.

    Parameters
    ----------
    views : their views, n rows each. counts : (n,) their interactions, above 0. own : (n, rank), their observed vectors.
    noise : the noise that it was fitted with.
    """
    assert smoother.factor is not None
    kernel, factor = smoother.kernel, (smoother.factor.astype(np.float64), True)
    lengths = np.sqrt(observed_variances(counts, noise).astype(np.float64))[:, None]
    sides = (kernel({view: unit(views[view]) for view in kernel.weights}, smoother.landmarks) / lengths).T
    solved = scipy.linalg.cho_solve(factor, sides, check_finite=False)
    inner = np.eye(sides.shape[1]) - sides.T @ solved
    plain = smoother.coefficients - solved @ (own / lengths)
    coefficients = plain + solved @ np.linalg.solve(inner, sides.T @ plain)
    return replace(smoother, coefficients=coefficients.astype(np.float32), factor=None, explains=None)


def _replaced(rows: Rows, place: int, row: Rows) -> Rows:
    """The same rows, one of them replaced."""
    if isinstance(rows, sparse.csr_matrix):
        return sparse.csr_matrix(sparse.vstack([rows[:place], sparse.csr_matrix(row), rows[place + 1 :]]))
    return np.vstack([rows[:place], np.asarray(row), rows[place + 1 :]])
