"""The arms of a release: their vectors and indexes on disk, and the search for the nearest candidates of one query.

Two ways to search, chosen when the release is written (`exact` in the manifest) and the same for one list and for all:

- Exact: every candidate is compared. Up to 50,000 candidates this is cheaper than Annoy at the same quality. On the ALS
  factors of a real shop of 3,659 products Annoy had to inspect 16,000 nodes to find 99.9 % of the ten best, 20 times the
  work of comparing all; on 9,066 films, many of them seen by the same one person and so exactly alike, a third of its
  lists differed from the exact ones in which of the equals they held.
- Annoy, above that: it retrieves a few hundred candidates, and exact cosines on the memory-mapped vectors put them in
  order. How many nodes it inspects is measured (`search_k`, `recall_at_10`): the effort is doubled until the ten best of
  a sample are those of exact search. Where it gets nowhere near them, the arm is searched exactly at any size.

Every arm has its index, whichever way it is searched: other programs read it, and a shop that grows changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import IndexFileError, ReleaseError
from engine.release.ann import AnnIndex, IndexInfo, build_index, indexable_rows

if TYPE_CHECKING:
    from engine.arms.fusion import ArmVectors

__all__ = ["MASKS_FILE", "ArmSearch", "open_arms", "write_arms"]

MASKS_FILE = "arm_masks.npz"
RETRIEVED = 200  # candidates that Annoy hands to the exact re-rank, at least
RECALL_WANTED = 0.9995  # of the ten best, over the sample: at most one in two thousand may be missed
RECALL_NEEDED = 0.99  # below this at the greatest effort, the arm is searched exactly
RECALL_SAMPLE = 200
MAX_SEARCH_K = 32_000  # about 2 ms a query at 64 dimensions
SCORE_DECIMALS = 6  # cosines this close are ties, decided by row
EXACT_UP_TO = 50_000  # candidates that are compared one and all
EXACT_NUMBERS = 2**24  # and only while their vectors hold at most so many numbers (64 MB, about 3 ms a query)
_TIE_MARGIN = 1e-5  # float32 cosines within this of the k-th best are looked at again in float64
_BLOCK = 512

Found = tuple[NDArray[np.int64], NDArray[np.float64]]


def write_arms(
    directory: Path,
    arms: Mapping[str, ArmVectors],
    trees: int,
    seed: int,
    search_k: int = 2000,
    exact_up_to: int = EXACT_UP_TO,
) -> dict[str, dict[str, Any]]:
    """Write vectors, masks and indexes of every arm into a release that is being filled; its manifest's `arms`.

    A matrix that already lies in `directory` as a .npy file (`item_factors.npy`, `content.npy`, ...), up to the length of
    its rows, is referred to and not written again; an arm that searches with other vectors than it searches among
    refers to two files.

    Parameters
    ----------
    arms : query and candidates (n_items, d) float32; rows without direction are neither anchors nor candidates.
    trees, seed : of Annoy.
    search_k : the least number of nodes that a query through Annoy inspects; more where the measured recall asks for it.
    exact_up_to : arms with at most so many candidates are searched exactly.

    Raises `IndexFileError` naming the arm whose vectors cannot be indexed.
    """
    entries: dict[str, dict[str, Any]] = {}
    masks: dict[str, NDArray[np.bool_]] = {}
    for name, arm in arms.items():
        try:
            query, candidates = indexable_rows(arm.query), indexable_rows(arm.candidates)
        except IndexFileError as exc:
            raise IndexFileError(f"The arm {name!r} cannot be indexed. {exc}") from exc
        if query.shape != candidates.shape or len(arm.has_list) != len(query) or len(arm.is_candidate) != len(query):
            raise IndexFileError(
                f"The arm {name!r}: query {query.shape}, candidates {candidates.shape}, {len(arm.has_list)} and "
                f"{len(arm.is_candidate)} flags do not describe the same items."
            )
        has_list = np.asarray(arm.has_list, dtype=bool) & query.any(axis=1)
        is_candidate = np.asarray(arm.is_candidate, dtype=bool) & candidates.any(axis=1)
        masks |= {f"{name}_has_list": has_list, f"{name}_is_candidate": is_candidate}
        entry: dict[str, Any] = {
            "dim": int(query.shape[1]),
            "n_lists": int(has_list.sum()),
            "n_candidates": int(is_candidate.sum()),
            **_write_vectors(directory, name, query, candidates),
            "index": None,
        }
        rows = np.flatnonzero(is_candidate)
        if rows.size:
            file = f"{name}.ann"
            info = build_index(candidates[rows], directory / file, trees, seed)
            index = AnnIndex.open(directory / file, info)
            if rows.size <= exact_up_to and rows.size * query.shape[1] <= EXACT_NUMBERS:
                entry |= {"exact": True, "search_k": search_k, "recall_at_10": 1.0}
            else:
                entry |= _measured_effort(index, query[has_list], candidates[rows], search_k, seed)
            entry["index"] = {"file": file, **info.to_dict()}
        entries[name] = entry
    np.savez(directory / MASKS_FILE, allow_pickle=False, **masks)
    return entries


def open_arms(directory: Path, entries: Mapping[str, Any], n_items: int) -> dict[str, ArmSearch]:
    """Open every arm of a verified release. Raises `ReleaseError` or `IndexFileError` naming the file that does not fit."""
    arms = {}
    try:
        with np.load(directory / MASKS_FILE, allow_pickle=False) as masks:
            for name, entry in entries.items():
                has_list, is_candidate = masks[f"{name}_has_list"], masks[f"{name}_is_candidate"]
                query = np.load(directory / entry["query"], mmap_mode="r", allow_pickle=False)
                candidates = np.load(directory / entry["candidates"], mmap_mode="r", allow_pickle=False)
                if has_list.shape != (n_items,) or is_candidate.shape != (n_items,):
                    raise ReleaseError(f"{MASKS_FILE} does not describe the {n_items} products of the release.")
                for file, vectors in ((entry["query"], query), (entry["candidates"], candidates)):
                    if vectors.shape != (n_items, entry["dim"]):
                        raise ReleaseError(f"{file} has shape {vectors.shape}, not {(n_items, entry['dim'])}.")
                rows = np.flatnonzero(is_candidate)
                index = _open_index(directory, entry, len(rows)) if rows.size else None
                exact, effort = bool(entry.get("exact")), int(entry.get("search_k", 0))
                arms[name] = ArmSearch(name, query, candidates, has_list, rows, index, exact, effort)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ReleaseError(f"The vectors of {directory.name} cannot be opened ({exc}). Train a new release.") from exc
    return arms


@dataclass(frozen=True)
class ArmSearch:
    """One arm, ready to be searched from any number of threads.

    Attributes
    ----------
    query, candidates : (n_items, d) float32, memory-mapped; compared by cosine, so lengths do not matter.
    has_list : (n_items,) bool, anchors that get a list.
    candidate_rows : (n_candidates,) int64 ascending; position p of the index is item `candidate_rows[p]`.
    exact : every candidate is compared; else Annoy inspects `search_k` nodes.
    changed : (n_changed,) int64, rows whose vectors are others than the index was built from; always compared.
    """

    name: str
    query: NDArray[np.float32]
    candidates: NDArray[np.float32]
    has_list: NDArray[np.bool_]
    candidate_rows: NDArray[np.int64]
    index: AnnIndex | None
    exact: bool
    search_k: int
    changed: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

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
        if k < 1 or self.index is None or not unit.any():
            return _nothing()
        if self.exact:
            return self._best(unit, self._cosines(unit[None])[0], k, exclude)
        wanted = min(max(RETRIEVED, 4 * (k + 1)), len(self.candidate_rows))
        positions, _ = self.index.query(unit, wanted, max(self.search_k, 10 * wanted))
        rows = self.candidate_rows[np.sort(positions)]
        if self.changed.size:
            rows = np.setdiff1d(np.union1d(rows, self.changed), self._not_candidates)
        return self._ranked(unit, rows, k, exclude)

    def of_all(self, rows: NDArray[np.int64], k: int) -> list[Found]:
        """`of_row` of many rows; where the arm is searched exactly, by one blocked matrix product."""
        if not self.exact or k < 1 or self.index is None:
            return [self.of_row(int(row), k) for row in rows]
        found = []
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            units = indexable_rows(self.query[block])
            for row, unit, cosines in zip(block, units, self._cosines(units), strict=True):
                found.append(self._best(unit, cosines, k, int(row)) if self.has_list[row] else _nothing())
        return found

    @cached_property
    def _inverse_lengths(self) -> NDArray[np.float32]:
        """(n_items,) 1 / length of every candidate."""
        inverse: NDArray[np.float32] = np.linalg.norm(self.candidates, axis=1)
        np.divide(1.0, inverse, out=inverse, where=inverse > 0)
        return inverse

    def _cosines(self, units: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n_queries, n_items) cosines as exact as float32 is; -2 where an item is no candidate."""
        cosines: NDArray[np.float32] = units @ self.candidates.T
        cosines *= self._inverse_lengths
        cosines[:, self._not_candidates] = -2.0
        return cosines

    @cached_property
    def _not_candidates(self) -> NDArray[np.int64]:
        others = np.setdiff1d(np.arange(len(self.candidates)), self.candidate_rows)
        there = np.asarray(self.candidates[self.changed]).any(axis=1)
        return np.union1d(np.setdiff1d(others, self.changed[there]), self.changed[~there]).astype(np.int64)

    def _best(self, unit: NDArray[np.float32], cosines: NDArray[np.float32], k: int, exclude: int | None) -> Found:
        """The k best by all cosines, those that float32 cannot tell from the k-th among them."""
        wanted = min(k + 1, len(cosines) - len(self._not_candidates))  # itself may be among them
        if wanted < 1:
            return _nothing()
        least = max(float(np.partition(cosines, -wanted)[-wanted]) - _TIE_MARGIN, -1.5)
        return self._ranked(unit, np.flatnonzero(cosines >= least), k, exclude)

    def _ranked(self, unit: NDArray[np.float32], rows: NDArray[np.int64], k: int, exclude: int | None) -> Found:
        """Exact order of `rows` (ascending) by cosine with `unit`."""
        rows = rows[rows != exclude] if exclude is not None else rows
        vectors = np.asarray(self.candidates[rows], dtype=np.float64)
        scores = (vectors @ unit.astype(np.float64)) / np.linalg.norm(vectors, axis=1)
        scores = np.clip(np.round(scores, SCORE_DECIMALS), -1.0, 1.0)
        order = np.argsort(-scores, kind="stable")[:k]
        return rows[order], scores[order]


