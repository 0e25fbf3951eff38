"""Work that a page starts and that goes on in a thread of its own, however often the page runs meanwhile.

Whatever is touched while a page runs begins another run of it beside the first, which ends at the next thing it draws
or keeps. What must happen once, and to its end, therefore happens here; every run that finds it at work waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillAtWork
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from ui.widgets.formatting import duration_phrase

__all__ = ["Count", "begin", "finished"]

_POLL_SECONDS = 0.3
_FIRST_GUESS_SECONDS = 2.0

Count = Callable[[int], None]


@dataclass
class _Work:
    said: str
    total: int
    future: Future[Any] = field(init=False)
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def count(self, done: int) -> None:
        self.done = done


def begin(key: str, said: str, work: Callable[[Count], Any], *, total: int = 0) -> None:
    """Start `work` and keep it in the session under `key`; nothing happens where that is at work already.

    Parameters
    ----------
    said : what to show meanwhile, as "Saving 500 drafts".
    work : gets a function to tell how many of `total` are done; it may use nothing of Streamlit's.
    """
    if key not in st.session_state:
        made = _Work(said, total)
        executor = ThreadPoolExecutor(1, thread_name_prefix=key)
        made.future = executor.submit(work, made.count)
        executor.shutdown(wait=False)
        st.session_state[key] = made


def finished(key: str) -> Future[Any] | None:
    """What became of it, after waiting for it with a clock or a bar; None where nothing was begun. Told once."""
    work: _Work | None = st.session_state.get(key)
    if work is None:
        return None
    place = st.empty()
    if work.total:
        _with_bar(work, place)
    else:
        with place, st.spinner(f"{work.said}…", show_time=True):
            work.future.exception()
    place.empty()
    # Of several runs that waited one is alive and gets here: the others ended with what they last drew.
    st.session_state.pop(key, None)
    return work.future


def _with_bar(work: _Work, place: Any) -> None:
    bar = place.progress(0.0, f"{work.said}…")
    while True:
        try:
            work.future.exception(_POLL_SECONDS)
            return
        except StillAtWork:
            spent = time.monotonic() - work.began
            left = spent / work.done * (work.total - work.done) if work.done and spent > _FIRST_GUESS_SECONDS else None
            said = f", about {duration_phrase(left)} left" if left is not None else ""
            # The seconds move while a single step takes long.
            bar.progress(
                work.done / work.total, f"{work.said}: {work.done:,} of {work.total:,}, {spent:.0f} s so far{said}"
            )
