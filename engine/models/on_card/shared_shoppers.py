"""Block Lanczos (`engine.models.residual`) on a graphics card: products with the shopper-item matrix, and the space that they span."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from engine.models.on_card.tensors import sparse_tensor

__all__ = ["CardSpace", "times_itself_on_card"]


def times_itself_on_card(scaled: sparse.csr_matrix, card: str) -> Callable[[np.ndarray], np.ndarray]:
    """Multiplies S'S by (n_items, k) float32, for S (n_users, n_items)."""
    left, right = sparse_tensor(scaled, card), sparse_tensor(sparse.csr_matrix(scaled.T), card)
    return lambda block: np.asarray((right @ (left @ torch.from_numpy(block).to(card))).cpu().numpy())


class CardSpace:
    """What `engine.models.residual.HostSpace` is, on the card.

    Parameters
    ----------
    n, most : how long its directions are, and how many there may be.
    """

    def __init__(self, n: int, most: int, card: str):
        self._card, self.found, self.reach = card, 0, 0.0
        self._basis = torch.zeros((most, n), device=card)  # a direction is a row
        self._within = np.zeros((most, most), dtype=np.float32)

    def add(self, block: np.ndarray, image: np.ndarray) -> None:
        """Orthonormal directions (n, k) float32, and what the matrix makes of them."""
        until = self.found + block.shape[1]
        self._basis[self.found : until] = self._there(block)
        self._within[:until, self.found : until] = (self._basis[:until] @ self._there(image).T).cpu().numpy()
        self.found, self.reach = until, max(self.reach, float(np.abs(image).max(initial=0.0)))

    def beside(self, block: np.ndarray) -> np.ndarray:
        """(n, k) float32, a block less what lies within the space."""
        known, rest = self._basis[: self.found], self._there(block)
        return np.ascontiguousarray((rest - (rest @ known.T) @ known).T.cpu().numpy())

    def projected(self) -> np.ndarray:
        """(found, found) float32, the matrix within the space."""
        within = self._within[: self.found, : self.found]
        return np.asarray(np.triu(within) + np.triu(within, 1).T)

    def turned(self, mixed: np.ndarray) -> np.ndarray:
        """(n, k) float32, directions (found, k) of the space, as they lie outside of it."""
        directions = torch.from_numpy(np.ascontiguousarray(mixed.T)).to(self._card)
        return np.ascontiguousarray((directions @ self._basis[: self.found]).T.cpu().numpy())

    def _there(self, block: np.ndarray) -> Tensor:
        return torch.from_numpy(block).to(self._card).T
