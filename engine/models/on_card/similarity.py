"""The kernel (`engine.models.kernel`) on a graphics card, to items that stay there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from engine.models.kernel import Kernel, Rows, present
from engine.models.on_card.tensors import sparse_tensor

__all__ = ["CardKernel"]


@dataclass(frozen=True)
class _Held:
    """One view of m items: (d, m) float32, and (m,) bool, which of them have it; of sparse rows only the columns that occur."""

    turned: Tensor
    present: Tensor
    columns: np.ndarray | None


class CardKernel:
    """Similarities of items to m others, whose views are held on the card.

    Parameters
    ----------
    others : per view (m, d) float32 unit rows, dense or sparse.
    """

    def __init__(self, kernel: Kernel, others: Mapping[str, Rows], card: str):
        self.kernel, self.card = kernel, card
        self._held = {view: _held(others[view], card) for view in kernel.weights}

    def __call__(self, some: Mapping[str, Rows]) -> Tensor:
        """(n, m) float32 on the card, from the unit rows of n items."""
        total, whole = None, sum(self.kernel.weights.values())
        for view, weight in self.kernel.weights.items():
            held = self._held[view]
            part = self._cosines(some[view], held)
            if self.kernel.sharpness[view] > 0:
                part.sub_(1.0).mul_(self.kernel.sharpness[view]).exp_()
                part *= torch.from_numpy(present(some[view])).to(self.card)[:, None]
                part *= held.present
            part *= weight / whole
            total = part if total is None else total.add_(part)
        assert total is not None  # a kernel has a view
        return total

    def _cosines(self, rows: Rows, held: _Held) -> Tensor:
        if held.columns is None:
            return torch.from_numpy(np.ascontiguousarray(rows)).to(self.card) @ held.turned
        return sparse_tensor(sparse.csr_matrix(sparse.csr_matrix(rows)[:, held.columns]), self.card) @ held.turned


def _held(rows: Rows, card: str) -> _Held:
    columns = None
    known = torch.from_numpy(present(rows)).to(card)
    if isinstance(rows, sparse.csr_matrix):
        columns = np.unique(rows.indices)
        rows = rows[:, columns].toarray().astype(np.float32)
    return _Held(torch.from_numpy(np.ascontiguousarray(rows)).to(card).T.contiguous(), known, columns)
