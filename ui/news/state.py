"""What the top bar shows of the workspace's state, as a text that changes when that does."""

from __future__ import annotations

from engine.core.errors import LongtailError
from engine.jobs import active_run, run_status
from ui.app.resources import shown_id, workspace
from ui.runs.run_in_bar import run_phrase

__all__ = ["shown_now"]


def shown_now() -> str:
    """`r0003` and, while a run is at work, how far it is; the bar of an open tab is drawn again when it changes."""
    return f"{shown_id() or ''}|{_running()}"


def _running() -> str:
    run_id = active_run(workspace())
    if run_id is None:
        return ""
    try:
        return f"{run_id} {run_phrase(run_status(workspace(), run_id))}"
    except LongtailError:
        return run_id
