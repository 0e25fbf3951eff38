"""A result that nobody waits for long: a thread computes it, and a first result is shown until then."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["WAIT_SECONDS", "BackgroundResult"]

T = TypeVar("T")
WAIT_SECONDS = 0.6

logger = logging.getLogger(__name__)


class BackgroundResult(Generic[T]):
    """A first result, and the full one that replaces it once the work is done.

    Making one waits up to `wait` seconds for the work, so that short work gives its result at once.

    Attributes
    ----------
    result : the full result once there is one. Where the work fails, that is logged and the first result stays.
    done : whether the work has ended.

    Parameters
    ----------
    first : the result until then.
    work : gives the full result, in a thread of its own; None where `first` is already full.
    """

    def __init__(self, first: T, work: Callable[[], T] | None = None, *, wait: float = WAIT_SECONDS):
        self.result = first
        self.done = work is None
        self._thread: threading.Thread | None = None
        if work is not None:
            self._thread = threading.Thread(target=self._run, args=(work,), name="background result", daemon=True)
            self._thread.start()
            self.wait(wait)

    def wait(self, seconds: float) -> None:
        """Wait until the work has ended, so long at most."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self, work: Callable[[], T]) -> None:
        try:
            self.result = work()
        except Exception:
            logger.warning("work in the background failed; its first result stays", exc_info=True)
        finally:
            self.done = True
