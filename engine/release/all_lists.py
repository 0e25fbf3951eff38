"""The lists of very many products at once: blocks of queries against all candidates, or against those of the nearest cells.

Every candidate is compared while that is affordable. Beyond, candidates lie in cells (`engine.release.cells`), and how many
cells a query is compared with grows until the lists of a sample are those of comparing everything, or nearly. Either way cosines in double precision
put what was found in order, as for a single list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import starmap
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.core.best_columns import best_columns
from engine.core.graphics_card import graphics_card
from engine.core.joined_rows import JoinedRows, Table
from engine.core.large_arrays import blocks, zeros
from engine.core.side_by_side import side_by_side
from engine.core.workers import workers
from engine.release.ann import indexable_rows
from engine.release.cell_making import make_cells
from engine.release.cells import CellMap, Cells

if TYPE_CHECKING:
    from engine.models.on_card.nearest import CardCandidates

__all__ = [
    "CELLS_ABOVE",
    "NOBODY",
    "SCORE_DECIMALS",
    "TIE_MARGIN",
    "Compared",
    "Lists",
    "best_lists",
]

SCORE_DECIMALS = 6  # cosines this close are ties, decided by row
TIE_MARGIN = 1e-5  # float32 cosines within this of the k-th best are looked at again in float64
NOBODY = -1
CELLS_ABOVE = 3 * 10**9  # pairs of a query and a candidate; fewer are compared one and all
CELLS_ON_CARD_ABOVE = 3 * 10**13  # the same where a graphics card compares
RECALL_WANTED = 0.9995  # of the best, over the sample
RECALL_ENOUGH = 0.98  # where many cells must be looked into
_SAMPLE, _FEWEST_PROBES, _MANY_PROBES = 512, 16, 256
_SPARE = 16  # more than are wanted, so that ties can be told
_NUMBERS = 1 << 25  # scores held at once
_AT_ONCE = 512
QUERIES_OF_A_PART = 8_192  # for workers elsewhere, who get all candidates
_NOT_COMPARED = -2.0


@dataclass(frozen=True)
class Compared:
    """What queries are compared with.

    Attributes
    ----------
    candidates : (n, d) float32. inverse_lengths : (n,) float32, 1 / length of each.
    others : (m,) int64, rows that are no candidates.
    cells : of the candidates, in the order of their rows, where there are some.
    """

    candidates: Table
    inverse_lengths: NDArray[np.float32]
    others: NDArray[np.int64]
    cells: CellMap | None = None

    def cosines(self, units: NDArray[np.float32]) -> NDArray[np.float32]:
        """(q, n) cosines as exact as float32 is; -2 where a row is no candidate."""
        cosines: NDArray[np.float32] = units @ self.candidates.T
        cosines *= self.inverse_lengths
        cosines[:, self.others] = _NOT_COMPARED
        return cosines

    def exactly(self, units: NDArray[np.float32], found: NDArray[np.int64]) -> NDArray[np.float64]:
        """(b, m) cosines of queries (b, d) with some candidates (b, m) each, in double precision."""
        vectors = self.candidates[found].astype(np.float64)
        scores = np.matmul(vectors, units.astype(np.float64)[:, :, None])[:, :, 0]
        return np.asarray(scores / np.maximum(np.linalg.norm(vectors, axis=2), np.finfo(np.float64).tiny))

    def directions(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(..., d) float32 unit rows of some candidates, in a table like those of `engine.core.large_arrays`."""
        each = rows.ravel()
        units = zeros((len(each), self.candidates.shape[1]))
        for some in blocks(len(each)):
            np.multiply(self.candidates[each[some]], self.inverse_lengths[each[some], None], out=units[some])
        return units.reshape(*rows.shape, -1)

    def units_of(self, rows: NDArray[np.int64]) -> Table:
        """(m, d) float32 unit rows of some candidates, that refer to what theirs refer to."""
        if isinstance(self.candidates, JoinedRows) and not self.candidates.changed.size:
            return self.candidates.taken(rows).times(self.inverse_lengths[rows])
        return self.directions(rows)

    @property
    def n_candidates(self) -> int:
        return len(self.candidates) - len(self.others)


