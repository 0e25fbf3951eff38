"""How long-running work reports progress: one callable, passed down from the command line or the job runner."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Progress", "StepClock", "silent"]


class Progress(Protocol):
    """Called with a step's name in a merchandiser's words, the share of that step that is done (0 to 1), and a detail.

    Steps come in order; a call with `done=1.0` ends a step.
    """

    def __call__(self, step: str, done: float, message: str = "") -> None: ...


def silent(step: str, done: float, message: str = "") -> None:
    """A `Progress` that does nothing."""


class StepClock:
    """Passes progress on and measures what every step takes: seconds, those that processors worked, and memory."""

    def __init__(self, progress: Progress):
        self._progress = progress
        self._began = (0.0, 0.0)
        self._spent: dict[str, _Spent] = {}
        self._current = ""

    def __call__(self, step: str, done: float, message: str = "") -> None:
        if step != self._current:
            self._close()
            self._current = step
        self._progress(step, done, message)

    def seconds(self) -> list[dict[str, str | float]]:
        """`[{"name", "seconds", "cpu_seconds", "peak_mb"}]` of the steps so far, in order; the last is the most memory that this process has
        held until the step ended, in MB."""
        self._close()
        return [
            {
                "name": name,
                "seconds": round(spent.seconds, 2),
                "cpu_seconds": round(spent.cpu, 2),
                "peak_mb": spent.peak_mb,
            }
            for name, spent in self._spent.items()
        ]

    def _close(self) -> None:
        now, cpu = time.monotonic(), time.process_time()
        if self._current:
            spent = self._spent.get(self._current, _Spent())
            seconds, worked = now - self._began[0], cpu - self._began[1]
            self._spent[self._current] = _Spent(spent.seconds + seconds, spent.cpu + worked, _most_memory())
        self._began = (now, cpu)


@dataclass(frozen=True)
class _Spent:
    seconds: float = 0.0
    cpu: float = 0.0
    peak_mb: int = 0


def _most_memory() -> int:
    """MB that this process has held at most."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
