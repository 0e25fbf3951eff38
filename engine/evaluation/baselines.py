"""Item-to-item methods to be compared with: popularity, ItemKNN, residual KNN and EASE.

Each gives the scores of some rows against all items, dense, higher is better; -inf where a method knows nothing of the row.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from engine.core.errors import TrainingError

__all__ = ["ease", "item_knn", "popularity", "residual_knn"]


def popularity(train: sparse.csr_matrix, rows: np.ndarray) -> np.ndarray:
    """(len(rows), n_items) float64: interactions of each item, the same for every row."""
    return np.broadcast_to(_counts(train), (len(rows), train.shape[1])).copy()


def item_knn(train: sparse.csr_matrix, rows: np.ndarray) -> np.ndarray:
    """(len(rows), n_items) float64: cosine between the shoppers of two items (Sarwar et al. 2001)."""
    pairs, counts = _ones(train), np.maximum(_counts(train), 1.0)
    shared = (pairs[:, rows].T @ pairs).toarray()
    return _masked(shared / np.sqrt(counts[rows])[:, None] / np.sqrt(counts), rows, train)


def residual_knn(train: sparse.csr_matrix, rows: np.ndarray) -> np.ndarray:
    """(len(rows), n_items) float64: `z = (CO - E) / sqrt(E + 1)`, shared shoppers beyond what independence expects."""
    pairs, counts = _ones(train), _counts(train)
    shoppers = pairs[:, rows].T
    activity = np.asarray(pairs.sum(axis=1)).ravel()
    expected = np.outer(shoppers @ activity, counts) / max(pairs.nnz, 1)
    return _masked(((shoppers @ pairs).toarray() - expected) / np.sqrt(expected + 1.0), rows, train)


def ease(train: sparse.csr_matrix, rows: np.ndarray, *, penalty: float = 200.0, most: int = 20_000) -> np.ndarray:
    """(len(rows), n_items) float32: the weights of EASE (Steck 2019) from each row to every item.

    Parameters
    ----------
    penalty : ridge penalty on the weights.
    most : items with interactions; the closed form costs the cube of them. Raises `TrainingError` above.
    """
    counts = _counts(train)
    seen = np.flatnonzero(counts > 0)
    if len(seen) > most:
        raise TrainingError(f"EASE inverts a matrix of {len(seen):,} products; {most:,} is the most it is asked to.")
    pairs = _ones(train)[:, seen].astype(np.float32)
    gram = (pairs.T @ pairs).toarray(order="F")
    gram[np.diag_indices_from(gram)] += np.float32(penalty)
    factor, failed = lapack.spotrf(gram, lower=1, overwrite_a=1)
    inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise TrainingError("EASE's matrix cannot be inverted. Raise its penalty.")
    scores = np.full((len(rows), train.shape[1]), -np.inf, dtype=np.float32)
    place = np.full(train.shape[1], -1)
    place[seen] = np.arange(len(seen))
    diagonal = np.diag(inverse)
    for position, row in enumerate(place[rows]):
        if row >= 0:
            line = np.concatenate([inverse[row, :row], inverse[row:, row]])  # the lower triangle alone is filled
            scores[position, seen] = -line / diagonal
            scores[position, rows[position]] = -np.inf
    return scores


def _masked(scores: np.ndarray, rows: np.ndarray, train: sparse.csr_matrix) -> np.ndarray:
    """Rows without interactions know nothing, no row is its own neighbour, and no item without interactions is one."""
    unknown = _counts(train) == 0
    scores[unknown[rows]] = -np.inf
    scores[:, unknown] = -np.inf
    scores[np.arange(len(rows)), rows] = -np.inf
    return np.asarray(scores)


def _counts(train: sparse.csr_matrix) -> np.ndarray:
    return np.bincount(train.indices, minlength=train.shape[1]).astype(np.float64)


def _ones(train: sparse.csr_matrix) -> sparse.csr_matrix:
    pairs: sparse.csr_matrix = sparse.csr_matrix(train).astype(np.float64)
    pairs.data[:] = 1.0
    return pairs
