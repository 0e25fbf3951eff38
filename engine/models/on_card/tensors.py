"""Sparse matrices as torch holds them."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

__all__ = ["by_rows", "sparse_tensor"]


def sparse_tensor(matrix: sparse.csr_matrix, card: str) -> Tensor:
    """The matrix on the card by rows, float32."""
    starts, columns = (torch.from_numpy(part.astype(np.int64)).to(card) for part in (matrix.indptr, matrix.indices))
    values = torch.from_numpy(matrix.data.astype(np.float32)).to(card)
    return by_rows(starts, columns, values, matrix.shape)


def by_rows(starts: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    """A matrix by rows (CSR): (n_rows + 1,) int64, (nnz,) int64 and (nnz,) float32."""
    with warnings.catch_warnings():  # torch says once that this layout is beta; products with it are all we need
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        return torch.sparse_csr_tensor(starts, columns, values, shape, check_invariants=False)