def _with_rows(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], values: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A copy with some rows replaced; of a mapped file only the pages these lie in are held in memory."""
    if isinstance(vectors, np.memmap) and vectors.mode == "r" and vectors.filename is not None:
        fresh: NDArray[np.float32] = np.memmap(
            vectors.filename, dtype=np.float32, mode="c", offset=vectors.offset, shape=vectors.shape
        )
    else:
        fresh = np.array(vectors)
    fresh[rows] = values
    return fresh


def _nothing() -> Found:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)


def _open_index(directory: Path, entry: Mapping[str, Any], n_candidates: int) -> AnnIndex:
    facts = entry["index"] or {}
    info = IndexInfo.from_dict(facts)
    if info.dim != entry["dim"] or info.n_items != n_candidates:
        raise IndexFileError(
            f"{facts['file']} holds {info.n_items} x {info.dim} by the manifest, not {n_candidates} x {entry['dim']}."
        )
    return AnnIndex.open(directory / facts["file"], info)


def _measured_effort(
    index: AnnIndex, queries: NDArray[np.float32], units: NDArray[np.float32], search_k: int, seed: int
) -> dict[str, Any]:
    """`search_k`, `recall_at_10` and `exact`, from a sample of the arm's own queries."""
    k, wanted = min(10, len(units)), min(RETRIEVED, len(units))
    sample = np.random.default_rng(seed).permutation(len(queries))[:RECALL_SAMPLE]
    # How similar the k-th best is: ties beyond it are as good, so they count as found.
    kth = [np.sort(units @ queries[row])[-k] - 10.0**-SCORE_DECIMALS for row in sample]
    effort, recall = max(search_k, 10 * wanted), 1.0
    while True:
        found = [units[index.query(queries[row], wanted, effort)[0]] @ queries[row] for row in sample]
        if found:
            recall = float(
                np.mean([min(k, int((near >= least).sum())) / k for near, least in zip(found, kth, strict=True)])
            )
        if recall >= RECALL_WANTED or effort >= MAX_SEARCH_K:
            return {"search_k": effort, "recall_at_10": round(recall, 4), "exact": recall < RECALL_NEEDED}
        effort = min(2 * effort, MAX_SEARCH_K)


