"""Work that a page starts and that goes on in a thread of its own, however often the page runs meanwhile.

Whatever is touched while a page runs begins another run of it beside the first, which ends at the next thing it draws
or keeps. What must happen once, and to its end, therefore happens here; every run that finds it at work waits for it.

    SAVING: BackgroundWork[str] = BackgroundWork("saving")

    SAVING.begin("Saving 500 drafts", work, total=500)
    if (ended := SAVING.finished()) is not None:
        st.toast(ended.result())
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillAtWork
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.access.acting import acting, current_actor
from ui.widgets.formatting import duration_phrase, plain

__all__ = ["BackgroundWork", "Count"]

_POLL_SECONDS = 0.3
_FIRST_GUESS_SECONDS = 2.0

T = TypeVar("T")
Count = Callable[[int], None]


@dataclass
class _Running(Generic[T]):
    step: str
    total: int
    future: Future[T] = field(init=False)
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def count(self, done: int) -> None:
        self.done = done


@dataclass(frozen=True)
class BackgroundWork(Generic[T]):
    """One piece of work of the session, kept in it under `key`."""

    key: str

    def begin(self, step: str, work: Callable[[Count], T], *, total: int = 0) -> None:
        """Start `work`; nothing happens where that is at work already.

        Parameters
        ----------
        step : what to show meanwhile, as "Saving 500 drafts".
        work : gets a function to tell how many of `total` are done; it may use nothing of Streamlit's. It is done by whoever
            began it. Raises `NotAllowedError` where nobody is known.
        """
        if self.key not in st.session_state:
            running: _Running[T] = _Running(step, total)
            actor = current_actor()

            def as_whoever_began_it() -> T:
                with acting(actor):
                    return work(running.count)

            executor = ThreadPoolExecutor(1, thread_name_prefix=self.key)
            running.future = executor.submit(as_whoever_began_it)
            executor.shutdown(wait=False)
            st.session_state[self.key] = running

    def finished(self) -> Future[T] | None:
        """What became of it, after waiting for it with a clock or a bar; None where nothing was begun. Told once."""
        running: _Running[T] | None = st.session_state.get(self.key)
        if running is None:
            return None
        place = st.empty()
        if running.total:
            _wait_with_bar(running, place)
        else:
            with place, st.spinner(f"{plain(running.step)}…", show_time=True):
                running.future.exception()
        place.empty()
        # Of several runs that waited one is alive and gets here: the others ended with what they last drew.
        st.session_state.pop(self.key, None)
        return running.future


def _wait_with_bar(running: _Running[T], place: DeltaGenerator) -> None:
    """The seconds move while a single step takes long."""
    bar = place.progress(0.0, f"{plain(running.step)}…")
    while True:
        try:
            running.future.exception(_POLL_SECONDS)
            return
        except StillAtWork:
            bar.progress(running.done / running.total, _progress_phrase(running))


def _progress_phrase(running: _Running[T]) -> str:
    spent = time.monotonic() - running.began
    said = f"{plain(running.step)}: {running.done:,} of {running.total:,}, {spent:.0f} s so far"
    if not running.done or spent <= _FIRST_GUESS_SECONDS:
        return said
    left = spent / running.done * (running.total - running.done)
    return f"{said}, about {duration_phrase(left)} left"
