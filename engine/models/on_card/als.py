"""ALS on a graphics card: rounds of conjugate gradients as implicit takes them, for all rows of a block at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from engine.models.on_card.tensors import by_rows

__all__ = ["factorise_on_card"]

NUMBERS = 1 << 28
"""Of gathered factors that are held at once."""
SETTLED = 1e-20
"""A row whose squared residual is smaller is solved."""


def factorise_on_card(
    confidence: csr_matrix,
    users: np.ndarray,
    items: np.ndarray,
    iterations: int,
    regularization: float,
    steps: int,
    note: Callable[[int, float, float], None] | None,
    card: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Shoppers' and items' factors after some rounds, (n_users, f) and (n_items, f) float32.

    Parameters
    ----------
    confidence : (n_users, n_items), positive where there is a pair.
    users, items : float32, where they start. steps : of conjugate gradients in each half of a round.
    note : called with a round's number, 0 and its loss; losses are worked out for it alone.
    """
    factors = users.shape[1]
    by_user, by_item = _blocks(confidence, factors, card), _blocks(csr_matrix(confidence.T), factors, card)
    own, other = torch.tensor(users, device=card), torch.tensor(items, device=card)
    for iteration in range(iterations):
        _half_round(by_user, own, other, regularization, steps)
        _half_round(by_item, other, own, regularization, steps)
        if note is not None:
            note(iteration, 0.0, _loss(by_user, own, other, regularization, confidence.shape))
    return own.cpu().numpy(), other.cpu().numpy()


@dataclass(frozen=True)
class _Block:
    """Some consecutive rows: (b + 1,) starts, (nnz,) columns, values and rows within the block."""

    first: int
    starts: Tensor
    columns: Tensor
    values: Tensor
    rows: Tensor

    def __len__(self) -> int:
        return len(self.starts) - 1

    def inner(self, own: Tensor, other: Tensor) -> Tensor:
        """(nnz,) inner products of each pair's factors; `own` (b, f) are those of the block's rows."""
        return (other[self.columns] * own[self.rows]).sum(dim=1)

    def total(self, weights: Tensor, other: Tensor) -> Tensor:
        """(b, f): for every row, the sum of its columns' factors, each by the weight of the pair."""
        return by_rows(self.starts, self.columns, weights, (len(self), len(other))) @ other


def _blocks(matrix: csr_matrix, factors: int, card: str) -> list[_Block]:
    """Of rows with at most `NUMBERS` / `factors` pairs together, or of a single row."""
    most, starts, found = max(1, NUMBERS // factors), matrix.indptr.astype(np.int64), []
    first = 0
    while first < matrix.shape[0]:
        until = max(first + 1, int(np.searchsorted(starts, starts[first] + most, side="right")) - 1)
        part = slice(starts[first], starts[until])
        own = torch.from_numpy(starts[first : until + 1] - starts[first]).to(card)
        columns = torch.from_numpy(matrix.indices[part].astype(np.int64)).to(card)
        rows = torch.repeat_interleave(torch.arange(until - first, device=card), own.diff())
        found.append(_Block(first, own, columns, torch.from_numpy(matrix.data[part]).to(card), rows))
        first = until
    return found


def _half_round(blocks: list[_Block], own: Tensor, other: Tensor, regularization: float, steps: int) -> None:
    """Solve for the rows `own` (n, f), in place."""
    gram = other.T @ other
    gram.diagonal().add_(regularization)
    for block in blocks:
        some = own[block.first : block.first + len(block)]
        some.copy_(_solved(block, some, other, gram, steps))


def _solved(block: _Block, start: Tensor, other: Tensor, gram: Tensor, steps: int) -> Tensor:
    """(b, f) after some steps of conjugate gradients; 0 for rows without a pair."""
    beyond = block.values - 1.0

    def times(some: Tensor) -> Tensor:
        return some @ gram + block.total(beyond * block.inner(some, other), other)

    solution = start.clone()
    residual = block.total(block.values, other) - times(solution)
    direction, before = residual.clone(), residual.square().sum(dim=1, keepdim=True)
    for _ in range(steps):
        image = times(direction)
        going = before >= SETTLED
        length = torch.where(going, before / (direction * image).sum(dim=1, keepdim=True), 0.0)
        solution += length * direction
        residual -= length * image
        after = residual.square().sum(dim=1, keepdim=True)
        direction = residual + torch.where(going, after / before, 0.0) * direction
        before = torch.where(going, after, 0.0)
    return torch.where((block.starts.diff() > 0)[:, None], solution, 0.0)


def _loss(blocks: list[_Block], own: Tensor, other: Tensor, regularization: float, shape: tuple[int, int]) -> float:
    """Mean weighted squared error and regularisation, as implicit tells it."""
    gram, total, spread = (other.T @ other).double(), 0.0, float(shape[0]) * shape[1]
    for block in blocks:
        some = own[block.first : block.first + len(block)]
        inner, values = block.inner(some, other).double(), block.values.double()
        total += float(((values - 1.0) * inner.square() - 2.0 * values * inner + values).sum())
        total += float(((some.double() @ gram) * some).sum())
        spread += float((values - 1.0).sum())
    total += regularization * float(own.double().square().sum() + other.double().square().sum())
    return total / spread
