"""A matrix of interactions in parts of rows, for workers elsewhere."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

__all__ = ["row_parts"]

PAIRS = 500_000
"""Of a part, about: few enough for the memory of any worker, many enough to be worth sending."""
FEWEST = 4


def row_parts(matrix: csr_matrix) -> list[csr_matrix]:
    """Consecutive rows, about as many pairs in each part; how many parts depends on the matrix alone."""
    n = min(max(FEWEST, -(-matrix.nnz // PAIRS)), max(1, matrix.shape[0]))
    wanted = np.linspace(0, matrix.nnz, n + 1)[1:-1]
    cuts = np.unique([0, *np.searchsorted(matrix.indptr, wanted), matrix.shape[0]])
    return [matrix[start:end] for start, end in pairwise(cuts)]
