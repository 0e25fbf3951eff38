from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import ReleaseContentError
from engine.core.vectors import unit_rows
from engine.release.cell_files import CELLS_FILE, cell_map_in, write_cell_maps
from engine.release.cell_making import make_cells

VECTORS = unit_rows(np.random.default_rng(0).normal(size=(90, 5)))


def written(directory: Path) -> dict[str, Any]:
    write_cell_maps(directory, {"hybrid": make_cells(VECTORS, 0)})
    with np.load(directory / CELLS_FILE) as archive:
        return dict(archive)


def test_cells_are_read_as_they_were_written(tmp_path: Path) -> None:
    cells, read = make_cells(VECTORS, 0), cell_map_in(written(tmp_path), "hybrid", 5, 90)
    assert np.array_equal(read.members, cells.members)
    assert np.array_equal(read.starts, cells.starts)
    assert np.array_equal(read.centres, cells.centres)
    assert np.array_equal(read.reach, cells.reach)


def first(name: str, value: float) -> Callable[[dict[str, Any]], object]:
    def change(arrays: dict[str, Any]) -> None:
        arrays[f"hybrid_{name}"].flat[0] = value

    return change


@pytest.mark.parametrize(
    "lie",
    {
        "a candidate twice": first("members", 7),
        "a candidate that is not there": first("members", 90),
        "one before the first": first("members", -1),
        "cells that begin elsewhere": first("starts", 1),
        "cells that end before they begin": lambda arrays: arrays["hybrid_starts"].__setitem__(3, 0),
        "a centre that is nowhere": first("centres", np.nan),
        "a reach that is none": first("reach", np.inf),
        "another number of reaches": lambda arrays: arrays.update(hybrid_reach=arrays["hybrid_reach"][1:]),
        "no reaches": lambda arrays: arrays.pop("hybrid_reach"),
        "fewer candidates": lambda arrays: arrays.update(hybrid_members=arrays["hybrid_members"][1:]),
        "other numbers": lambda arrays: arrays.update(hybrid_members=arrays["hybrid_members"].astype(np.int64)),
        "centres of another width": lambda arrays: arrays.update(hybrid_centres=arrays["hybrid_centres"][:, 1:]),
        "no centres": lambda arrays: arrays.pop("hybrid_centres"),
    }.items(),
    ids=lambda lie: lie[0],
)
def test_cells_that_make_no_sense_are_refused(
    lie: tuple[str, Callable[[dict[str, Any]], object]], tmp_path: Path
) -> None:
    arrays = written(tmp_path)
    lie[1](arrays)
    with pytest.raises(ReleaseContentError, match=r"arm_cells\.npz"):
        cell_map_in(arrays, "hybrid", 5, 90)
