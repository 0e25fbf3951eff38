"""Work that a page does not wait for long: a thread does it, and whoever asks next has its result."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["BackgroundResult"]

T = TypeVar("T")
PATIENCE_SECONDS = 0.6

logger = logging.getLogger(__name__)


class BackgroundResult(Generic[T]):
    """What there is at once, and what takes its place when the work is done; a little work is waited for.

    Parameters
    ----------
    work : gives the whole result; None where what there is at once is all. It runs in a thread without a session. Where it
        fails, that is logged and what there was at once stays.
    """

    def __init__(self, at_once: T, work: Callable[[], T] | None):
        self.result = at_once
        self.done = work is None
        if work is not None:
            thread = threading.Thread(target=self._do, args=(work,), name="find places", daemon=True)
            thread.start()
            thread.join(PATIENCE_SECONDS)

    def _do(self, work: Callable[[], T]) -> None:
        try:
            self.result = work()
        except Exception:
            logger.warning("not all of what is new or changed could be placed", exc_info=True)
        finally:
            self.done = True