@dataclass(frozen=True)
class Lists:
    """Lists of some queries, best first, ties by row.

    Attributes
    ----------
    places : (b,) int64, which queries these are.
    rows : (b, k) int64 rows of candidates, `NOBODY` where a list is shorter.
    scores : (b, k) float64 cosines, rounded; 0 there.
    recall : share of what comparing with all would list, by a sample of all queries.
    """

    places: NDArray[np.int64]
    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    recall: float


_Ranked = Callable[[NDArray[np.int64], NDArray[np.int64]], Lists]
"""Makes lists of queries (b,) and the rows that were found for them, (b, m)."""


def best_lists(
    compared: Compared, units: Table, own: NDArray[np.int64], k: int, cells_above: int = CELLS_ABOVE
) -> Iterator[Lists]:
    """The k best candidates of every query, a block at a time, each query once, in no order.

    Parameters
    ----------
    units : (q, d) float32 unit rows; joined ones are scaled as they are read.
    own : (q,) int64, a row that is left out of each list.
    k : at least 1.
    cells_above : pairs of queries and candidates beyond which cells are used.
    """
    wanted = min(k + 1, compared.n_candidates)  # itself may be among them
    if wanted < 1:
        return
    retrieved = min(wanted + _SPARE, compared.n_candidates)
    on_card = _candidates_on_card(compared) if graphics_card() else None
    limit = max(cells_above, CELLS_ON_CARD_ABOVE) if on_card else cells_above
    by_cells = _by_cells(compared, units, k) if len(units) * compared.n_candidates > limit else None
    search = _Search(compared, by_cells, on_card, retrieved, wanted, k)
    some = workers()
    if some is None:
        yield from search.lists(units, own)
        return
    starts = range(0, len(units), QUERIES_OF_A_PART)
    held = some.hold(
        [
            (_units(units, slice(start, start + QUERIES_OF_A_PART)), own[start : start + QUERIES_OF_A_PART])
            for start in starts
        ]
    )
    for start, found in zip(starts, held.each(_lists_of_part, search), strict=True):
        yield from (replace(lists, places=start + lists.places) for lists in found)


@dataclass(frozen=True)
class _Search:
    """How lists are found: among all candidates, here or on a graphics card, or by cells; how many are looked at more closely, and how many are wanted."""

    compared: Compared
    by_cells: _ByCells | None
    on_card: CardCandidates | None
    retrieved: int
    wanted: int
    k: int

    def lists(self, units: Table, own: NDArray[np.int64]) -> Iterator[Lists]:
        """As `best_lists`."""
        recall = 1.0 if self.by_cells is None else self.by_cells.recall
        exactly = self.on_card.cosines if self.on_card else self.compared.exactly

        def ranked(places: NDArray[np.int64], found: NDArray[np.int64]) -> Lists:
            rows, scores = _ranked(exactly(_units(units, places), found), own[places], found, self.k)
            return Lists(places, rows, scores, recall)

        if self.by_cells is not None:
            yield from self.by_cells.nearest(units, self.retrieved, ranked)
        elif self.on_card is not None:
            yield from starmap(ranked, self.on_card.best(np.asarray(units), self.retrieved, self.wanted, TIE_MARGIN))
        else:
            yield from _compared_with_all(self.compared, units, self.retrieved, self.wanted, ranked)


def _units(units: Table, some: NDArray[np.int64] | slice) -> NDArray[np.float32]:
    """Some queries, as a single one is read."""
    return indexable_rows(units[some]) if isinstance(units, JoinedRows) else units[some]


def _candidates_on_card(compared: Compared) -> CardCandidates:
    from engine.models.on_card.nearest import CardCandidates

    card = str(graphics_card())
    return CardCandidates.of(np.asarray(compared.candidates), compared.inverse_lengths, compared.others, card)


def _lists_of_part(part: tuple[NDArray[np.float32], NDArray[np.int64]], search: _Search) -> list[Lists]:
    return list(search.lists(*part))


