"""Candidates in cells: a query is compared with those of the nearest cells alone, one query or very many at once.

Comparing everything with everything costs products x products; a million products would take hours. Cells are those of
spherical k-means on a sample. How many of them a query is compared with is measured, not set: it is doubled until a sample's lists are
those of comparing everything. (An inverted file, as in Jegou, Douze and Schmid, "Product quantization for nearest neighbor search",
2011, without the quantization.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.core.vectors import unit_rows
from engine.release.best_columns import best_columns

__all__ = ["CellMap", "Cells", "make_cells"]

_PER_ROOT = 4
_SAMPLED, _STEPS = 64, 8  # candidates a cell that k-means sees, and its steps
_AT_ONCE = 4096
_NUMBERS = 1 << 25  # scores held at once
_YIELDED = 512
_NOWHERE = -2.0
_ROUNDED = 1e-5  # single precision
_FIRST_CELLS = 4  # cells looked into before anything bounds the search
_TIMES = 4  # as many each time after
_MANY = 64  # found for each query in a cell, from where the best of them are chosen at once

_Scored = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""Queries, positions in `Cells.units` and cosines, (m,) each."""


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
        for start in range(0, len(queries), _AT_ONCE):
            block = together[start : start + _AT_ONCE]
            best = self._best(queries[block], self._probed(queries[block], probes), k)
            for some in range(0, len(block), _YIELDED):
                yield block[some : some + _YIELDED], best[some : some + _YIELDED]

    def _probed(self, queries: NDArray[np.float32], probes: int) -> NDArray[np.int64]:
        """(b, probes) cells, the nearest first."""
        scores = queries @ self.map.centres.T
        cells = best_columns(scores, min(probes, scores.shape[1]))
        order = np.argsort(-np.take_along_axis(scores, cells, axis=1), axis=1, kind="stable")
        return np.take_along_axis(cells, order, axis=1)

    def _best(self, queries: NDArray[np.float32], near: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        """(b, k) positions of the nearest in some cells (b, probes), the nearest cells first.

        What a query has found in few cells bounds what is worth a look in the others: cells that reach nowhere near it are passed over, and
        hardly any score is kept.
        """
        places = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), _NOWHERE, dtype=np.float32)
        most = np.take_along_axis(queries @ self.map.centres.T, near, axis=1) + self._reach[near]
        done, then = 0, _FIRST_CELLS
        while done < near.shape[1]:
            rows, columns = np.nonzero(most[:, done:then] > scores[:, -1:])
            better = self._better(queries, rows, near[rows, done + columns], scores[:, -1], k)
            places, scores = _merged(places, scores, list(better))
            done, then = then, _TIMES * then
        return np.where(places >= 0, self.map.members[places].astype(np.int64), -1)

    @cached_property
    def _reach(self) -> NDArray[np.float32]:
        """(c,) how far the furthest candidate of a cell lies from its centre: by so much more than the centre's can its cosine be."""
        reach = np.zeros(len(self.map.centres), dtype=np.float32)
        for cell in np.flatnonzero(np.diff(self.map.starts)):
            apart = self.units[slice(*self.map.starts[cell : cell + 2])] - self.map.centres[cell]
            reach[cell] = np.sqrt(np.einsum("nd,nd->n", apart, apart).max()) + _ROUNDED
        return reach

    def _better(
        self,
        queries: NDArray[np.float32],
        asking: NDArray[np.int64],
        asked: NDArray[np.int64],
        least: NDArray[np.float32],
        k: int,
    ) -> Iterator[_Scored]:
        """What queries (their positions in `asking`) find in the cells `asked` that is nearer than what they have, `least` (b,)."""
        order = np.argsort(asked, kind="stable")
        cells, firsts = np.unique(asked[order], return_index=True)
        parts = np.split(asking[order], firsts[1:]) if len(cells) else []
        for cell, who in zip(cells, parts, strict=True):
            begin, end = (int(one) for one in self.map.starts[cell : cell + 2])
            at_once = max(1, _NUMBERS // max(end - begin, 1))
            for start in range(0, len(who) if end > begin else 0, at_once):
                rows = who[start : start + at_once]
                scores = queries[rows] @ self.units[begin:end].T
                better = scores > least[rows, None]
                if np.count_nonzero(better) <= _MANY * len(rows):
                    hits = np.flatnonzero(better)
                else:  # they have not found k yet, or a cell is full of equals
                    best = best_columns(scores, min(k, end - begin))
                    hits = (best + np.arange(0, scores.size, end - begin)[:, None]).ravel()
                found, columns = np.divmod(hits, end - begin)
                yield rows[found], begin + columns, scores.ravel()[hits]


def _merged(
    places: NDArray[np.int64], scores: NDArray[np.float32], more: list[_Scored]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best of what queries have, (b, k) each, best first, and of more that they found."""
    (n, k), owned = places.shape, places >= 0
    rows = np.concatenate([np.nonzero(owned)[0], *(one[0] for one in more)])
    found = np.concatenate([places[owned], *(one[1] for one in more)])
    said = np.concatenate([scores[owned], *(one[2] for one in more)])
    # By query, then by score, in one number: sorted many times as fast as by two keys, and finer than float32 is.
    order = np.argsort(
        (rows.astype(np.uint64) << np.uint64(33)) | ((2.0 - said.astype(np.float64)) * 2**31).astype(np.uint64)
    )
    rows = rows[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, np.arange(n))[rows]
    kept = order[rank < k]
    at = rows[rank < k], rank[rank < k]
    places, scores = np.full((n, k), -1, dtype=np.int64), np.full((n, k), _NOWHERE, dtype=np.float32)
    places[at], scores[at] = found[kept], said[kept]
    return places, scores


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
