"""The arms of a release, open for reading: the search for the nearest candidates of one query.

Three ways to search, chosen when the release is written (in the manifest) and the same for every list:

- Exact: every candidate is compared. Up to 50,000 candidates this is cheaper than Annoy at the same quality. On the ALS
  factors of a real shop of 3,659 products Annoy had to inspect 16,000 nodes to find 99.9 % of the ten best, 20 times the
  work of comparing all; on 9,066 films, many of them seen by the same one person and so exactly alike, a third of its
  lists differed from the exact ones in which of the equals they held.
- Cells (`probes`), above that: the candidates of the most promising cells are compared (`engine.release.cells`).
- Annoy (`search_k`), where `index.kind` asks for it: it retrieves a few hundred candidates, and exact cosines put them in order.

How much a search looks at is measured: it is doubled until the ten best of a sample are those of exact search
(`recall_at_10`). Where it gets nowhere near them, the arm is searched exactly at any size. What asks is not where the candidates
are: the hybrid's queries and candidates are different vectors, and graphs, which are walked from candidate to candidate, lose their way. Of the ten best
of 100,000 products (`benchmarks/search_kinds.py`) Voyager and USearch found 0.86 in 0.8 ms, Annoy 0.975 in 1.9 ms, cells 0.998 in 0.2 ms; comparing all takes 4 ms.

Every arm has an Annoy index, whichever way it is searched: other programs read it, and a shop that grows changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.arms.base import Sides
from engine.arms.geometry import has_direction
from engine.core.errors import IndexFileError, ReleaseContentError
from engine.core.joined_rows import JoinedRows, Table, products, some_rows
from engine.core.private_copies import PrivateArray
from engine.core.vectors import row_lengths, squared_lengths
from engine.release.all_lists import NOBODY, SCORE_DECIMALS, TIE_MARGIN, Compared, Lists, best_lists
from engine.release.ann import AnnIndex, IndexInfo, indexable_rows
from engine.release.arm_files import read_side
from engine.release.cell_files import CELLS_FILE, cell_arrays, cell_map_in, cells_of
from engine.release.cells import CellMap
from engine.release.files import ReleaseFiles, making_sense_of

__all__ = ["MASKS_FILE", "MEASURED", "RETRIEVED", "ArmSearch", "Found", "open_arms", "open_vectors"]

MASKS_FILE = "arm_masks.npz"
RETRIEVED = 200  # candidates that Annoy hands to the exact re-rank, at least
MEASURED = 10  # as many of the best does the measured effort find
_FEW = 200  # lists that are searched one by one where not all candidates are compared
_OUT = -2.0  # below any cosine

Found = tuple[NDArray[np.int64], NDArray[np.float64]]


def open_arms(files: ReleaseFiles, n_items: int) -> dict[str, ArmSearch]:
    """Open every arm of a release. Raises `ReleaseError` or `IndexFileError` naming the file that does not fit."""
    masks, arms = files.archive(MASKS_FILE), files.manifest.arms
    cells = _open_cells(files, masks)
    return {name: _open_arm(files, name, entry, masks, n_items, cells.get(name)) for name, entry in arms.items()}


def open_vectors(files: ReleaseFiles, n_items: int, name: str) -> ArmSearch:
    """Open the vectors of one arm alone: whoever searches it compares with all candidates. Errors as `open_arms`."""
    return _open_arm(
        files, name, {**files.manifest.arms[name], "exact": True, "probes": 0}, files.archive(MASKS_FILE), n_items, None
    )


def _open_cells(files: ReleaseFiles, masks: Mapping[str, NDArray[Any]]) -> dict[str, CellMap]:
    """The cells of every arm that has some; the processes of a user share them."""
    with making_sense_of("manifest.json"):
        dims = {name: int(entry["dim"]) for name, entry in files.manifest.arms.items() if entry.get("probes")}
    if not dims:
        return {}
    sizes = {name: (dim, int(np.count_nonzero(masks.get(f"{name}_is_candidate", ())))) for name, dim in dims.items()}

    def checked(archive: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return cell_arrays({name: cell_map_in(archive, name, *size) for name, size in sizes.items()})

    arrays = files.arrays(CELLS_FILE, f"cells of {sizes}", checked)
    return {name: cells_of(arrays, name) for name in sizes}


def _open_arm(
    files: ReleaseFiles,
    name: str,
    entry: Mapping[str, Any],
    masks: Mapping[str, NDArray[Any]],
    n_items: int,
    cells: CellMap | None,
) -> ArmSearch:
    has_list, is_candidate = (_mask(masks, f"{name}_{kind}", n_items) for kind in ("has_list", "is_candidate"))
    query, candidates = (read_side(files, entry, side, n_items) for side in ("query", "candidates"))
    rows = np.flatnonzero(is_candidate)
    with making_sense_of("manifest.json"):
        exact, effort = bool(entry.get("exact")), int(entry.get("search_k", 0))
        probes = int(entry.get("probes", 0))
    index = _open_index(files, entry, len(rows), exact or probes > 0) if rows.size else None
    return ArmSearch(
        name,
        query,
        candidates,
        has_list,
        rows,
        index,
        exact,
        effort,
        dict(entry["facts"]),
        cells=cells if probes > 0 else None,
        probes=probes,
    )


def _mask(masks: Mapping[str, NDArray[Any]], name: str, n_items: int) -> NDArray[np.bool_]:
    mask = masks.get(name)
    if mask is None or mask.dtype != bool or mask.shape != (n_items,):
        raise ReleaseContentError(
            f"{MASKS_FILE} does not describe the {n_items} products of the release by {name[:60]!r}"
        )
    return mask


@dataclass(frozen=True)
class ArmSearch:
    """One arm, ready to be searched from any number of threads.

    Attributes
    ----------
    query, candidates : (n_items, d) float32 over private copies of the files; compared by cosine, so lengths do not matter.
    has_list : (n_items,) bool, anchors that get a list.
    candidate_rows : (n_candidates,) int64 ascending; position p of the index is item `candidate_rows[p]`.
    facts : what the arm keeps for products described later (`engine.arms.geometry.ArmVectors`).
    exact : every candidate is compared; else those in the `probes` most promising of `cells`, or Annoy inspects `search_k` nodes of `index`.
    changed : (n_changed,) int64, rows whose vectors are others than the index was built from; always compared.
    """

    name: str
    query: Table
    candidates: Table
    has_list: NDArray[np.bool_]
    candidate_rows: NDArray[np.int64]
    index: AnnIndex | None
    exact: bool
    search_k: int
    facts: Mapping[str, float] = field(default_factory=dict)
    changed: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    cells: CellMap | None = None
    probes: int = 0

    def with_rows(
        self, rows: NDArray[np.int64], query: NDArray[np.float32], candidates: NDArray[np.float32]
    ) -> ArmSearch:
        """The same arm with other vectors, (len(rows), d) each, for some items; the files and this one stay as they are.

        A zero row is no anchor, or no candidate.
        """
        has_list = self.has_list.copy()
        has_list[rows] = query.any(axis=1)
        changed = np.union1d(self.changed, rows).astype(np.int64)
        fresh = _with_rows(self.query, rows, query), _with_rows(self.candidates, rows, candidates)
        return replace(self, query=fresh[0], candidates=fresh[1], has_list=has_list, changed=changed)

    def vectors_of(self, rows: NDArray[np.int64]) -> Sides:
        """Query and candidates of some items, copied into memory."""
        return Sides(np.asarray(self.query[rows]), np.asarray(self.candidates[rows]))

    def of_row(self, row: int, k: int) -> Found:
        """The k nearest candidates of a catalogue item, itself left out: rows and cosines, best first."""
        if not self.has_list[row]:
            return _nothing()
        return self.of_vector(self.query[row], k, exclude=row)

    def of_vector(self, vector: NDArray[np.floating], k: int, exclude: int | None = None) -> Found:
        """The k nearest candidates of any query (d,): rows (<= k,) and cosines (<= k,), best first, ties by row.

        A vector without direction has none.
        """
        unit = indexable_rows(np.atleast_2d(vector))[0]
        if unit.shape != self.candidates.shape[1:]:
            raise IndexFileError(
                f"A query of the arm {self.name!r} has {self.candidates.shape[1]} numbers, not {unit.size}."
            )
        if k < 1 or not self.candidate_rows.size or not unit.any():
            return _nothing()
        if self.cells is not None:
            rows = self._near_in_cells(unit, min(k + (exclude is not None), len(self.candidate_rows)))
        elif self.index is not None:
            wanted = min(max(RETRIEVED, 4 * (k + 1)), len(self.candidate_rows))
            positions, _ = self.index.query(unit, wanted, max(self.search_k, 10 * wanted))
            rows = self.candidate_rows[np.sort(positions)]
        else:
            return self._best(unit, self._compared.cosines(unit[None])[0], k, exclude)
        if self.changed.size:
            rows = np.union1d(rows, self.changed)
            rows = rows[self._is_candidate[rows]]
        return self._ranked(unit, rows, k, exclude)

    def of_all(self, rows: NDArray[np.int64], k: int) -> list[Found]:
        """`of_row` of many rows, in blocks and, unless there are very many, of all candidates: what Annoy misses is here."""
        if (self.cells is not None or self.index is not None) and len(rows) <= _FEW:
            return [self.of_row(int(row), k) for row in rows]
        found: list[Found] = [_nothing()] * len(rows)
        for lists in self.blocks(rows, k):
            lengths = (lists.rows != NOBODY).sum(axis=1)
            for place, length, listed, scores in zip(lists.places, lengths, lists.rows, lists.scores, strict=True):
                found[place] = listed[:length], scores[:length]
        return found

    def blocks(self, rows: NDArray[np.int64], k: int) -> Iterator[Lists]:
        """The lists of many rows, a block at a time; `Lists.places` says which of `rows`. Those without a list do not come."""
        everything = np.array_equal(rows, np.arange(len(self.query)))
        query = self.query if everything else self.query[rows]
        units = query if isinstance(query, JoinedRows) else indexable_rows(query)
        asked = np.flatnonzero(self.has_list[rows] & has_direction(units))
        if k < 1 or not asked.size:
            return
        asking = units if len(asked) == len(units) else some_rows(units, asked)
        for lists in best_lists(self._compared, asking, rows[asked], k):
            yield replace(lists, places=asked[lists.places])

    def cosines(self, rows: NDArray[np.int64], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """(len(rows), len(candidates)) cosines of items to candidates, as lists have them; -inf for items without a list."""
        units = indexable_rows(self.query[rows]).astype(np.float64)
        vectors = np.asarray(self.candidates[candidates], dtype=np.float64)
        found = np.clip(np.round((units @ vectors.T) / np.linalg.norm(vectors, axis=1), SCORE_DECIMALS), -1.0, 1.0)
        found[~self.has_list[rows]] = -np.inf
        return np.asarray(found)

    @cached_property
    def _compared(self) -> Compared:
        cells = self.cells if not self.changed.size else None  # of these candidates
        return Compared(self.candidates, self.inverse_lengths, self._not_candidates, cells)

    def _near_in_cells(self, unit: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """Rows, ascending, that may be among the k nearest candidates, of the cells that are looked into."""
        assert self.cells is not None

        def cosines(positions: NDArray[np.int64]) -> NDArray[np.float32]:
            rows = self.candidate_rows[positions]
            lengths = self.inverse_lengths[rows]
            return np.where(lengths > 0, products(self.candidates, rows, unit) * lengths, np.float32(_OUT))

        probes = round(self.probes * max(1.0, k / MEASURED) ** 0.5)  # longer lists reach further
        return np.sort(self.candidate_rows[self.cells.near(unit, k, probes, cosines)])

    def get_ready(self) -> None:
        """Work out what is worked out once, so that the first search need not."""
        _ = self.inverse_lengths, self.query_lengths

    @cached_property
    def inverse_lengths(self) -> NDArray[np.float32]:
        """(n_items,) 1 / length of every candidate, 0 of one without direction."""
        inverse: NDArray[np.float32] = np.sqrt(squared_lengths(self.candidates))
        np.divide(1.0, inverse, out=inverse, where=inverse > 0)
        return inverse

    @cached_property
    def query_lengths(self) -> NDArray[np.float32]:
        """(n_items,) length of every query, and next to nothing where there is none."""
        return np.asarray(np.maximum(row_lengths(self.query)[:, 0], np.float32(1e-12)))

    @cached_property
    def _is_candidate(self) -> NDArray[np.bool_]:
        """(n_items,) which items are candidates now."""
        there = np.zeros(len(self.candidates), dtype=bool)
        there[self.candidate_rows] = True
        there[self.changed] = np.asarray(self.candidates[self.changed]).any(axis=1)
        return there

    @cached_property
    def _not_candidates(self) -> NDArray[np.int64]:
        return np.flatnonzero(~self._is_candidate)

    def _best(self, unit: NDArray[np.float32], cosines: NDArray[np.float32], k: int, exclude: int | None) -> Found:
        """The k best by all cosines, those that float32 cannot tell from the k-th among them."""
        wanted = min(k + 1, len(cosines) - len(self._not_candidates))  # itself may be among them
        if wanted < 1:
            return _nothing()
        least = max(float(np.partition(cosines, -wanted)[-wanted]) - TIE_MARGIN, -1.5)
        return self._ranked(unit, np.flatnonzero(cosines >= least), k, exclude)

    def _ranked(self, unit: NDArray[np.float32], rows: NDArray[np.int64], k: int, exclude: int | None) -> Found:
        """Exact order of `rows` (ascending) by cosine with `unit`."""
        rows = rows[rows != exclude] if exclude is not None else rows
        vectors = np.asarray(self.candidates[rows], dtype=np.float64)
        scores = (vectors @ unit.astype(np.float64)) / np.linalg.norm(vectors, axis=1)
        scores = np.clip(np.round(scores, SCORE_DECIMALS), -1.0, 1.0)
        order = np.argsort(-scores, kind="stable")[:k]
        return rows[order], scores[order]


def _with_rows(vectors: Table, rows: NDArray[np.int64], values: NDArray[np.float32]) -> Table:
    """A copy with some rows replaced; of a private copy only the pages these lie in take memory again."""
    if isinstance(vectors, JoinedRows):
        return vectors.with_rows(rows, values)
    if isinstance(vectors, PrivateArray):
        return vectors.changed(rows, values)
    fresh = np.array(vectors)
    fresh[rows] = values
    return fresh


def _nothing() -> Found:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)


def _open_index(files: ReleaseFiles, entry: Mapping[str, Any], n_candidates: int, exact: bool) -> AnnIndex | None:
    """The index; None where the arm is searched otherwise: its file, if there is one, is for other programs."""
    facts = entry["index"]
    if facts is None and exact:
        return None
    info = IndexInfo.from_dict(facts)
    name = str(facts.get("file"))
    if info.dim != entry["dim"] or info.n_items != n_candidates:
        raise IndexFileError(
            f"{name} holds {info.n_items} x {info.dim} by the manifest, not {n_candidates} x {entry['dim']}."
        )
    if exact:
        return None
    copy = files.copy(name)
    index = AnnIndex.of_copy(copy, info, name)
    copy.offer()
    return index
