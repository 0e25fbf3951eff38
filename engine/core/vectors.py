"""Rows of a matrix as vectors: their lengths and directions, defined once."""

from __future__ import annotations

import numpy as np

from engine.core.large_arrays import blocks, zeros

__all__ = ["SMALLEST_LENGTH", "row_lengths", "unit_rows"]

SMALLEST_LENGTH = 1e-9
"""Rows shorter than this have no direction."""


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, (n, d) float32; rows without a direction are zero."""
    scaled = zeros(vectors.shape)
    for rows in blocks(len(vectors)):
        lengths = row_lengths(vectors[rows])
        np.divide(vectors[rows], lengths, out=scaled[rows], where=lengths > SMALLEST_LENGTH)
    return scaled


def row_lengths(vectors: np.ndarray) -> np.ndarray:
    """Length of every row, (n, 1) float32."""
    return np.asarray(np.linalg.norm(vectors.astype(np.float32), axis=1, keepdims=True))
