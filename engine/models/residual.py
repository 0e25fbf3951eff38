"""Residual behaviour: item vectors whose inner products say how many more shoppers two items share than chance explains.

For items i and j let CO be the number of shoppers they share and E its expectation if shoppers chose independently. The
surprise `z = (CO - E) / sqrt(E + 1)` is free of popularity, but its matrix is too dense to store. With the denominator
split between the two items, multiplying by it takes only sparse matrices and a block of vectors, and a block Lanczos
method (Golub and Underwood 1977; every block is orthogonalised against all before it) finds its leading eigenvectors without
forming it: `z ~ Z Z'`. Few eigenvectors suppress the noise of single shoppers. A block at a time uses the BLAS, which is
four times as fast as one vector at a time and finds the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import scipy
from scipy import sparse

from engine.core.errors import TrainingError
from engine.core.graphics_card import graphics_card
from engine.core.side_by_side import side_by_side
from engine.core.workers import workers
from engine.models.row_parts import row_parts

__all__ = ["SHOPPER_DAMPING", "residual_factors", "surprise"]

SHOPPER_DAMPING = 0.25
"""A shopper with n interactions counts n to the power of minus this: one who has everything says little about any two."""

BLOCK = 32
ROWS, ALONG = 65_536, 128
"""Products whose directions are combined at a time, and directions that a block is measured along."""
SPACE = 3
"""The Krylov space has this many times the directions that are wanted, in whole blocks: part of one would be whichever part the last
bits make of it."""


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
    start = np.random.default_rng(seed).standard_normal((n_items, BLOCK)).astype(np.float32)
    values, vectors = _leading(surprise(pairs, damping), start, min(rank, n_items - 1))
    factors = vectors * np.sqrt(np.maximum(values, 0.0)).astype(np.float32)
    factors *= np.where(np.abs(factors).max(axis=0) == factors.max(axis=0), 1.0, -1.0)  # signs are arbitrary: fix them
    factors[np.asarray(pairs.sum(axis=0)).ravel() == 0] = 0.0
    return np.asarray(factors, dtype=np.float32)


class Space(Protocol):
    """Orthonormal directions that were found, and what the matrix makes of them.

    Attributes
    ----------
    found : how many there are. reach : the largest number of their images.
    """

    found: int
    reach: float

    def add(self, block: np.ndarray, image: np.ndarray) -> None:
        """Orthonormal directions (n, k) float32, and what the matrix makes of them."""

    def beside(self, block: np.ndarray) -> np.ndarray:
        """(n, k) float32, a block less what lies within the space."""

    def projected(self) -> np.ndarray:
        """(found, found) float32, the matrix within the space."""

    def turned(self, mixed: np.ndarray) -> np.ndarray:
        """(n, k) float32, directions (found, k) of the space, as they lie outside of it."""


class HostSpace:
    """The same in memory: directions are kept, of their images only what lies within the space.

    Parameters
    ----------
    n, most : how long its directions are, and how many there may be.
    """

    def __init__(self, n: int, most: int):
        self.found, self.reach = 0, 0.0
        self._basis = np.zeros((n, most), dtype=np.float32, order="F")
        self._within = np.zeros((most, most), dtype=np.float32)

    def add(self, block: np.ndarray, image: np.ndarray) -> None:
        until = self.found + block.shape[1]
        self._basis[:, self.found : until] = block
        self._within[:until, self.found : until] = self._along(until, image)
        self.found, self.reach = until, max(self.reach, float(np.abs(image).max(initial=0.0)))

    def beside(self, block: np.ndarray) -> np.ndarray:
        along = self._along(self.found, block)
        return np.vstack(
            list(
                side_by_side(lambda some: block[some] - self._basis[some, : self.found] @ along, _parts_of(len(block)))
            )
        )

    def projected(self) -> np.ndarray:
        within = self._within[: self.found, : self.found]
        return np.asarray(np.triu(within) + np.triu(within, 1).T)

    def turned(self, mixed: np.ndarray) -> np.ndarray:
        parts = side_by_side(lambda some: self._basis[some, : self.found] @ mixed, _parts_of(len(self._basis)))
        return np.vstack(list(parts))

    def _along(self, until: int, block: np.ndarray) -> np.ndarray:
        """(until, k) float32, the inner products of the first directions with a block (n, k)."""
        parts = [slice(start, min(start + ALONG, until)) for start in range(0, until, ALONG)]
        found = side_by_side(lambda some: self._basis[:, some].T @ block, parts)
        return np.vstack([np.zeros((0, block.shape[1]), np.float32), *found])


def _parts_of(n: int) -> list[slice]:
    return [slice(start, min(start + ROWS, n)) for start in range(0, n, ROWS)]


def _leading(times: Callable[[np.ndarray], np.ndarray], start: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues (rank,) of a symmetric matrix, and their vectors (n, rank) float32; zero where it has fewer.

    Parameters
    ----------
    times : multiplies the matrix by (n, k) float32.
    start : (n, k) float32, the first block.
    """
    n, k = start.shape
    most = min(n, -(-(SPACE * rank + 2 * k) // k) * k)
    space, block = _space(n, most), _orthonormal(start)
    while block.shape[1] and space.found < most:
        block = block[:, : most - space.found]
        image = times(block)
        space.add(block, image)
        rest = space.beside(space.beside(image))
        block = _orthonormal(space.beside(_orthonormal(rest, least=1e-5 * space.reach)))
    small = space.projected()
    kept = min(rank, space.found)
    values, mixed = scipy.linalg.eigh(small.astype(np.float64), subset_by_index=(space.found - kept, space.found - 1))
    vectors = np.zeros((n, rank), dtype=np.float32)
    vectors[:, :kept] = space.turned(mixed[:, ::-1].astype(np.float32))
    return np.pad(values[::-1], (0, rank - kept)), vectors


def _space(n: int, most: int) -> Space:
    if (card := graphics_card()) is None:
        return HostSpace(n, most)
    from engine.models.on_card.shared_shoppers import CardSpace

    return CardSpace(n, most, card)


def _orthonormal(block: np.ndarray, least: float = 1e-6) -> np.ndarray:
    """(n, at most k) float32, orthonormal columns that span a block (n, k), but for directions no longer than `least`."""
    exact = block.astype(np.float64)
    values, turned = np.linalg.eigh(exact.T @ exact)
    clear = values > max(float(values.max(initial=0.0)) * 1e-10, least**2)
    return np.asarray(exact @ (turned[:, clear] / np.sqrt(values[clear])), dtype=np.float32)


def surprise(pairs: sparse.csr_matrix, damping: float) -> Callable[[np.ndarray], np.ndarray]:
    """Multiplies the matrix of z, (n_items, n_items) with a diagonal of zeros, by (n_items, k) float32."""
    activity = np.asarray(pairs.sum(axis=1)).ravel()
    counts = np.asarray(pairs.sum(axis=0)).ravel()
    weight = np.power(np.maximum(activity, 1.0), -damping)
    weight *= activity.sum() / (weight @ activity)  # the total does not change
    total, reach = float(pairs.nnz), pairs.T @ (weight * activity)
    typical = float(reach.sum() / total)  # activity of the shopper behind a typical interaction
    # (counts + pseudo) of both items, times typical / total, is E + 1 if either count is 0, and E if both are large.
    pseudo = np.sqrt(total / typical)
    scale = 1.0 / np.sqrt((counts + pseudo) * np.sqrt(typical / total))
    scaled = sparse.csr_matrix(
        sparse.diags_array(np.sqrt(weight)) @ pairs @ sparse.diags_array(scale), dtype=np.float32
    )
    shared_by = _times_itself(scaled)
    diagonal = ((pairs.T @ weight - reach * counts / total) * scale**2).astype(np.float32)[:, None]
    reached, bought = ((scale * one / np.sqrt(2.0 * total)).astype(np.float32) for one in (reach, counts))

    def times(block: np.ndarray) -> np.ndarray:
        shared = shared_by(np.ascontiguousarray(block))
        expected = np.outer(reached, bought @ block) + np.outer(bought, reached @ block)
        return np.asarray(shared - expected - diagonal * block)

    return times


def _times_itself(scaled: sparse.csr_matrix) -> Callable[[np.ndarray], np.ndarray]:
    """Multiplies S'S by (n_items, k) float32: here, on the graphics card, or as a sum over parts of the shoppers elsewhere."""
    some, card = workers(), graphics_card()
    if card is not None:
        from engine.models.on_card.shared_shoppers import times_itself_on_card

        return times_itself_on_card(scaled, card)
    if some is None:
        there, back = row_parts(scaled), row_parts(sparse.csr_matrix(scaled.T))
        return lambda block: _times(back, _times(there, block))
    held = some.hold(row_parts(scaled))
    return lambda block: held.total(_part_times_itself, block)[0].astype(np.float32)


def _times(parts: Sequence[sparse.csr_matrix], block: np.ndarray) -> np.ndarray:
    """(n, k) float32, consecutive rows of a matrix times a block."""
    return np.vstack(list(side_by_side(lambda part: part @ block, parts)))


def _part_times_itself(part: sparse.csr_matrix, block: np.ndarray) -> tuple[np.ndarray]:
    return (np.asarray(part.T @ (part @ block)),)
