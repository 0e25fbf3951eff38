"""One kind of write, tried again and again: it ends in the old state or the new one, whatever happens on the way.

with ShimServer() as server:
    trial = Trial(server, "publish", before, folder)
    trial.power_failures(every=1), trial.full_disk(every=1), trial.killed(points)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.disk_shim import Ended, ShimServer
from tests.support.power_loss import MARK, crashes
from tests.support.workspace_state import leftovers, recovered_state, state_of

__all__ = ["Found", "Trial"]


@dataclass
class Found:
    """How many times it was tried, and what was wrong, in words; `acknowledged_lost` and `left` are part of `wrong`."""

    tried: int = 0
    wrong: list[str] = field(default_factory=list)
    acknowledged_lost: int = 0
    left: int = 0
    raw: int = 0


class Trial:
    """A piece of `tests.support.shimmed_work` on copies of one workspace.

    Attributes
    ----------
    changes : how many changes below the workspace it makes when nothing happens.
    """

    def __init__(self, server: ShimServer, work: str, before: Path, folder: Path, *arguments: object) -> None:
        self._server, self._work, self._before, self._arguments = server, work, before, arguments
        self._folder = folder / work
        self._folder.mkdir(parents=True)
        self._root, self._log, self._store = (self._folder / name for name in ("root", "log", "store"))
        self._store.mkdir()
        self._fresh()
        ended = server.run(work, self._root, *arguments, log=self._log, store=self._store)
        assert ended.status == 0, f"{work} fails by itself: {ended.said}"
        self.changes = ended.changes
        lines = Path(f"{self._log}.states").read_text("utf-8").splitlines()
        self._states = [_plain(state_of(before)), *map(json.loads, lines)]

    def power_failures(self, every: int = 1) -> Found:
        """The power fails after every so many changes, in three ways each."""
        found, target = Found(), self._root  # the journal of a restore names it
        for crash in crashes(self._before, self._root, self._log, self._store):
            if crash.after % every:
                continue
            shutil.rmtree(target, ignore_errors=True)
            crash.write(target)
            self._judge(found, target, crash.confirmed, f"power failed ({crash.way}) after change {crash.after}")
        return found

    def full_disk(self, points: Iterable[int]) -> Found:
        """The disk is full from this change on, for each of them."""
        found = Found()
        for point in points:
            self._fresh()
            ended = self._server.run(self._work, self._root, *self._arguments, fail=point)
            self._judge(found, self._root, self._confirmed(), f"the disk was full at change {point}")
            if ended.status and "Traceback" in ended.said:
                found.raw += 1
                found.wrong.append(f"the disk was full at change {point}: {ended.said.strip().splitlines()[-1]}")
        return found

    def killed(self, points: Iterable[int | float]) -> Found:
        """Killed before these changes, or after so many seconds where a number is a fraction."""
        found = Found()
        for point in points:
            self._fresh()
            when: dict[str, Any] = {"kill": point} if isinstance(point, int) else {"kill_after": point}
            ended: Ended = self._server.run(self._work, self._root, *self._arguments, **when)
            if ended.status not in (0, -9):
                found.wrong.append(f"killed at {point}: {ended.said[-300:]}")
            self._judge(found, self._root, self._confirmed(), f"killed at {point}")
        return found

    def _judge(self, found: Found, root: Path, confirmed: int, what: str) -> None:
        """Nothing that was confirmed is missing, and at most one more step is there."""
        found.tried += 1
        try:
            state = _plain(recovered_state(root))
        except Exception as exc:
            found.wrong.append(f"{what}: {type(exc).__name__}: {exc}")
            return
        allowed = self._states[confirmed : confirmed + 2]
        if state not in allowed:
            found.wrong.append(
                f"{what}: {[name for name in state if all(state[name] != one[name] for one in allowed)]}"
            )
            found.acknowledged_lost += state in self._states[:confirmed]
        if left := leftovers(root):
            found.left += 1
            found.wrong.append(f"{what}: {left[:3]} is left")

    def _fresh(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
        shutil.copytree(self._before, self._root)

    def _confirmed(self) -> int:
        return len(list(self._root.glob(f"{MARK}*")))


def _plain(state: Any) -> Any:
    return json.loads(json.dumps(state))
