"""Rows of a matrix as vectors: their lengths and directions, defined once."""

from __future__ import annotations

import numpy as np

from engine.core.joined_rows import Table
from engine.core.large_arrays import blocks, zeros

__all__ = ["SMALLEST_LENGTH", "row_lengths", "squared_lengths", "unit_rows"]

SMALLEST_LENGTH = 1e-9
"""Rows shorter than this have no direction."""


def unit_rows(vectors: Table) -> np.ndarray:
    """Rows scaled to length 1, (n, d) float32; rows without a direction are zero."""
    scaled = zeros(vectors.shape)
    for rows in blocks(len(vectors)):
        lengths = row_lengths(vectors[rows])
        np.divide(vectors[rows], lengths, out=scaled[rows], where=lengths > SMALLEST_LENGTH)
    return scaled


def row_lengths(vectors: Table) -> np.ndarray:
    """Length of every row, (n, 1) float32."""
    parts = (vectors[rows].astype(np.float32, copy=False) for rows in blocks(len(vectors)))
    return np.concatenate([np.linalg.norm(part, axis=1, keepdims=True) for part in parts])


def squared_lengths(vectors: Table) -> np.ndarray:
    """Squared length of every row, (n,) float32."""
    parts = (vectors[rows] for rows in blocks(len(vectors)))
    return np.concatenate([np.einsum("nd,nd->n", part, part) for part in parts])
