"""Candidates in cells: a query is compared with those of the most promising cells alone, one query or very many at once.

Comparing everything with everything costs products x products; a million products would take hours. What candidates have in common tells
no two of them apart, so what counts is how far each lies from their mean: a candidate near it is nearest to hardly any query, however
many there are of them. (The hybrid's candidates lie in a narrow cone, but for some that shoppers know well.) Candidates are therefore sorted into layers by that distance
first, and each layer into cells by k-means on a sample, the more of them the further out. A cell's centre and reach bound how near any candidate in it can
be, so cells that reach nowhere near what was found are passed over, and nothing is lost by that. How many are looked into at most is measured, not
set: it grows until a sample's lists are those of comparing everything. (An inverted file, as in Jegou, Douze and Schmid, "Product quantization for nearest neighbor search", 2011, without
the quantization; layers and bounds as in Teflioudi, Gemulla and Mykytiuk, "LEMP: Fast Retrieval of Large Entries in a Matrix Product", 2015.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.core.best_columns import best_columns
from engine.core.joined_rows import Table
from engine.core.rare_columns import ColumnProduct, rare_columns
from engine.core.side_by_side import side_by_side
from engine.release.cell_scores import OUT, Scores, candidate_scores

__all__ = ["ROUNDED", "CellMap", "Cells"]

_AT_ONCE = 4096
_NUMBERS = 1 << 25  # scores held at once
_YIELDED = 512
_NOWHERE = -2.0
ROUNDED = 1e-5
"""What single precision may be wrong by."""
_DEVIATIONS, _LEAST_OUT, _MOST_OUT = 2.5, 0.15, 0.5  # how far out a cell's best lies, of its reach
_FIRST_CELLS = 4  # cells looked into before anything bounds the search
_TIMES = 4  # as many each time after
_AT_LEAST = 200  # candidates in the cells that are looked into or passed over
_MANY = 64  # found for each query in a cell, from where the best of them are chosen at once

Result = TypeVar("Result")
_Scored = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""Queries, positions in `CellMap.members` and cosines, (m,) each."""


@dataclass(frozen=True)
class CellMap:
    """Which cell every candidate lies in.

    Attributes
    ----------
    centres : (c, d) float32, the mean of each cell. reach : (c,) float32, at least as far as its furthest candidate lies from there.
    members : (n,) int32 positions of candidates, cell by cell. starts : (c + 1,) int64, where each cell begins.
    """

    centres: NDArray[np.float32]
    reach: NDArray[np.float32]
    members: NDArray[np.int32]
    starts: NDArray[np.int64]

    def near(
        self,
        unit: NDArray[np.float32],
        k: int,
        probes: int,
        cosines: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    ) -> NDArray[np.int64]:
        """The nearest candidates of the most promising cells, and those that single precision cannot tell from the k-th.

        Parameters
        ----------
        unit : (d,), of length 1 at most. k : at least 1.
        probes : cells that are looked into at most, unless they hold fewer than k candidates, or than `_AT_LEAST`.
        cosines : of positions (m,), their inner products with the query (m,); below -1 those that are out of the question.

        Returns positions (m,) int64, in no order; fewer than k where there are no more.
        """
        towards = self.centres @ unit
        most = towards + self.reach
        order = _promising(towards[None], self.reach, len(unit), probes)[0]
        found, scores = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        least, done, then = np.float32(_NOWHERE), 0, _FIRST_CELLS
        while done < len(order):
            cells = order[done:then]
            cells = cells[most[cells] >= least]
            if cells.size:
                both = zip(self.starts[cells].tolist(), self.starts[cells + 1].tolist(), strict=True)
                fresh = np.concatenate([self.members[begin:end] for begin, end in both]).astype(np.int64)
                found, scores = np.concatenate([found, fresh]), np.concatenate([scores, cosines(fresh)])
                good = scores > _NOWHERE
                if np.count_nonzero(good) >= k:
                    least = np.partition(scores, -k)[-k] - np.float32(ROUNDED)
                    good = scores >= least
                found, scores = found[good], scores[good]
            done, then = then, _TIMES * then
        held = int((self.starts[order + 1] - self.starts[order]).sum())
        if (len(found) < k or held < _AT_LEAST) and len(order) < len(self.centres):
            return self.near(unit, k, _TIMES * probes, cosines)
        return found


