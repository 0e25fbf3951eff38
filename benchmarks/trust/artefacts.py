"""Damaged files of every kind, before they are opened and while they serve: no process ends, no list is wrong, no traceback.

    python -m benchmarks.trust --only artefacts --artefacts 10000

A small workspace has two releases with known lists. Child processes (`artefact_worker`) damage one file at a time, by a bit, by
truncating, extending, zeroing, noise, another file's content, removal, a directory, a link, a pipe; half of them in place
while the shop is being asked. Whatever is answered has to be what one of the two releases is known to answer, and
whatever is refused has to be a sentence (`LongtailError`).
"""

from __future__ import annotations

import argparse
import json
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.trust import Figures
from benchmarks.trust.artefact_workspace import build_workspace

ARTEFACTS, CHILDREN, PATIENCE = 10_000, 2, 60.0
BAD = ("wrong", "traceback", "ended", "hung")


def measure(arguments: argparse.Namespace) -> Figures:
    """How many were tried, and how many of them were not borne."""
    tried = arguments.artefacts or ARTEFACTS
    with tempfile.TemporaryDirectory(prefix="longtail-artefacts-") as folder:
        build_workspace(Path(folder) / "0")
        outcomes, kinds, examples, seconds = run(Path(folder), tried, CHILDREN)
    details = {"outcomes": dict(outcomes), "kinds": dict(kinds), "examples": examples, "seconds": round(seconds)}
    return {
        "artefacts_mutated": (tried, ">= 10000", details),
        "artefacts_not_borne": (sum(outcomes[name] for name in BAD), "0"),
        "artefacts_processes_ended": (outcomes["ended"] + outcomes["hung"], "0"),
    }


def run(folder: Path, tried: int, children: int) -> tuple[Counter[str], Counter[str], list[str], float]:
    """Damage `tried` artefacts of copies of the workspace in `folder`/0; outcomes, kinds, what was not borne, seconds."""
    for number in range(1, children):
        shutil.copytree(folder / "0", folder / str(number), symlinks=True)
    pool = [Child(folder / str(number)) for number in range(children)]
    seeds, began = iter(range(tried)), time.monotonic()
    outcomes: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    examples: list[str] = []
    busy = {child: child.damage(seed) for child, seed in zip(pool, seeds, strict=False)}
    while busy:
        ready = select.select([child.output for child in busy], [], [], 1.0)[0]
        for child in list(busy):
            if child.output in ready or time.monotonic() - busy[child] > PATIENCE:
                result = child.result(hung=child.output not in ready)
                outcomes[result["outcome"]] += 1
                kinds[result["kind"]] += 1
                if result["outcome"] in BAD:
                    examples.append(f"{result['outcome']}: {result['what']}: {result.get('detail', '')}")
                del busy[child]
                if (seed := next(seeds, None)) is not None:
                    busy[child] = child.damage(seed)
    for child in pool:
        child.end()
    return outcomes, kinds, examples[:50], time.monotonic() - began


class Child:
    """A process that damages its own workspace and says what came of it; another one is started where it ends."""

    def __init__(self, root: Path) -> None:
        self._root, self._what = root, ""
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "benchmarks.trust.artefact_worker", str(self._root)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.output = self._process.stdout
        json.loads(self.output.readline())  # it is ready

    def damage(self, seed: int) -> float:
        """Begin; the time."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seed}\n".encode())
        self._process.stdin.flush()
        self._what = f"seed {seed}"
        return time.monotonic()

    def result(self, *, hung: bool) -> dict[str, Any]:
        """What came of it; starts another process where this one ended, or has to be ended."""
        line = b"" if hung else self.output.readline()
        if line:
            return dict(json.loads(line))
        if hung:
            self._process.kill()
        code = self._process.wait()
        self.output.close()
        name = signal.Signals(-code).name if code < 0 else str(code)
        outcome = {"outcome": "hung" if hung else "ended", "kind": "unknown", "what": self._what, "detail": name}
        self._start()
        return outcome

    def end(self) -> None:
        """Let it go."""
        self._process.communicate()
