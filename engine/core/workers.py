"""Where the heavy sums and maps of a training are worked out: in this process, or by workers elsewhere.

What takes long asks `workers()`. Where it answers None, the work is done here. Where somebody said `working_with(...)`, it is cut into
parts that do not depend on how many workers there are, so the same data gives the same result on one worker and on a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import numpy as np

__all__ = ["Held", "Workers", "workers", "working_with"]


class Held(Protocol):
    """Parts of some data that lie where they are worked on, and are let go with this object."""

    def each(self, work: Callable[..., Any], *shared: Any) -> Iterator[Any]:
        """`work(part, *shared)` of every part, in the order of the parts.

        Parameters
        ----------
        work : a function at the top of a module; it is run elsewhere, perhaps twice.
        shared : what every part needs; sent once to every worker.
        """

    def total(self, work: Callable[..., Sequence[np.ndarray]], *shared: Any) -> tuple[np.ndarray, ...]:
        """The sums, float64, over all parts of the arrays that `work(part, *shared)` returns; always added up in the same order."""


class Workers(Protocol):
    """Whoever works elsewhere."""

    def hold(self, parts: Sequence[Any]) -> Held:
        """Send parts, anything that can be pickled, to where they will be worked on."""


_working: ContextVar[Workers | None] = ContextVar("working", default=None)


def workers() -> Workers | None:
    """Who works for this training; None where it works by itself."""
    return _working.get()


@contextmanager
def working_with(some: Workers | None) -> Iterator[None]:
    """In the block heavy work is handed to these workers."""
    token = _working.set(some)
    try:
        yield
    finally:
        _working.reset(token)
