"""What Today shows, worked out in a thread once for a release, and shared by all sessions.

Until it is there a page shows what is known already. It is worked out again when products are changed or something is judged, and the
last result stays meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import streamlit as st

from engine.edits.drafts.store import Draft, State
from engine.overview.findings import CatalogueFindings, JudgedFindings, look_at_catalogue, look_at_judgements
from engine.serving.background_result import BackgroundResult
from ui.app.resources import judgements, recommender, served, workspace
from ui.comparison.results import list_length
from ui.products.draft_resources import drafts

__all__ = ["Results", "known_disputes", "results", "waiting_drafts"]

T = TypeVar("T")
WAIT_SECONDS = 0.2  # for short work, so that a small shop is shown whole at once
WAITING: tuple[State, ...] = ("draft",)


@dataclass(frozen=True)
class Results:
    """`catalogue` and `judged` are None until they were worked out for the first time; `done` says whether both were, or cannot be."""

    catalogue: CatalogueFindings | None
    judged: JudgedFindings | None
    done: bool


class _Latest(Generic[T]):
    """The latest result of work that is begun again when its stamp changes, and not before the last one has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp: object = None
        self._held: BackgroundResult[T | None] = BackgroundResult(None)

    def get(self, stamp: object, work: Callable[[], T]) -> BackgroundResult[T | None]:
        with self._lock:
            if stamp != self._stamp and self._held.done:
                self._stamp, self._held = stamp, BackgroundResult(self._held.result, work, wait=WAIT_SECONDS)
            return self._held

    def known(self) -> T | None:
        """The last result there is; begins nothing."""
        with self._lock:
            return self._held.result


def results() -> Results:
    """For the release that is served and the judgements there are; waits for less than half a second."""
    facade, k, store = recommender(), list_length(), judgements()
    root = str(workspace().root)
    catalogue = _catalogue(root, facade.edition).get((facade.version, k), partial(look_at_catalogue, facade, k))
    judged = _judged(root, facade.edition).get(
        (store.last_id(), k),
        partial(look_at_judgements, store, facade, workspace(), k, served().suppressed_everywhere()),
    )
    return Results(catalogue.result, judged.result, catalogue.done and judged.done)


def known_disputes() -> int:
    """On how many neighbours people disagree, as far as that was worked out; begins nothing, so anybody may ask often."""
    judged = _judged(str(workspace().root), recommender().edition).known()
    return 0 if judged is None else judged.disputes


def waiting_drafts() -> list[Draft]:
    """Drafts that nobody has shown in the shop yet, the last changed first; do not change the list."""
    store = drafts()
    return _waiting(str(workspace().root), store.stamp())


@st.cache_resource(show_spinner=False, max_entries=2)
def _catalogue(root: str, edition: str) -> _Latest[CatalogueFindings]:
    return _Latest()


@st.cache_resource(show_spinner=False, max_entries=2)
def _judged(root: str, edition: str) -> _Latest[JudgedFindings]:
    return _Latest()


@st.cache_resource(show_spinner=False, max_entries=4)
def _waiting(root: str, stamp: str) -> list[Draft]:
    return drafts().all(WAITING)
