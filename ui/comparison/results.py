"""What improved between two sides, worked out in a thread once and shared by all sessions."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import streamlit as st

from engine.comparison.list_gains import ComparedLists, Gains, Side
from engine.serving.background_result import BackgroundResult
from engine.serving.what_changes import list_length as list_length_of
from ui.app.resources import judgements, served, settings

__all__ = ["gains_between", "list_length"]


def gains_between(before: Side, after: Side) -> BackgroundResult[Gains | None]:
    """Its `result` is None until it is worked out; waits for less than a second."""
    sides = ((before.release.edition, before.arm), (after.release.edition, after.arm))
    return _gains(after.release.directory, *sides, list_length(), judgements().last_id(), before, after)


def list_length() -> int:
    """How many neighbours of a list are compared: as many as are shown, where a release keeps that many."""
    return list_length_of(settings().serving.neighbours)


class _Compared:
    """The lists of two sides, compared once by whoever asks first."""

    def __init__(self, before: Side, after: Side, k: int) -> None:
        self._asked, self._lock = (before, after, k), threading.Lock()
        self._lists: ComparedLists | None = None

    def gains(self, out: Mapping[str, frozenset[str]]) -> Gains:
        with self._lock:
            if self._lists is None:
                self._lists = ComparedLists(*self._asked)
            return self._lists.gains(out)


@st.cache_resource(show_spinner=False, max_entries=6)
def _gains(
    directory: Path, before: tuple[str, str], after: tuple[str, str], k: int, judged: int, _before: Side, _after: Side
) -> BackgroundResult[Gains | None]:
    first: Gains | None = None
    compared = _compared(directory, before, after, k, _before, _after)
    return BackgroundResult(first, partial(compared.gains, served().suppressed_everywhere()))


@st.cache_resource(show_spinner=False, max_entries=3)
def _compared(
    directory: Path, before: tuple[str, str], after: tuple[str, str], k: int, _before: Side, _after: Side
) -> _Compared:
    return _Compared(_before, _after, k)
