"""Kill -9 at random moments of loading, publishing, judging, drafts, changes and restores."""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.trust.faults import trials
from tests.support.disk_shim import ShimServer

__all__ = ["measure"]

WORK = ("ingest", "publish", "judge", "draft", "change", "restore")
KILLS = 200


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """`--kills` of each, before a change of the disk that chance decides; a fresh start then looks at what is there."""
    rng, kills = random.Random(0), arguments.kills or KILLS
    done = lost = wrong = left = 0
    said: list[str] = []
    with tempfile.TemporaryDirectory(prefix="longtail-kills-") as folder, ShimServer() as server:
        for trial in trials(server, Path(folder), WORK):
            found = trial.killed([rng.randint(1, trial.changes) for _ in range(kills)])
            done, lost, left = done + found.tried, lost + found.acknowledged_lost, left + found.left
            wrong += len(found.wrong) - found.left
            said += found.wrong
    return {
        "kills": (done, f">= {kills * len(WORK)}", {"wrong": said[:20]}),
        "kills_acknowledged_lost": (lost, "= 0"),
        "kills_neither_old_nor_new": (wrong, "= 0"),
        "kills_leftovers": (left, "= 0"),
    }
