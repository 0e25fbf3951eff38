"""The release as people changed it: changed products stand where their new content puts them, on every page, at once."""

from __future__ import annotations

import time

import streamlit as st

from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.edits.changes.served import cached_changes, changed_in, vectors_of_changes, with_changes
from engine.edits.changes.store import ChangeStore
from engine.recommend.recommender import Recommender
from ui.products.warm_up import get_ready
from ui.widgets.background_result import BackgroundResult

__all__ = ["as_changed", "forget_stamp"]

STAMP_SECONDS = 0.5  # a page asks for the release dozens of times, and others' changes may wait so long


def as_changed(base: Recommender, workspace: Workspace, store: JudgementStore, url: str) -> Recommender:
    """The release with the changes that hold. Raises `StoreError` where they cannot be read.

    A change that no process has placed yet shows its facts at once; its neighbours move when it is placed, a moment later.
    """
    changes = ChangeStore(store, workspace)
    return _placing(url, base.release_id, _watch(url).stamp(changes), _base=base, _changes=changes).result


def forget_stamp(url: str) -> None:
    """Something was changed just now, here: the next page sees it."""
    _watch(url).forget()


class _Watch:
    """The changes' stamp, asked of the database a few times a second at most."""

    def __init__(self) -> None:
        self._stamp: tuple[int, int, str] | None = None
        self._asked = 0.0

    def stamp(self, changes: ChangeStore) -> tuple[int, int, str]:
        now = time.monotonic()
        stamp = self._stamp
        if stamp is None or now - self._asked > STAMP_SECONDS:
            stamp = self._stamp = changes.stamp()
            self._asked = now
        return stamp

    def forget(self) -> None:
        self._stamp = None


@st.cache_resource(show_spinner=False, max_entries=4)
def _watch(url: str) -> _Watch:
    return _Watch()


@st.cache_resource(show_spinner=False, max_entries=2)
def _placing(
    url: str, release_id: str, stamp: tuple[int, int, str], *, _base: Recommender, _changes: ChangeStore
) -> BackgroundResult[Recommender]:
    workspace = Workspace(_base.directory.parents[1])
    items = changed_in(_base, workspace, _changes.all()) if stamp[0] else {}
    kept = cached_changes(_base, workspace, items)

    def work() -> Recommender:
        get_ready(_base, workspace).join()
        return with_changes(_base, workspace, items, vectors_of_changes(_base, workspace, items))

    return BackgroundResult(with_changes(_base, workspace, items, kept), work if len(kept) < len(items) else None)