def _compared_with_all(
    compared: Compared, units: Table, retrieved: int, wanted: int, ranked: _Ranked
) -> Iterator[Lists]:
    """Lists of the best candidates of every query; of equals that would not all fit, the first ones are kept."""
    at_once = max(1, min(_AT_ONCE, _NUMBERS // len(compared.candidates)))

    def compare(start: int) -> list[Lists]:
        places = np.arange(start, min(start + at_once, len(units)))
        cosines = compared.cosines(_units(units, places))
        found = np.sort(best_columns(cosines, retrieved), axis=1)
        good = np.take_along_axis(cosines, found, axis=1)
        least = np.partition(good, -wanted, axis=1)[:, -wanted] - TIE_MARGIN
        # Where all that were retrieved are as good as the last that is wanted, there may be more of them.
        crowded = (good.min(axis=1) >= least) & (retrieved < compared.n_candidates)
        return [
            ranked(places[~crowded], found[~crowded]),
            *(
                ranked(places[[one]], np.flatnonzero(cosines[one] >= least[one])[None])
                for one in np.flatnonzero(crowded)
            ),
        ]

    for lists in side_by_side(compare, range(0, len(units), at_once)):
        yield from lists


@dataclass(frozen=True)
class _ByCells:
    """Cells of the candidates in `rows`, how many of them are looked into, and the recall with that."""

    cells: Cells
    rows: NDArray[np.int64]
    probes: int
    recall: float

    def nearest(self, units: Table, retrieved: int, ranked: _Ranked) -> Iterator[Lists]:
        def of_rows(places: NDArray[np.int64], found: NDArray[np.int64]) -> Lists:
            return ranked(places, np.sort(np.where(found == NOBODY, NOBODY, self.rows[found]), axis=1))

        return self.cells.nearest(units, retrieved, self.probes, of_rows)


def _by_cells(compared: Compared, units: Table, k: int) -> _ByCells:
    """Look into as many cells as a sample's k best need: nearly all of them, or, where that takes many cells, a little less.

    Candidates as good as the k-th count as found. The neighbours of what is noise lie anywhere; all cells together cost about what comparing everything does,
    so that beyond `_MANY_PROBES` their number grows in small steps: a step costs the sample's lists, and a doubled number twice as long for all.
    """
    there = np.ones(len(compared.candidates), dtype=bool)
    there[compared.others] = False
    rows = np.flatnonzero(there)
    known = compared.cells or make_cells(compared.units_of(rows), seed=0)
    cells = Cells.of(known, compared.units_of(rows[known.members]))
    sample = _units(units, np.random.default_rng(0).permutation(len(units))[:_SAMPLE])
    k = min(k, len(rows))
    at_once = max(1, min(len(sample), _NUMBERS // len(rows)))

    def kth_best(start: int) -> NDArray[np.float32]:
        return np.asarray(np.partition(compared.cosines(sample[start : start + at_once]), -k, axis=1)[:, -k])

    least = np.concatenate(list(side_by_side(kth_best, range(0, len(sample), at_once)))) - 10.0**-SCORE_DECIMALS
    most = len(cells.map.centres)
    probes = min(_FEWEST_PROBES, most)

    def hits(places: NDArray[np.int64], found: NDArray[np.int64]) -> int:
        near = np.einsum("bmd,bd->bm", compared.directions(rows[found]), sample[places])
        return int(((near >= least[places, None]) & (found != NOBODY)).sum())

    while True:
        recall = sum(cells.nearest(sample, k, probes, hits)) / (k * len(sample))
        if recall >= (RECALL_WANTED if probes <= _MANY_PROBES else RECALL_ENOUGH) or probes >= most:
            return _ByCells(cells, rows, probes, recall)
        probes = min(2 * probes if probes < _MANY_PROBES else probes + probes // 4, most)


def _ranked(
    cosines: NDArray[np.float64], own: NDArray[np.int64], found: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What was found for every query (b, m), rows ascending, with its cosines (b, m): rows and scores as in `Lists`."""
    scores = np.clip(np.round(cosines, SCORE_DECIMALS), -1.0, 1.0)
    scores[(found == own[:, None]) | (found == NOBODY)] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    rows, scores = np.take_along_axis(found, order, axis=1), np.take_along_axis(scores, order, axis=1)
    ended = np.isneginf(scores)
    rows, scores = np.where(ended, NOBODY, rows), np.where(ended, 0.0, scores)
    short = ((0, 0), (0, max(k - rows.shape[1], 0)))
    return np.pad(rows, short, constant_values=NOBODY), np.pad(scores, short)
