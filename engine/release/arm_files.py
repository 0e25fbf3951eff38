"""The two sides of an arm as files of a release: each is one table, or, where much of it is another table's rows by a number each, what it has besides.

In the manifest's entry of an arm, `query` and `candidates` name the files. A side with `query_beside` or `candidates_beside`
(`{"file", "at", "centre"}`) is read as `engine.core.joined_rows.JoinedRows`: its own file has the columns before and after `at`, and the scale as its last
one; `file` is the table that is shared, and `centre`, a file as well or null, what its rows are taken from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.arrays import npy_header
from engine.core.errors import ReleaseContentError
from engine.core.joined_rows import JoinedRows, Table
from engine.core.large_arrays import LARGE, blocks, zeros
from engine.core.side_by_side import side_by_side
from engine.release.ann import indexable_rows
from engine.release.files import ReleaseFiles

__all__ = ["map_side", "read_side", "side_files", "write_sides"]

SIDES = ("query", "candidates")
COMPARED_AT_ONCE = 1 << 13  # rows


def write_sides(directory: Path, arm: str, query: Table, candidates: Table) -> tuple[dict[str, Any], Table, Table]:
    """Write an arm's two sides where no file in `directory` holds the same directions; what the manifest says of them, and both sides, mapped
    where they are large and were written, so that no second table of them is held."""
    if query is candidates or all(np.array_equal(query[rows], candidates[rows]) for rows in blocks(len(query))):
        entry, query = _written(directory, arm, "query", query)
        return entry | {f"candidates{name[5:]}": value for name, value in entry.items()}, query, query
    asked, query = _written(directory, f"{arm}_query", "query", query)
    found, candidates = _written(directory, f"{arm}_candidates", "candidates", candidates)
    return asked | found, query, candidates


def side_files(entry: Mapping[str, Any]) -> Iterator[str]:
    """The files of an arm's sides, by its entry in the manifest."""
    for side in SIDES:
        yield entry[side]
        beside = entry.get(f"{side}_beside") or {}
        yield from (beside[name] for name in ("file", "centre") if beside.get(name))


def read_side(files: ReleaseFiles, entry: Mapping[str, Any], side: str, n_items: int) -> Table:
    """(n_items, d) float32 of private copies, d as the entry says. Raises `ReleaseError` or `ReleaseContentError` naming the file that does not fit."""
    own, beside = files.vectors(entry[side], n_items), entry.get(f"{side}_beside")
    if beside is None:
        if own.shape[1] != entry["dim"]:
            raise ReleaseContentError(f"{entry[side]} has {own.shape[1]} columns, not {entry['dim']}")
        return own
    file, at, name = beside["file"], beside["at"], beside["centre"]
    shared = files.vectors(file, n_items)
    centre = np.zeros(shared.shape[1], np.float32) if name is None else files.vectors(name, 1)[0]
    if (
        own.shape[1] - 1 + shared.shape[1] != entry["dim"]
        or len(centre) != shared.shape[1]
        or not 0 <= at < own.shape[1]
    ):
        raise ReleaseContentError(
            f"{entry[side]} and {file} have {own.shape[1] - 1} and {shared.shape[1]} columns, which do not make {entry['dim']} as manifest.json has them"
        )
    return _joined(own, shared, centre, at)


def map_side(directory: Path, entry: Mapping[str, Any], side: str) -> Table:
    """The same of a release that is being filled, mapped from its files."""
    own, beside = _mapped(directory, entry[side]), entry.get(f"{side}_beside")
    if beside is None:
        return own
    shared = _mapped(directory, beside["file"])
    centre = (
        np.zeros(shared.shape[1], np.float32) if beside["centre"] is None else np.load(directory / beside["centre"])[0]
    )
    return _joined(own, shared, centre, beside["at"])


def _joined(own: NDArray[np.float32], shared: NDArray[np.float32], centre: NDArray[np.float32], at: int) -> JoinedRows:
    return JoinedRows(own[:, :-1], np.array(own[:, -1]), shared, np.asarray(centre), at)


def _written(directory: Path, stem: str, side: str, units: Table) -> tuple[dict[str, Any], Table]:
    """What the manifest says of one side, and the side itself."""
    if isinstance(units, JoinedRows):
        entry = _parts_written(directory, stem, side, units)
    elif (file := _same_directions(directory, units)) is not None:
        return {side: file}, units
    else:
        entry = {side: _save(directory, stem, units)}
        if units.nbytes < LARGE:
            return entry, units
    return entry, map_side(directory, entry, side)


def _parts_written(directory: Path, stem: str, side: str, units: JoinedRows) -> dict[str, Any]:
    assert units.rows is None
    assert not units.changed.size
    shared = _same_rows(directory, units.shared) or _save(directory, f"{stem}_shared", units.shared)
    own = zeros((len(units), units.own.shape[1] + 1))
    own[:, :-1], own[:, -1] = units.own, units.scale
    centre = _save(directory, f"{stem}_centre", units.centre[None]) if units.centre.any() else None
    beside = {"file": shared, "at": units.at, "centre": centre}
    return {side: _save(directory, stem, own), f"{side}_beside": beside}


def _mapped(directory: Path, name: str) -> NDArray[np.float32]:
    mapped: NDArray[np.float32] = np.load(directory / name, mmap_mode="r", allow_pickle=False)
    return mapped


def _save(directory: Path, stem: str, vectors: NDArray[np.float32]) -> str:
    file = f"{stem}.npy" if not (directory / f"{stem}.npy").exists() else f"{stem}_directions.npy"
    np.save(directory / file, vectors, allow_pickle=False)
    return file


def _same_directions(directory: Path, units: NDArray[np.float32]) -> str | None:
    """The file in `directory` whose rows point where `units` does, if there is one."""
    return _like(directory, units, indexable_rows)


def _same_rows(directory: Path, vectors: NDArray[np.float32]) -> str | None:
    """The file in `directory` whose rows are these, up to rounding, if there is one."""
    return _like(directory, vectors, np.asarray)


def _like(
    directory: Path, vectors: NDArray[np.float32], seen: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> str | None:
    """The file in `directory` whose rows are these as they are seen."""
    for path in sorted(directory.glob("*.npy")):
        with path.open("rb") as stream:
            shape, _, dtype = npy_header(stream)
        if shape != vectors.shape or dtype != np.float32:
            continue
        stored = _mapped(directory, path.name)

        def alike(rows: slice, stored: NDArray[np.float32] = stored) -> bool:
            return np.allclose(seen(stored[rows]), vectors[rows], atol=1e-6)

        if all(side_by_side(alike, blocks(len(vectors), COMPARED_AT_ONCE))):
            return path.name
    return None
