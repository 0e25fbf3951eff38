"""What stays the same within one run of a page: the release, whatever is published or damaged meanwhile.

A page asks for the served shop dozens of times while it is drawn. All of its answers come from the shop that the first one
came from, or a list of one release could stand beside counts of another.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

__all__ = ["OnceARun"]

T = TypeVar("T")


class OnceARun(Generic[T]):
    """Holds a value for each run of a script (of a page, a fragment, or a callback and what follows it)."""

    def __init__(self) -> None:
        self._held: weakref.WeakKeyDictionary[object, T] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def get(self, make: Callable[[], T]) -> T:
        """The value of this run; outside of a run, as in routes and threads of our own, a new one each time."""
        context = get_script_run_ctx(suppress_warning=True)
        run = None if context is None else context.parallel_coordinator  # Streamlit makes one for each run
        if run is None:
            return make()
        with self._lock:
            held = self._held.get(run)
        if held is None:
            held = make()
            with self._lock:
                held = self._held.setdefault(run, held)
        return held

    def forget(self) -> None:
        """Have this run ask again, where it has just changed what is held."""
        context = get_script_run_ctx(suppress_warning=True)
        with self._lock:
            if context is not None and context.parallel_coordinator is not None:
                self._held.pop(context.parallel_coordinator, None)
