"""The bell in the top bar of every page, and beside it the run at work and a release that came since the page was drawn.

The script asks `/news` every few seconds while its tab is looked at (assets/bell.js). Only where what the bar shows has changed does
the server run anything, and then this bar alone: a tab that nobody looks at costs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.access.acting import Actor
from engine.access.marks import Marks
from engine.core.errors import LongtailError, StoreError
from engine.release.manifest import Manifest
from ui.app.browser import marks_of
from ui.app.navigation import go_to
from ui.app.resources import database, shown_id
from ui.news.recent import recent
from ui.news.state import shown_now
from ui.runs.run_in_bar import draw_run_in_bar
from ui.widgets.addresses import base_path
from ui.widgets.scripts import served_component

__all__ = ["draw_bell"]

LOADING = '<div class="loading" aria-hidden="true" style="width: 34px; height: 34px"></div>'
_BEGUN, _DRAWN = "marks_begun", "release_drawn"

logger = logging.getLogger(__name__)


def draw_bell(actor: Actor) -> None:
    """Draw the bell, and what goes on. Call it once in a run of the page."""
    st.session_state[_DRAWN] = shown_id()
    _begin(actor.name)
    _bar(actor.name)


@st.fragment
def _bar(person: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", width="content", key="news_bar"):
        draw_run_in_bar()
        _draw_newer_release()
        result = _component()(
            key="bell", data={"news": f"{base_path()}/news", "now": shown_now()}, width="content",
            on_seen_change=lambda: None, on_go_change=lambda: None, on_changed_change=lambda: None,
        )  # fmt: skip
    if seen := result.get("seen"):
        _remember(person, seen)
    if wanted := result.get("go"):
        go_to(str(wanted["page"]), dict(wanted["query"]))


def _draw_newer_release() -> None:
    """A release that went live while this page stood open: the page changes when somebody wants it to, not under their hands."""
    live = shown_id()
    if not live or live == st.session_state.get(_DRAWN):
        return
    label = Manifest(live).label.lower()
    if st.button(
        f"Show {label}",
        key="show_release",
        icon=":material/refresh:",
        type="tertiary",
        help="It went live after you opened this page.",
    ):
        st.rerun()


def _begin(person: str) -> None:
    """What happened before somebody's first visit is no news to them; that it could not be noted keeps nobody out."""
    if st.session_state.get(_BEGUN) == person:
        return
    try:
        happened = recent().get()
        Marks(database()).begin(marks_of(person), happened.last_id, happened.last_ended)
    except LongtailError as exc:
        logger.warning("a first visit could not be noted: %s", exc)
    else:
        st.session_state[_BEGUN] = person


def _remember(person: str, seen: Any) -> None:
    """What somebody has seen behind the bell; where it cannot be stored it stays new."""
    deed, run = seen.get("deed"), seen.get("run")
    if not isinstance(deed, int) or not isinstance(run, str):
        return
    try:
        happened = recent().get()
        # A browser can say anything: nobody has seen what has not happened.
        Marks(database()).seen(marks_of(person), min(max(deed, 0), happened.last_id), min(run, happened.last_ended))
    except StoreError as exc:
        logger.warning("what was seen could not be noted: %s (%s)", exc, exc.detail)


def _component() -> Callable[..., Any]:
    return served_component("longtail_bell", ("common.js", "bell.js"), "bell.css", LOADING)
