"""Disks that fail and forget: the power fails after every change, and the disk is full from every change on."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from tests.support.disk_shim import ShimServer
from tests.support.shimmed_work import make_files
from tests.support.small_workspace import build_small_workspace
from tests.support.trials import Found, Trial

__all__ = ["measure"]

WORK = ("judge", "draft", "change", "publish", "rollback", "ingest", "restore")


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Every point of each kind of write; with `--kills N`, about N points of each."""
    power, full = Found(), Found()
    with tempfile.TemporaryDirectory(prefix="longtail-faults-") as folder, ShimServer() as server:
        for trial in trials(server, Path(folder), WORK):
            every = max(1, trial.changes // arguments.kills) if arguments.kills else 1
            _add(power, trial.power_failures(every))
            _add(full, trial.full_disk(range(1, trial.changes + 1, every)))
    said = {"wrong": [*power.wrong, *full.wrong][:20]}
    return {
        "power_failures": (power.tried, ">= 1", said),
        "power_failures_neither_old_nor_new": (len(power.wrong), "= 0"),
        "full_disks": (full.tried, ">= 1"),
        "full_disks_neither_old_nor_new": (len(full.wrong) - full.raw, "= 0"),
        "full_disks_not_said_in_a_sentence": (full.raw, "= 0"),
    }


def trials(server: ShimServer, folder: Path, work: tuple[str, ...]) -> list[Trial]:
    """One for each kind of write, on a workspace of its own."""
    before = build_small_workspace(folder / "before", rows=False).root
    files, backup = make_files(folder / "files"), folder / "backup.tar"
    server.run("backup", before, backup)
    given = {"ingest": [files], "restore": [backup]}
    return [Trial(server, one, before, folder / "trials", *given.get(one, [])) for one in work]


def _add(to: Found, found: Found) -> None:
    to.tried += found.tried
    to.raw += found.raw
    to.wrong += found.wrong
