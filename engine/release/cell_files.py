"""The cells of a release's arms on disk: written beside the vectors, checked before anything follows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import ReleaseContentError
from engine.release.cells import CellMap

__all__ = ["CELLS_FILE", "cell_arrays", "cell_map_in", "cells_of", "read_cell_maps", "write_cell_maps"]

CELLS_FILE = "arm_cells.npz"
_PARTS = tuple(field.name for field in fields(CellMap))


def write_cell_maps(directory: Path, maps: Mapping[str, CellMap]) -> None:
    """Write the cells of every arm that has some into a release that is being filled."""
    np.savez(directory / CELLS_FILE, allow_pickle=False, **cell_arrays(maps))


def cell_arrays(maps: Mapping[str, CellMap]) -> dict[str, NDArray[Any]]:
    """The parts of all cells, as the file names them."""
    return {f"{arm}_{part}": getattr(cells, part) for arm, cells in maps.items() for part in _PARTS}


def read_cell_maps(directory: Path) -> dict[str, CellMap]:
    """Arm -> its cells, of those that `write_cell_maps` has just written; none where it has not."""
    if not (directory / CELLS_FILE).is_file():
        return {}
    with np.load(directory / CELLS_FILE, allow_pickle=False) as archive:
        arms = [name.removesuffix("_centres") for name in archive if name.endswith("_centres")]
        return {arm: cells_of(archive, arm) for arm in arms}


def cells_of(arrays: Mapping[str, NDArray[Any]], arm: str) -> CellMap:
    """An arm's cells from arrays that were checked, as plain views: whoever searches slices them very often."""
    return CellMap(*(np.asarray(arrays[f"{arm}_{part}"]) for part in _PARTS))


def cell_map_in(archive: Mapping[str, NDArray[Any]], arm: str, dim: int, n_candidates: int) -> CellMap:
    """An arm's cells. Raises `ReleaseContentError` where the file does not put each of its candidates in one cell."""
    centres, reach, members, starts = (archive.get(f"{arm}_{part}") for part in _PARTS)
    if centres is None or reach is None or members is None or starts is None:
        raise ReleaseContentError(f"{CELLS_FILE} holds no cells of {arm[:60]!r}")
    fits = (
        [str(part.dtype) for part in (centres, reach, members, starts)] == ["float32", "float32", "int32", "int64"]
        and centres.ndim == 2
        and centres.shape[1] == dim
        and members.shape == (n_candidates,)
        and starts.shape == (len(centres) + 1,)
        and reach.shape == (len(centres),)
        and np.isfinite(centres).all()
        and np.isfinite(reach).all()
        and starts[0] == 0
        and starts[-1] == n_candidates
        and (np.diff(starts) >= 0).all()
        and members.min(initial=0) >= 0
        and bool((np.bincount(members, minlength=n_candidates) == 1).all())
    )
    if not fits:
        raise ReleaseContentError(f"{CELLS_FILE} does not put each candidate of {arm[:60]!r} in one cell")
    return CellMap(centres, reach, members, starts)
