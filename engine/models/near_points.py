"""The nearest of many points by Euclidean distance: all compared while that is affordable, else those of the nearest cells.

Comparing all takes points x points. Cells are those of k-means on a sample; a point is compared with the members of the cells nearest to its own
cell's centre. That misses a few neighbours, which a map does not show. A graphics card compares all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.core.best_columns import best_columns
from engine.core.graphics_card import graphics_card
from engine.core.side_by_side import do_side_by_side, side_by_side

__all__ = ["nearest_points"]

COMPARED = 5 * 10**9
"""Pairs; more of them are found by cells."""
PER_ROOT = 4
"""Cells for each root of the points."""
PROBES = 24
SAMPLED, STEPS = 32, 6
"""Points a cell that k-means sees, and its steps."""
AT_ONCE = 4_096


def nearest_points(
    asking: NDArray[np.float32], among: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows and distances of the k nearest of `among` (n, d), (q, k) each, nearest first, for points `asking` (q, d).

    Parameters
    ----------
    k : at most n.
    """
    if (card := graphics_card()) is not None:
        from engine.models.on_card.nearest import nearest_points_on_card

        return nearest_points_on_card(asking, among, k, card)
    if len(asking) * len(among) <= COMPARED:
        from sklearn.neighbors import NearestNeighbors

        distances, rows = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(among).kneighbors(asking)
        return np.asarray(rows, dtype=np.int64), np.asarray(distances, dtype=np.float64)
    return _by_cells(asking, among, k)


def _by_cells(
    asking: NDArray[np.float32], among: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    centres = _centres(among, int(PER_ROOT * len(among) ** 0.5))
    members, starts = _sorted_by(_nearest_centre(among, centres), len(centres))
    askers, begins = members, starts
    if asking is not among:
        askers, begins = _sorted_by(_nearest_centre(asking, centres), len(centres))
    order = np.argsort(_squares(centres, centres), axis=1, kind="stable")
    sizes = np.diff(starts)
    # Of (x - y)^2 what tells candidates apart is 2xy - y^2: one product with a column more.
    placed = np.hstack([2 * among, -np.einsum("nd,nd->n", among, among)[:, None]])
    rows, distances = np.empty((len(asking), k), np.int64), np.empty((len(asking), k))

    def answer(cell: int) -> None:
        enough = int(np.searchsorted(np.cumsum(sizes[order[cell]]), k)) + 1
        cells = np.sort(order[cell, : max(PROBES, enough)])
        candidates = np.concatenate([members[starts[one] : starts[one + 1]] for one in cells])
        who = askers[begins[cell] : begins[cell + 1]]
        for some in np.array_split(who, -(-len(who) // AT_ONCE)):
            mine = asking[some]
            near = np.hstack([mine, np.ones((len(mine), 1), dtype=np.float32)]) @ placed[candidates].T
            best = np.sort(best_columns(near, k), axis=1)  # of equals the first
            found = np.take_along_axis(near, best, axis=1)
            place = np.argsort(-found, axis=1, kind="stable")
            squares = np.einsum("nd,nd->n", mine, mine)[:, None] - np.take_along_axis(found, place, axis=1)
            rows[some] = candidates[np.take_along_axis(best, place, axis=1)]
            distances[some] = np.sqrt(np.maximum(squares, 0.0))

    do_side_by_side(answer, np.flatnonzero(np.diff(begins)).tolist())
    return rows, distances


def _centres(points: NDArray[np.float32], wanted: int) -> NDArray[np.float32]:
    """(wanted, d) by k-means on a sample; a centre that nobody is nearest to stays where it is."""
    rng = np.random.default_rng(0)
    sample = points[np.sort(rng.permutation(len(points))[: SAMPLED * wanted])]
    centres = sample[rng.permutation(len(sample))[:wanted]].copy()
    for _ in range(STEPS):
        members, starts = _sorted_by(_nearest_centre(sample, centres), wanted)
        taken = np.flatnonzero(np.diff(starts))
        sums = np.add.reduceat(sample[members], starts[taken], axis=0)
        centres[taken] = sums / np.diff(starts)[taken, None].astype(np.float32)
    return centres


def _nearest_centre(points: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    half = np.einsum("cd,cd->c", centres, centres) / np.float32(2)
    return np.concatenate(list(side_by_side(lambda block: (block @ centres.T - half).argmax(axis=1), _blocks(points))))


def _sorted_by(cells: NDArray[np.int64], n_cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows cell by cell, and where each cell begins, (n_cells + 1,)."""
    order = np.argsort(cells, kind="stable")
    return order, np.searchsorted(cells[order], np.arange(n_cells + 1))


def _squares(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, m) float32, squared distances; rounded ones may lie below zero."""
    squares = left @ right.T
    squares *= -2.0
    squares += np.einsum("nd,nd->n", left, left)[:, None]
    squares += np.einsum("nd,nd->n", right, right)
    return np.asarray(squares)


def _blocks(points: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(points), AT_ONCE):
        yield points[start : start + AT_ONCE]
