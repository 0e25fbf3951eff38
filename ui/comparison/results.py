"""What improved between two sides, worked out in a thread once and shared by all sessions."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from engine.comparison.list_gains import Gains, Side, list_gains
from engine.serving.background_result import BackgroundResult
from engine.serving.what_changes import list_length as list_length_of
from ui.app.resources import judgements, served, settings

__all__ = ["gains_between", "list_length"]


def gains_between(before: Side, after: Side) -> BackgroundResult[Gains | None]:
    """Its `result` is None until it is worked out; waits for less than a second."""
    return _gains(
        after.release.directory,
        (before.release.edition, before.arm),
        (after.release.edition, after.arm),
        list_length(),
        judgements().last_id(),
        before,
        after,
    )


def list_length() -> int:
    """How many neighbours of a list are compared: as many as are shown, where a release keeps that many."""
    return list_length_of(settings().serving.neighbours)


@st.cache_resource(show_spinner=False, max_entries=6)
def _gains(
    directory: Path, before: tuple[str, str], after: tuple[str, str], k: int, judged: int, _before: Side, _after: Side
) -> BackgroundResult[Gains | None]:
    first: Gains | None = None
    return BackgroundResult(first, partial(list_gains, _before, _after, k, served().suppressed_everywhere()))
