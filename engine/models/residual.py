"""Residual behaviour: item vectors whose inner products say how many more shoppers two items share than chance explains.

For items i and j let CO be the number of shoppers they share and E its expectation if shoppers chose independently. The
surprise `z = (CO - E) / sqrt(E + 1)` is free of popularity, but its matrix is too dense to store. With the denominator
split between the two items, multiplying by it takes only sparse matrices and vectors, and Lanczos' method finds its
leading eigenvectors without forming it: `z ~ Z Z'`. Few eigenvectors suppress the noise of single shoppers.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh

from engine.core.errors import TrainingError

__all__ = ["SHOPPER_DAMPING", "residual_factors"]

SHOPPER_DAMPING = 0.25
"""A shopper with n interactions counts n to the power of minus this: one who has everything says little about any two."""

TOLERANCE = 1e-3


def residual_factors(
    user_items: sparse.csr_matrix, rank: int, seed: int, *, damping: float = SHOPPER_DAMPING
) -> np.ndarray:
    """Vectors Z whose inner products approximate the surprise z between items, free of popularity.

    Parameters
    ----------
    user_items : (n_users, n_items), one positive entry per distinct pair; weights are ignored.
    rank : number of eigenvectors, at most one less than the number of items.
    seed : of the starting vector; the same matrix and seed give the same vectors.
    damping : see `SHOPPER_DAMPING`; 0 counts all shoppers alike.

    Returns
    -------
    (n_items, rank) float32, leading direction first; zero rows for items without interactions.

    Raises `TrainingError` if there are too few items or no interactions.
    """
    pairs: sparse.csr_matrix = sparse.csr_matrix(user_items).astype(np.float64)
    pairs.data[:] = 1.0
    n_items = pairs.shape[1]
    if n_items < 3 or pairs.nnz == 0:
        raise TrainingError(f"{n_items} products with {pairs.nnz} interactions have nothing in common to learn from.")
    start = np.random.default_rng(seed).standard_normal(n_items)
    surprise = _surprise(pairs, damping)
    values, vectors = eigsh(surprise, k=min(rank, n_items - 1), which="LA", v0=start, tol=TOLERANCE)
    order = np.argsort(-values)
    factors = vectors[:, order] * np.sqrt(np.maximum(values[order], 0.0))
    factors *= np.where(np.abs(factors).max(axis=0) == factors.max(axis=0), 1.0, -1.0)  # signs are arbitrary: fix them
    factors[np.asarray(pairs.sum(axis=0)).ravel() == 0] = 0.0
    return np.asarray(factors, dtype=np.float32)


def _surprise(pairs: sparse.csr_matrix, damping: float) -> LinearOperator:
    """The matrix of z, (n_items, n_items), as an operator; its diagonal is zero."""
    activity = np.asarray(pairs.sum(axis=1)).ravel()
    counts = np.asarray(pairs.sum(axis=0)).ravel()
    weight = np.power(np.maximum(activity, 1.0), -damping)
    weight *= activity.sum() / (weight @ activity)  # the total does not change
    total, reach = float(pairs.nnz), pairs.T @ (weight * activity)
    typical = float(reach.sum() / total)  # activity of the shopper behind a typical interaction
    # (counts + pseudo) of both items, times typical / total, is E + 1 if either count is 0, and E if both are large.
    pseudo = np.sqrt(total / typical)
    scale = 1.0 / np.sqrt((counts + pseudo) * np.sqrt(typical / total))
    weighted = (sparse.diags_array(weight) @ pairs).tocsr()
    transposed = pairs.T.tocsr()
    diagonal = pairs.T @ weight - reach * counts / total

    def times(vector: np.ndarray) -> np.ndarray:
        x = vector.ravel() * scale
        shared = transposed @ (weighted @ x)
        expected = (reach * (counts @ x) + counts * (reach @ x)) / (2.0 * total)
        return np.asarray((shared - expected - diagonal * x) * scale)

    return LinearOperator((len(counts), len(counts)), matvec=times, dtype=np.float64)