@dataclass(frozen=True)
class Cells:
    """Candidates by cell, with their directions.

    Attributes
    ----------
    scores : of candidates in the order of `map.members`.
    """

    map: CellMap
    scores: Scores

    @classmethod
    def of(cls, found: CellMap, units: Table) -> Cells:
        """With `units`, (n, d) float32 in the order of `found.members`."""
        return cls(found, candidate_scores(units))

    def nearest(
        self,
        queries: Table,
        k: int,
        probes: int,
        then: Callable[[NDArray[np.int64], NDArray[np.int64]], Result],
    ) -> Iterator[Result]:
        """The k nearest candidates of the `probes` most promising cells, a block of queries at a time, and several blocks side by side.

        Parameters
        ----------
        queries : (q, d) float32 unit rows.
        probes : 1 to c.
        then : of positions of queries (b,) int64 and of their candidates (b, k) int64, in no order, -1 where cells hold fewer; what it returns
            is handed on. Every query comes once.
        """
        if not len(queries):
            return
        towards, dim = ColumnProduct(self.map.centres.T, rare_columns(queries)), queries.shape[1]
        asked = np.concatenate(
            list(side_by_side(lambda block: _promising(towards(block), self.map.reach, dim, 2), _blocks(queries)))
        )
        together = np.lexsort((asked[:, -1], asked[:, 0]))  # queries that ask the same cells
        blocks = [together[start : start + _AT_ONCE] for start in range(0, len(queries), _AT_ONCE)]

        def answer(block: NDArray[np.int64]) -> list[Result]:
            best = self._best(queries[block], towards, probes, k)
            starts = range(0, len(block), _YIELDED)
            return [then(block[one : one + _YIELDED], best[one : one + _YIELDED]) for one in starts]

        for answers in side_by_side(answer, blocks):
            yield from answers

    def _best(self, queries: NDArray[np.float32], towards: ColumnProduct, probes: int, k: int) -> NDArray[np.int64]:
        """(b, k) positions of the nearest in the most promising cells; `towards` compares queries with their centres.

        What a query has found in few cells bounds what is worth a look in the others: cells that reach nowhere near it are passed over, and
        hardly any score is kept.
        """
        places = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), _NOWHERE, dtype=np.float32)
        spoken = towards(queries)
        near = _promising(spoken, self.map.reach, queries.shape[1], probes)
        most = np.take_along_axis(spoken, near, axis=1) + self.map.reach[near]
        done, then = 0, _FIRST_CELLS
        while done < near.shape[1]:
            rows, columns = np.nonzero(most[:, done:then] > scores[:, -1:])
            better = self._better(queries, rows, near[rows, done + columns], scores[:, -1], k)
            places, scores = _merged(places, scores, list(better))
            done, then = then, _TIMES * then
        return np.where(places >= 0, self.map.members[places].astype(np.int64), -1)

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
                scores = self.scores(queries[rows], begin, end, least[rows])
                better = scores > least[rows, None]
                if np.count_nonzero(better) <= _MANY * len(rows):
                    hits = np.flatnonzero(better)
                else:  # they have not found k yet, or a cell is full of equals
                    best = best_columns(scores, min(k, end - begin))
                    hits = (best + np.arange(0, scores.size, end - begin)[:, None]).ravel()
                    hits = hits[scores.ravel()[hits] > OUT]
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
    # By query, then by score, which is above -2, in one number: sorted many times as fast as by two keys, and finer than float32 is.
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


def _promising(towards: NDArray[np.float32], reach: NDArray[np.float32], dim: int, probes: int) -> NDArray[np.int64]:
    """(b, probes) cells, the most promising first, by inner products of queries with their centres (b, c), in so many dimensions.

    A cell's best for a query lies some standard deviations out from its centre towards it. The more directions there are, the less of its reach that is.
    """
    out = np.clip(_DEVIATIONS / dim**0.5, _LEAST_OUT, _MOST_OUT)
    return _best_first(towards + np.float32(out) * reach, probes)


def _best_first(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """(n, k) where the k largest numbers of every row stand, the largest first."""
    columns = best_columns(scores, min(k, scores.shape[1]))
    order = np.argsort(-np.take_along_axis(scores, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def _blocks(rows: Table) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]