def _write_vectors(
    directory: Path, arm: str, query: NDArray[np.float32], candidates: NDArray[np.float32]
) -> dict[str, str]:
    """Files that hold an arm's two sides, written where no file in `directory` holds the same directions."""
    if np.array_equal(query, candidates):
        file = _same_directions(directory, query) or _save(directory, arm, query)
        return {"query": file, "candidates": file}
    return {
        side: _same_directions(directory, vectors) or _save(directory, f"{arm}_{side}", vectors)
        for side, vectors in (("query", query), ("candidates", candidates))
    }


def _save(directory: Path, stem: str, vectors: NDArray[np.float32]) -> str:
    file = f"{stem}.npy" if not (directory / f"{stem}.npy").exists() else f"{stem}_directions.npy"
    np.save(directory / file, vectors, allow_pickle=False)
    return file


def _same_directions(directory: Path, units: NDArray[np.float32]) -> str | None:
    """The file in `directory` whose rows point where `units` does, if there is one."""
    for path in sorted(directory.glob("*.npy")):
        other = np.load(path, mmap_mode="r", allow_pickle=False)
        if (
            other.shape == units.shape
            and other.dtype == np.float32
            and np.allclose(indexable_rows(other), units, atol=1e-6)
        ):
            return path.name
    return None
