"""What Today shows, worked out in a thread once for a release, and shared by all sessions.

Until it is there a page shows what is known already. It is worked out again when products are changed or something is judged, and the
last result stays meanwhile: `Results.done` then says that it is not the last word.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import streamlit as st

from engine.edits.drafts.store import Draft, State
from engine.overview.findings import CatalogueFindings, JudgedFindings, look_at_catalogue, look_at_judgements
from engine.serving.background_result import BackgroundResult
from ui.app.resources import judgements, recommender, served, traffic, workspace
from ui.comparison.results import list_length
from ui.products.draft_resources import drafts

__all__ = ["Latest", "Results", "known_disputes", "results", "waiting_drafts"]

T = TypeVar("T")
WAIT_SECONDS = 0.2  # for short work, so that a small shop is shown whole at once
COUNT_SECONDS = 1.0  # for what was judged a moment ago: who has just mended a list looks whether it is gone from here
BREATH = (
    4  # times as long as the last count computed, no page begins another: while many judge, the processor is for them
)
REST = 10  # nor anybody's bell
WAITING: tuple[State, ...] = ("draft",)


@dataclass(frozen=True)
class Results:
    """`catalogue` and `judged` are None until they were worked out for the first time; `done` says whether both were, or cannot be.

    Where it is not done they are as they were before the last judgement or change.
    """

    catalogue: CatalogueFindings | None
    judged: JudgedFindings | None
    done: bool


class Latest(Generic[T]):
    """The latest result of work that is begun again when its stamp changes, and not before the last one has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp: object = None
        self._held: BackgroundResult[T | None] = BackgroundResult(None)
        self._began = self._took = 0.0

    def get(self, stamp: object, work: Callable[[], T], wait: float = WAIT_SECONDS) -> tuple[T | None, bool]:
        """The last result there is, and whether it is that of this stamp; waits up to `wait` seconds for new work.

        While the last work has not rested for `BREATH` times as long as it computed, none begins: ask again.
        """
        with self._lock:
            begun, held = self._begin(stamp, work, BREATH), self._held
        if begun:
            held.wait(wait)
        with self._lock:
            is_last = self._held.done and stamp == self._stamp  # asked first: a result that comes in between is newer
            return self._held.result, is_last

    def look(self, stamp: object, work: Callable[[], T]) -> T | None:
        """The last result there is; begins work for the next one to ask, but seldom where it takes long."""
        with self._lock:
            self._begin(stamp, work, REST)
            return self._held.result

    def _begin(self, stamp: object, work: Callable[[], T], rest: float) -> bool:
        """Begin work where the last result is of another stamp, nothing is at work and it has rested; whether it did."""
        if stamp == self._stamp or not self._held.done or time.monotonic() - self._began < (1 + rest) * self._took:
            return False

        def timed() -> T:
            before = time.thread_time()
            try:
                return work()
            finally:
                self._took = time.thread_time() - before

        self._stamp, self._began = stamp, time.monotonic()
        self._held = BackgroundResult(self._held.result, timed, wait=0.0)
        return True


def results() -> Results:
    """For the release that is served and the judgements there are; waits little more than a second."""
    facade, k = recommender(), list_length()
    catalogue, whole = _catalogue(str(workspace().root), facade.edition).get(
        (facade.version, k), partial(look_at_catalogue, facade, k)
    )
    latest, stamp, work = _judging()
    judged, counted = latest.get(stamp, work, COUNT_SECONDS)
    return Results(catalogue, judged, whole and counted)


def known_disputes() -> int:
    """On how many neighbours people disagree, as far as that was worked out; waits for nothing, so anybody may ask often."""
    latest, stamp, work = _judging()
    judged = latest.look(stamp, work)
    return 0 if judged is None else judged.disputes


def _judging() -> tuple[Latest[JudgedFindings], object, Callable[[], JudgedFindings]]:
    """What is known of judgements, what it depends on, and how it is worked out."""
    facade, k, store = recommender(), list_length(), judgements()
    work = partial(look_at_judgements, store, facade, workspace(), k, served().suppressed_everywhere(), traffic())
    return _judged(str(workspace().root), facade.edition), (store.last_id(), k), work


def waiting_drafts() -> list[Draft]:
    """Drafts that nobody has shown in the shop yet, the last changed first; do not change the list."""
    store = drafts()
    return _waiting(str(workspace().root), store.stamp())


@st.cache_resource(show_spinner=False, max_entries=2)
def _catalogue(root: str, edition: str) -> Latest[CatalogueFindings]:
    return Latest()


@st.cache_resource(show_spinner=False, max_entries=2)
def _judged(root: str, edition: str) -> Latest[JudgedFindings]:
    return Latest()


@st.cache_resource(show_spinner=False, max_entries=4)
def _waiting(root: str, stamp: str) -> list[Draft]:
    return drafts().all(WAITING)
