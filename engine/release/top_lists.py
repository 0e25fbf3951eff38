"""The best neighbours of every product, worked out once when a release is written, so that a list is looked up and not searched.

Up to some 55,000 products every candidate is compared, so the lists are exact whichever way the arm is searched otherwise; beyond, they
hold 99.9 % of the exact ones, or 98 % where neighbours lie far apart, by a sample (`engine.release.all_lists`). They are of the release as it was trained. What people
change later is compared with them, and only a list from which that cannot be told is searched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.arms.geometry import has_direction
from engine.core.errors import ReleaseContentError
from engine.core.progress import Progress, silent
from engine.release.all_lists import NOBODY, SCORE_DECIMALS
from engine.release.arm_files import map_side
from engine.release.arm_search import ArmSearch, Found
from engine.release.cell_files import read_cell_maps
from engine.release.files import ReleaseFiles

__all__ = ["LISTED_ARMS", "NOBODY", "TOP", "TOP_LISTS_FILE", "TopLists", "read_top_lists", "write_top_lists"]

TOP_LISTS_FILE = "top_lists.npz"
LISTED_ARMS: Sequence[str] = ("als", "hybrid")
TOP = 20
_AT_ONCE = 2048


@dataclass(frozen=True)
class TopLists:
    """An arm's best neighbours of every product, best first.

    Attributes
    ----------
    rows : (n_items, `TOP`) int32, `NOBODY` where a list is shorter.
    scores : (n_items, `TOP`) float32 cosines, 0 there.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]

    def of_row(self, row: int, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The k best, at most `TOP`, of one product: rows and cosines."""
        rows = self.rows[row, :k]
        found = int((rows != NOBODY).sum())
        scores: NDArray[np.float64] = self.scores[row, :found].astype(np.float64)
        return rows[:found].astype(np.int64), scores.round(SCORE_DECIMALS)

    def of_rows(self, search: ArmSearch, rows: NDArray[np.int64], k: int) -> list[Found]:
        """The k best, at most `TOP`, of many products, as `search` has them now: its arm as it was trained, or with changed rows."""
        if not search.changed.size:
            return [self.of_row(int(row), k) for row in rows]
        found: dict[int, Found] = {}
        unchanged = np.setdiff1d(rows, search.changed)
        for start in range(0, len(unchanged), _AT_ONCE):
            found |= self._beside_changed(search, unchanged[start : start + _AT_ONCE], k)
        rest = np.array([row for row in rows if int(row) not in found], dtype=np.int64)
        found |= zip(rest.tolist(), search.of_all(rest, k), strict=True)
        return [found[int(row)] for row in rows]

    def _beside_changed(self, search: ArmSearch, rows: NDArray[np.int64], k: int) -> dict[int, Found]:
        """Row -> its list, of those whose list is certain: nothing that is not kept can be among the k best."""
        changed = search.changed[np.asarray(search.candidates[search.changed]).any(axis=1)]
        kept, cosines = self.rows[rows], self.scores[rows].astype(np.float64).round(SCORE_DECIMALS)
        gone = (kept == NOBODY) | np.isin(kept, search.changed)
        scores = np.concatenate([np.where(gone, -np.inf, cosines), search.cosines(rows, changed)], axis=1)
        among = np.concatenate([kept, np.broadcast_to(changed, (len(rows), len(changed)))], axis=1)
        order = np.lexsort((among, -scores), axis=1)[:, :k]
        scores, among = (np.take_along_axis(one, order, axis=1) for one in (scores, among))
        last, lowest, ends = kept[:, -1], cosines[:, -1], scores[:, -1]
        certain = (last == NOBODY) | (ends > lowest) | ((ends == lowest) & (among[:, -1] <= last))
        lengths = np.isfinite(scores).sum(axis=1)
        return {
            int(row): (among[place, : lengths[place]].astype(np.int64), scores[place, : lengths[place]])
            for place, row in enumerate(rows)
            if certain[place]
        }


def write_top_lists(
    directory: Path, entries: Mapping[str, Mapping[str, Any]], progress: Progress = silent
) -> dict[str, float]:
    """Write the lists of a release that is being filled, whose arms are written (`engine.release.arm_writer`).

    Parameters
    ----------
    entries : of the manifest's `arms`.

    Returns, by arm, the share of what comparing with all candidates would list: 1 where that was done, else of a sample.
    """
    recall: dict[str, float] = {}
    arrays: dict[str, NDArray[Any]] = {}
    names = [name for name in LISTED_ARMS if name in entries]
    cells = {name: one for name, one in read_cell_maps(directory).items() if name in names}
    for position, name in enumerate(names):
        query, candidates = (map_side(directory, entries[name], side) for side in ("query", "candidates"))
        listed = np.flatnonzero(has_direction(candidates))
        search = ArmSearch(name, query, candidates, has_direction(query), listed, None, True, 0, cells=cells.get(name))
        rows, scores = np.full((len(query), TOP), NOBODY, np.int32), np.zeros((len(query), TOP), np.float32)
        done = 0
        for lists in search.blocks(np.arange(len(query)), TOP):
            share = (position + done / len(query)) / len(names)
            progress("Listing neighbours", share, f"{done:,} of {len(query):,} products")
            rows[lists.places], scores[lists.places] = lists.rows, lists.scores
            done += len(lists.places)
            recall[name] = round(lists.recall, 4)
        arrays |= {f"{name}_rows": rows, f"{name}_scores": scores}
    np.savez(directory / TOP_LISTS_FILE, allow_pickle=False, **arrays)
    progress("Listing neighbours", 1.0)
    return recall


def read_top_lists(files: ReleaseFiles, n_items: int) -> dict[str, TopLists]:
    """Arm -> its lists. Raises `ReleaseContentError` where the file does not describe lists of this release's products."""

    def checked(archive: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        for name in LISTED_ARMS:
            _check(name, archive.get(f"{name}_rows"), archive.get(f"{name}_scores"), n_items)
        return archive

    arrays = files.arrays(TOP_LISTS_FILE, f"top lists of {n_items} products", checked)
    return {name: TopLists(arrays[f"{name}_rows"], arrays[f"{name}_scores"]) for name in LISTED_ARMS}


def _check(arm: str, rows: NDArray[Any] | None, scores: NDArray[Any] | None, n_items: int) -> None:
    if rows is None or scores is None or rows.dtype != np.int32 or scores.dtype != np.float32:
        raise ReleaseContentError(f"{TOP_LISTS_FILE} holds no lists by {arm!r}")
    if rows.shape != (n_items, TOP) or scores.shape != rows.shape:
        raise ReleaseContentError(f"{TOP_LISTS_FILE} holds {rows.shape[0]} lists by {arm!r}, not {n_items} of {TOP}")
    ended = rows == NOBODY
    if (
        rows.min(initial=NOBODY) < NOBODY
        or rows.max(initial=NOBODY) >= n_items
        or (np.diff(ended, axis=1) & ~ended[:, 1:]).any()
    ):
        raise ReleaseContentError(f"{TOP_LISTS_FILE} names products that the release does not have, by {arm!r}")
    if not np.isfinite(scores).all():
        raise ReleaseContentError(f"{TOP_LISTS_FILE} holds a NaN or an infinity")
