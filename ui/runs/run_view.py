"""A run as people see it: its steps while it goes on, its place in the list afterwards."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from engine.core.errors import JobError, NotAllowedError
from engine.jobs import NEEDED_FOR, Kind, RunStatus, cancel_run, run_status, start_run
from ui.app import notices
from ui.app.person import only
from ui.app.resources import workspace
from ui.widgets.formatting import day_phrase, duration_phrase, html_text, plain

__all__ = ["draw_run", "follow_run", "progress_line", "runs_table", "start", "steps_html"]

REFRESH_SECONDS = 1.0
KINDS = {"train": "Training", "demo": "Demo shop", "ingest": "Loading a shop"}
STATES = {
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "lost": "stopped unexpectedly",
}
_MARKS = {"done": "✓", "running": "●", "failed": "✕", "waiting": "○"}


def start(kind: Kind) -> None:
    """Start a run from a button; what keeps it from starting is said on the next run of the page."""
    try:
        start_run(workspace(), kind)
    except (JobError, NotAllowedError) as exc:
        notices.say(plain(exc), ":material/info:")


def follow_run(run_id: str) -> None:
    """Show a run step by step with a button to cancel it; the page runs again when it ends."""

    @st.fragment(run_every=REFRESH_SECONDS)
    def follow() -> None:
        status = run_status(workspace(), run_id)
        if status.state != "running":
            st.rerun()
        draw_run(status)
        st.button(
            "Cancel", key=f"cancel_{run_id}", icon=":material/close:", on_click=_cancel, args=(run_id,),
            **only(NEEDED_FOR[status.kind]),
        )  # fmt: skip

    follow()


def draw_run(status: RunStatus) -> None:
    """One bar for the whole run, a line that moves, and the steps."""
    st.progress(min(max(status.done, 0.0), 1.0), text=plain(progress_line(status)))
    st.html(steps_html(status))


def progress_line(status: RunStatus, now: datetime | None = None) -> str:
    """What runs, how far it is, and for how long: the time alone changes every second, also while a step is silent."""
    step = status.current_step
    spent = max(int(((now or datetime.now(UTC)) - status.started_at).total_seconds()), 0)
    parts = [step.name if step else "Starting", step.message if step else "", f"{spent // 60}:{spent % 60:02d} so far"]
    if status.seconds_left is not None:
        parts.append(f"about {duration_phrase(status.seconds_left)} left")
    return " · ".join(filter(None, parts))


def runs_table(runs: list[RunStatus]) -> pd.DataFrame:
    """One row per run: what, when, how long, how it ended."""
    return pd.DataFrame(
        [
            {
                "Run": KINDS.get(run.kind, run.kind),
                "Started": day_phrase(run.started_at),
                "Took": duration_phrase((run.ended_at - run.started_at).total_seconds()) if run.ended_at else "",
                "State": STATES[run.state],
                "Message": run.message,
            }
            for run in runs
        ],
        columns=["Run", "Started", "Took", "State", "Message"],
    )


def steps_html(status: RunStatus) -> str:
    """The steps of a run as a list: what is done, what runs, what waits."""
    rows = []
    for step in status.steps:
        percent = f" {step.done:.0%}" if step.state == "running" and step.done > 0 else ""
        detail = html_text(step.message) if step.state in ("running", "failed") else ""
        rows.append(
            f'<li class="{step.state}"><span class="lt-mark">{_MARKS[step.state]}</span><span>{html_text(step.name)}'
            f"<small>{percent}{' · ' if percent and detail else ''}{detail}</small></span></li>"
        )
    return f'<ol class="lt-steps">{"".join(rows)}</ol>'


def _cancel(run_id: str) -> None:
    try:
        cancel_run(workspace(), run_id)
    except (JobError, NotAllowedError) as exc:
        notices.say(plain(exc), ":material/error:")
