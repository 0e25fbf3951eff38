"""Opening a release: in a process that is the first to open it, and in one beside it, with the memory that each takes for itself.

The peer reads all files of the release into memory, which is what a process would hold that shares nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.parts import Measured
from benchmarks.scale.releases import released

__all__ = ["measure"]

_OPENED = """
import json, sys, time
from pathlib import Path
import psutil
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
process = psutil.Process()
before, began = process.memory_full_info().uss, time.perf_counter()
if sys.argv[2] == "read":
    held = [file.read_bytes() for file in Path(sys.argv[1]).rglob("releases/r*/**/*") if file.is_file()]
else:
    held = Recommender.open(Workspace(Path(sys.argv[1])))
took = time.perf_counter() - began
print(json.dumps({"seconds": took, "bytes": process.memory_full_info().uss - before}), flush=True)
sys.stdin.read()
"""


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Seconds and private bytes of a second process, and how many times as many bytes the peer holds."""
    products = max(arguments.products)
    workspace = released(arguments.folder, products, arguments.seed)
    first, second, read = ([] for _ in range(3))
    for _ in range(arguments.rounds):
        with _process(workspace.root, "open") as held:
            first.append(_told(held))
            for kind, found in (("open", second), ("read", read)):
                with _process(workspace.root, kind) as other:
                    found.append(_told(other))
    times = median(there["bytes"] / here["bytes"] for here, there in zip(second, read, strict=True))
    seconds = median(one["seconds"] for one in second)
    return {
        f"opening_{products}_private_memory_of_reading_over_ours": (round(times, 1), ">= 20", {"ours": second, "reading": read}),
        f"opening_{products}_second_process_seconds": (round(seconds, 2), "<= 1", {}),
        f"opening_{products}_first_process_seconds": (round(median(one["seconds"] for one in first), 2), "-", {"each": first}),
    }  # fmt: skip


def _process(root: Path, kind: str) -> subprocess.Popen[str]:
    """A process that opens or reads, says what it took, and holds it until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", _OPENED, str(root), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _told(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("a process that opens a release ended without a word")
    told: dict[str, Any] = json.loads(line)
    return told
