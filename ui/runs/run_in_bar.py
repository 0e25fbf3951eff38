"""A run in the top bar of every page: how far it is while it goes on, and how it ended until somebody has seen that."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import LongtailError
from engine.jobs import RunStatus, active_run, run_status
from ui.app.navigation import link_to
from ui.app.resources import workspace
from ui.runs.run_view import KINDS, STATES
from ui.widgets.formatting import plain

__all__ = ["draw_run_in_bar", "run_phrase"]

_FOLLOWED = "run_followed"


def draw_run_in_bar() -> None:
    """Draw the run at work, or the one that this session saw at work and that has ended since; nothing else. `ui.news.bell` draws it anew
    when it has gone on."""
    running = active_run(workspace())
    if running is not None:
        st.session_state[_FOLLOWED] = running
    if _FOLLOWED in st.session_state:
        _draw(st.session_state[_FOLLOWED])


def _draw(run_id: str) -> None:
    try:
        status = run_status(workspace(), run_id)
    except LongtailError:
        st.session_state.pop(_FOLLOWED, None)
        return
    with st.container(horizontal=True, vertical_alignment="center", width="content", key="run_bar"):
        icon = {"running": ":material/progress_activity:", "done": ":material/check_circle:"}.get(
            status.state, ":material/error:"
        )
        link_to("model", plain(run_phrase(status)), icon)
        if status.state != "running":
            st.button("Seen", key="run_seen", type="tertiary", on_click=_forget)


def run_phrase(status: RunStatus) -> str:
    """`Training 45%: Choosing settings`, or how it ended."""
    name = KINDS.get(status.kind, status.kind)
    if status.state == "running":
        step = status.current_step
        return f"{name} {status.done:.0%}" + (f": {step.name}" if step else "")
    return f"{name} {STATES[status.state]}"


def _forget() -> None:
    """Callback: what came of the run was seen."""
    st.session_state.pop(_FOLLOWED, None)
