"""How long work tells what it is doing: one callable, passed down from the command line or the job runner."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Called with a step's name in a merchandiser's words, how much of that step is done (0 to 1), and a detail.

    Steps come in order; a step is finished by a call with `done=1.0`.
    """

    def __call__(self, step: str, done: float, message: str = "") -> None: ...


def silent(step: str, done: float, message: str = "") -> None:
    """A `Progress` that says nothing."""
