"""Candidates in cells: a query is compared with those of the nearest cells alone, one query or very many at once.

Comparing everything with everything costs products x products; a million products would take hours. Cells are those of
spherical k-means on a sample. How many of them a query is compared with is measured, not set: it is doubled until a sample's lists are
those of comparing everything. (An inverted file, as in Jegou, Douze and Schmid, "Product quantization for nearest neighbor search",
2011, without the quantization.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.vectors import unit_rows
from engine.release.best_columns import best_columns

__all__ = ["CellMap", "Cells", "make_cells"]

_PER_ROOT = 4
_SAMPLED, _STEPS = 64, 8  # candidates a cell that k-means sees, and its steps
_AT_ONCE = 4096
_NUMBERS = 1 << 25  # scores held at once
_NOWHERE = -2.0


@dataclass(frozen=True)
class CellMap:
    """Which cell every candidate lies in.

    Attributes
    ----------
    centres : (c, d) float32 unit rows.
    members : (n,) int32 positions of candidates, cell by cell. starts : (c + 1,) int64, where each cell begins.
    """

    centres: NDArray[np.float32]
    members: NDArray[np.int32]
    starts: NDArray[np.int64]

    def near(self, unit: NDArray[np.float32], probes: int) -> NDArray[np.int64]:
        """(m,) positions of the candidates in the `probes` cells nearest to a query (d,)."""
        cells = best_columns((self.centres @ unit)[None], min(probes, len(self.centres)))[0]
        pieces = [self.members[self.starts[cell] : self.starts[cell + 1]] for cell in np.sort(cells)]
        return np.concatenate(pieces).astype(np.int64)

    def with_units(self, units: NDArray[np.float32]) -> Cells:
        """With the directions of all candidates, (n, d) float32 unit rows, for very many queries at once."""
        return Cells(self, units[self.members])


@dataclass(frozen=True)
class Cells:
    """Candidates by cell, with their directions.

    Attributes
    ----------
    units : (n, d) float32, in the order of `map.members`.
    """

    map: CellMap
    units: NDArray[np.float32]

    def nearest(
        self, queries: NDArray[np.float32], k: int, probes: int
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """The k nearest candidates of the `probes` nearest cells, a block of queries at a time.

        Parameters
        ----------
        queries : (q, d) float32 unit rows.
        probes : 1 to c.

        Yields positions of queries (b,) int64 and of their candidates (b, k) int64, in no order, -1 where cells hold fewer. Every query
        comes once.
        """
        if not len(queries):
            return
        asked = np.concatenate([self._probed(block, 2) for block in _blocks(queries)])
        together = np.lexsort((asked[:, -1], asked[:, 0]))  # queries that ask the same cells
        sizes = np.diff(self.map.starts)
        for start in range(0, len(queries), _AT_ONCE):
            block = together[start : start + _AT_ONCE]
            near = self._probed(queries[block], probes)
            wide = np.maximum.accumulate(sizes[near].sum(axis=1))
            done = 0
            while done < len(block):
                fits = int((wide[done:] * np.arange(1, len(block) - done + 1) <= _NUMBERS).sum())
                part = slice(done, done + max(1, fits))
                yield block[part], self._best(queries[block[part]], near[part], sizes, k)
                done += max(1, fits)

    def _probed(self, queries: NDArray[np.float32], probes: int) -> NDArray[np.int64]:
        """(b, probes) cells, the nearest first."""
        scores = queries @ self.map.centres.T
        cells = best_columns(scores, min(probes, scores.shape[1]))
        order = np.argsort(-np.take_along_axis(scores, cells, axis=1), axis=1, kind="stable")
        return np.take_along_axis(cells, order, axis=1)

    def _best(
        self, queries: NDArray[np.float32], near: NDArray[np.int64], sizes: NDArray[np.int64], k: int
    ) -> NDArray[np.int64]:
        """(b, k) positions of the nearest in some cells (b, probes)."""
        lengths = sizes[near]
        offsets = np.cumsum(lengths, axis=1) - lengths
        scores = np.full((len(queries), max(int(lengths.sum(axis=1).max()), k)), _NOWHERE, dtype=np.float32)
        asked = near.ravel()
        order = np.argsort(asked, kind="stable")
        cells, firsts = np.unique(asked[order], return_index=True)
        for cell, who in zip(cells, np.split(order, firsts[1:]), strict=True):
            size = sizes[cell]
            if not size:
                continue
            rows = who // near.shape[1]
            inner = queries[rows] @ self.units[self.map.starts[cell] : self.map.starts[cell] + size].T
            scores[rows[:, None], offsets.ravel()[who][:, None] + np.arange(size)] = inner
        columns = best_columns(scores, k)
        # Which cell a column lies in, and where in it.
        slots = (columns[:, :, None] >= offsets[:, None, :]).sum(axis=2) - 1
        places = (
            self.map.starts[np.take_along_axis(near, slots, axis=1)]
            + columns
            - np.take_along_axis(offsets, slots, axis=1)
        )
        there = np.take_along_axis(scores, columns, axis=1) > _NOWHERE
        return np.where(there, self.map.members[np.where(there, places, 0)].astype(np.int64), -1)


def make_cells(units: NDArray[np.float32], seed: int) -> CellMap:
    """Sort candidates into `_PER_ROOT` x sqrt(n) cells; the same candidates and seed give the same cells.

    Parameters
    ----------
    units : (n, d) float32 unit rows, at least one.
    """
    wanted = min(len(units), max(1, int(_PER_ROOT * len(units) ** 0.5)))
    centres = _centres(units, wanted, np.random.default_rng(seed))
    cell = _nearest_centres(units, centres)
    members = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[members], np.arange(wanted + 1))
    return CellMap(centres, members.astype(np.int32), starts.astype(np.int64))


def _centres(units: NDArray[np.float32], wanted: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Spherical k-means on a sample; a centre that nobody is nearest to stays where it is."""
    sample = units[np.sort(rng.permutation(len(units))[: _SAMPLED * wanted])]
    centres = sample[rng.permutation(len(sample))[:wanted]].copy()
    for _ in range(_STEPS):
        cell = _nearest_centres(sample, centres)
        order = np.argsort(cell, kind="stable")
        taken, firsts = np.unique(cell[order], return_index=True)
        centres[taken] = unit_rows(np.add.reduceat(sample[order], firsts, axis=0))
    return centres


def _nearest_centres(units: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.concatenate([(block @ centres.T).argmax(axis=1) for block in _blocks(units)])


def _blocks(rows: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]
