"""What every peer learns from: the thinned interactions, and the products' content."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from engine.core.vectors import unit_rows

__all__ = ["PeerShop", "cosines"]

COLUMNS = 256


@dataclass(frozen=True)
class PeerShop:
    """One shop.

    Attributes
    ----------
    train : (n_users, n_items) interactions.
    content : (n_items, d) float32, MiniLM's texts and the attributes side by side, unit rows.
    words : (n_items, n_words) TF-IDF rows.
    targets : (n_targets,) rows of items.
    """

    train: sparse.csr_matrix
    content: np.ndarray
    words: sparse.csr_matrix
    targets: np.ndarray
    seed: int

    @cached_property
    def ones(self) -> sparse.csr_matrix:
        """`train` with a 1 for every interaction, float32."""
        parts = (np.ones(self.train.nnz, np.float32), self.train.indices, self.train.indptr)
        return sparse.csr_matrix(parts, shape=self.train.shape)

    @cached_property
    def counts(self) -> np.ndarray:
        """(n_items,) interactions."""
        return np.bincount(self.train.indices, minlength=self.train.shape[1])

    @cached_property
    def inputs(self) -> np.ndarray:
        """(n_items, at most `COLUMNS`) float32: the content along its main directions, which keeps its inner products."""
        values, directions = np.linalg.eigh(self.content.T @ self.content)
        return np.asarray(self.content @ directions[:, np.argsort(-values)[:COLUMNS]], dtype=np.float32)


def cosines(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(len(rows), n_items)."""
    units = unit_rows(vectors)
    return np.asarray(units[rows] @ units.T)
