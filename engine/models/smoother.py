"""Propagation: the behaviour of look-alikes' shoppers, carried over to an item the more, the less is known of it.

This is a Gaussian-process smoother of item vectors over content. Vector i is observed with noise `noise / n_i`, where n_i
counts its interactions; two items' true vectors agree as far as their content does (the kernel). The posterior mean of an
item without interactions follows its look-alikes, that of a bestseller its own shoppers, and in between both, without a
threshold. Large catalogues use a sample of items as landmarks (Nystroem; Williams and Seeger 2001).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve

from engine.core.errors import TrainingError
from engine.core.vectors import unit_rows

__all__ = ["Kernel", "Rows", "Smoother", "fit_smoother", "unit"]

Rows = np.ndarray | sparse.csr_matrix
"""One view of n items: dense, or sparse like word counts."""

MAX_LANDMARKS = 4000
CHUNK = 4096
JITTER = 1e-4


@dataclass(frozen=True)
class Kernel:
    """The similarity of two items: a weighted mean over views of `exp(sharpness x (cosine - 1))`.

    Attributes
    ----------
    sharpness : per view; 0 means the plain cosine, which suits sparse word vectors.
    weights : per view, positive.
    """

    sharpness: dict[str, float]
    weights: dict[str, float]

    def __call__(self, left: Mapping[str, Rows], right: Mapping[str, Rows]) -> np.ndarray:
        """(n_left, n_right) float32, from unit rows of each view; a zero row is similar to nothing in that view."""
        n_left, n_right = (next(iter(side.values())).shape[0] for side in (left, right))
        total = np.zeros((n_left, n_right), dtype=np.float32)
        for view in self.weights:
            total += self.part(view, left[view], right[view])
        return total

    def part(self, view: str, left: Rows, right: Rows) -> np.ndarray:
        """One view's share of the kernel, (n_left, n_right) float32."""
        if isinstance(left, sparse.csr_matrix):
            similarity = np.asarray(sparse.csr_matrix(left @ sparse.csr_matrix(right.T)).toarray())
        else:
            similarity = left @ right.T
            if self.sharpness[view] > 0:
                known = np.outer(left.any(axis=1), np.asarray(right).any(axis=1))
                similarity = np.where(known, np.exp(self.sharpness[view] * (similarity - 1.0)), 0.0)
        return np.asarray(similarity * np.float32(self.weights[view] / sum(self.weights.values())), dtype=np.float32)


@dataclass(frozen=True)
class Smoother:
    """A fitted smoother; it needs only the landmarks' views, so it works for a product uploaded a second ago.

    Attributes
    ----------
    landmarks : per view (n_landmarks, d) float32, unit rows; sparse where the view is.
    coefficients : (n_landmarks, rank) float32.
    factor : (n_landmarks, n_landmarks) float32, the lower Cholesky factor of the system, if it was requested and the
        landmarks are a sample of the items; otherwise `engine.models.posterior_update` computes it from the landmarks.
    """

    kernel: Kernel
    landmarks: dict[str, Rows]
    coefficients: np.ndarray
    factor: np.ndarray | None = None

    def __call__(self, views: Mapping[str, Rows]) -> np.ndarray:
        """Posterior mean of items by their content, (n, rank) float32; views as in `fit_smoother`."""
        units = {view: unit(views[view]) for view in self.kernel.weights}
        n = next(iter(units.values())).shape[0]
        parts = [
            self.kernel({view: rows[start : start + CHUNK] for view, rows in units.items()}, self.landmarks)
            @ self.coefficients
            for start in range(0, n, CHUNK)
        ]
        return np.vstack(parts) if parts else np.zeros((0, self.coefficients.shape[1]), dtype=np.float32)

    def parts(self, views: Mapping[str, Rows]) -> dict[str, np.ndarray]:
        """Each view's share of the posterior mean, (n, rank) float32 each; they add up to `self(views)`."""
        return {
            view: self.kernel.part(view, unit(views[view]), self.landmarks[view]) @ self.coefficients
            for view in self.kernel.weights
        }


def fit_smoother(
    vectors: np.ndarray,
    counts: np.ndarray,
    views: Mapping[str, Rows],
    kernel: Kernel,
    *,
    noise: float = 30.0,
    seed: int = 0,
    max_landmarks: int = MAX_LANDMARKS,
    keep_factor: bool = False,
) -> Smoother:
    """Fit on every item that has interactions.

    Parameters
    ----------
    vectors : (n_items, rank) float32, as `residual_factors` returns them: their length grows with the root of the count,
        so they are divided by it before items are compared.
    counts : (n_items,) int.
    views : per view (n_items, d) float32, dense or sparse, content or predictions; scaled to unit rows here.
    noise : interactions at which an item's own shoppers weigh as much as the kernel's prior.
    keep_factor : store the factor that `engine.models.posterior_update` needs, if it cannot be computed again.

    Raises `TrainingError` if no item has interactions, or a view is missing.
    """
    missing = set(kernel.weights) - set(views)
    if missing:
        raise TrainingError(f"Propagation compares by {', '.join(sorted(missing))}, which these products lack.")
    observed = np.flatnonzero(counts > 0)
    if not len(observed):
        raise TrainingError("No product has interactions, so there is nothing to carry over to others.")
    units = {view: unit(views[view][observed]) for view in kernel.weights}
    n = counts[observed].astype(np.float32)
    values = vectors[observed] / np.sqrt(n)[:, None]
    if len(observed) <= max_landmarks:
        gram = kernel(units, units)
        gram[np.diag_indices_from(gram)] += noise / n
        return Smoother(kernel, units, _solved(gram, values)[0])
    chosen = np.sort(np.random.default_rng(seed).choice(len(observed), max_landmarks, replace=False, p=n / n.sum()))
    landmarks = {view: rows[chosen] for view, rows in units.items()}
    coefficients, factor = _solved(*_normal_equations(kernel, units, landmarks, values, n / noise))
    return Smoother(kernel, landmarks, coefficients, np.tril(factor).astype(np.float32) if keep_factor else None)


def _normal_equations(
    kernel: Kernel, units: Mapping[str, Rows], landmarks: Mapping[str, Rows], values: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Left and right side of the landmarks' system, (m, m) and (m, rank) float32, summed over all observed items."""
    gram = kernel(landmarks, landmarks)
    gram[np.diag_indices_from(gram)] += JITTER
    right = np.zeros((len(gram), values.shape[1]), dtype=np.float32)
    for start in range(0, len(values), CHUNK):
        some = slice(start, start + CHUNK)
        cross = kernel({view: rows[some] for view, rows in units.items()}, landmarks)
        weighted = cross * weights[some][:, None]
        gram += cross.T @ weighted
        right += weighted.T @ values[some]
    return gram, right


def unit(rows: Rows) -> Rows:
    """Rows scaled to length 1, dense or sparse like the input; zero rows stay zero."""
    if not isinstance(rows, sparse.csr_matrix):
        return unit_rows(rows)
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_matrix(sparse.diags_array(inverse.astype(np.float32)) @ rows)


def _solved(gram: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The solution, float32, and a matrix whose lower triangle is the Cholesky factor, float64."""
    factor = cho_factor(gram.astype(np.float64), lower=True, overwrite_a=True, check_finite=False)
    solution = cho_solve(factor, right.astype(np.float64), check_finite=False)
    return np.asarray(solution, dtype=np.float32), factor[0]
