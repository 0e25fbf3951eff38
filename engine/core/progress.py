"""How long-running work reports progress: one callable, passed down from the command line or the job runner."""

from __future__ import annotations

import time
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
    """Passes progress on and measures the seconds that every step takes."""

    def __init__(self, progress: Progress):
        self._progress = progress
        self._began: dict[str, float] = {}
        self._seconds: dict[str, float] = {}
        self._current = ""

    def __call__(self, step: str, done: float, message: str = "") -> None:
        now = time.monotonic()
        if step != self._current:
            self._close(now)
            self._began[step] = now
            self._current = step
        self._progress(step, done, message)

    def seconds(self) -> list[dict[str, str | float]]:
        """`[{"name", "seconds"}]` of the steps so far, in order."""
        self._close(time.monotonic())
        return [{"name": name, "seconds": round(seconds, 2)} for name, seconds in self._seconds.items()]

    def _close(self, now: float) -> None:
        if self._current:
            spent = now - self._began[self._current]
            self._seconds[self._current] = self._seconds.get(self._current, 0.0) + spent
            self._began[self._current] = now
