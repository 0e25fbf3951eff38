"""Sorting candidates into cells: layers by how far they lie from what all have in common, and k-means within each on a sample.

See `engine.release.cells` for what cells are for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from engine.core.joined_rows import Table, taken
from engine.core.large_arrays import blocks
from engine.core.rare_columns import ColumnProduct, rare_columns
from engine.core.side_by_side import do_side_by_side, side_by_side
from engine.release.cells import ROUNDED, CellMap

__all__ = ["make_cells"]

_PER_ROOT = 4
_SAMPLED, _STEPS = 64, 8  # candidates a cell that k-means sees, and its steps
_RATIO, _LAYERS = 2**0.5, 13  # how far out a layer ends over where it begins, and how many there are at most
_FEWEST = 8  # candidates a cell, on average over a layer
_AT_ONCE = 4096


def make_cells(units: Table, seed: int) -> CellMap:
    """Sort candidates into about `_PER_ROOT` x sqrt(n) cells; the same candidates and seed give the same cells.

    Parameters
    ----------
    units : (n, d) float32 rows of length 1 at most, at least one.
    """
    middle = sum(block.sum(axis=0, dtype=np.float64) for block in _read(units)) / len(units)
    middle = middle.astype(np.float32)
    far = np.concatenate(list(side_by_side(lambda block: np.linalg.norm(block - middle, axis=1), _read(units))))
    layers = _layers(far)
    loud = np.bincount(layers, weights=np.square(far, dtype=np.float64))
    loud = loud / loud.sum() if loud.any() else np.ones_like(loud)
    cell, rng, made = np.empty(len(units), dtype=np.int64), np.random.default_rng(seed), 0
    rare = rare_columns(units)
    for layer in np.unique(layers):
        rows = np.flatnonzero(layers == layer)
        wanted = round(_PER_ROOT * len(units) ** 0.5 * float(loud[layer]))
        centres = _centres(units, rows, middle, max(1, min(wanted, len(rows) // _FEWEST)), rare, rng)
        nearest = _nearest_of(centres, middle, rare)

        def put(
            some: slice,
            rows: NDArray[np.int64] = rows,
            nearest: Callable[[NDArray[np.float32]], NDArray[np.int64]] = nearest,
            made: int = made,
        ) -> None:
            cell[rows[some]] = made + nearest(units[rows[some]])

        do_side_by_side(put, blocks(len(rows), _AT_ONCE))
        made += len(centres)
    return _cell_map(units, np.unique(cell, return_inverse=True)[1])


def _layers(far: NDArray[np.float32]) -> NDArray[np.int64]:
    """(n,) which layer each candidate is in by how far it lies from the mean, the furthest in 0."""
    out = float(far.max())
    least = out * _RATIO ** (1 - _LAYERS) or 1.0
    return np.asarray(np.log(max(out, least) / np.maximum(far, least)) / np.log(_RATIO), dtype=np.int64)


def _cell_map(units: Table, cell: NDArray[np.int64]) -> CellMap:
    """With the mean and the reach of each cell; `cell` (n,) says which each candidate lies in, and none is empty."""
    members = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[members], np.arange(cell.max() + 2))
    centres = np.empty((len(starts) - 1, units.shape[1]), dtype=np.float32)
    reach = np.empty(len(centres), dtype=np.float32)

    def measure(place: int) -> None:
        own = units[members[starts[place] : starts[place + 1]]]
        centres[place] = own.mean(axis=0, dtype=np.float64)
        apart = own - centres[place]
        reach[place] = np.sqrt(np.einsum("nd,nd->n", apart, apart).max()) + ROUNDED

    do_side_by_side(measure, range(len(centres)))
    return CellMap(centres, reach, members.astype(np.int32), starts.astype(np.int64))


def _centres(
    units: Table,
    rows: NDArray[np.int64],
    middle: NDArray[np.float32],
    wanted: int,
    rare: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """k-means on a sample of some rows, from the middle; a centre that nobody is nearest to stays where it is.

    A large sample lies in a file: each step reads it once, in order.
    """
    sample = taken(units, rows[np.sort(rng.permutation(len(rows))[: _SAMPLED * wanted])])
    centres = sample[rng.permutation(len(sample))[:wanted]] - middle
    for _ in range(_STEPS):
        nearest = _nearest_of(centres, middle, rare)

        def added(
            part: slice, nearest: Callable[[NDArray[np.float32]], NDArray[np.int64]] = nearest
        ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
            """Centres that some are nearest to, how many, and the sums of these."""
            some = sample[part]
            cell = nearest(some)
            order = np.argsort(cell, kind="stable")
            filled, firsts, counts = np.unique(cell[order], return_index=True, return_counts=True)
            return filled, counts, np.add.reduceat(some[order], firsts, axis=0)

        sums, members = np.zeros_like(centres), np.zeros(len(centres), dtype=np.int64)
        for filled, counts, some in side_by_side(added, blocks(len(sample), _AT_ONCE)):
            sums[filled] += some
            members[filled] += counts
        there = members > 0
        centres[there] = sums[there] / members[there, None].astype(np.float32) - middle
    return centres


def _nearest_of(
    centres: NDArray[np.float32], middle: NDArray[np.float32], rare: NDArray[np.bool_]
) -> Callable[[NDArray[np.float32]], NDArray[np.int64]]:
    """A function of rows (b, d): (b,) which centre each is nearest to; these lie about the `middle` of all rows, which have some columns rarely."""
    half = np.einsum("cd,cd->c", centres, centres) / np.float32(2) + centres @ middle
    towards = ColumnProduct(centres.T, rare)
    return lambda rows: np.asarray((towards(rows) - half).argmax(axis=1))


def _read(rows: Table) -> Iterator[NDArray[np.float32]]:
    for part in blocks(len(rows), _AT_ONCE):
        yield rows[part]
