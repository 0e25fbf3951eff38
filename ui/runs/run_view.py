"""A run as people see it: its steps while it goes on, its place in the list afterwards."""

from __future__ import annotations

import html

import pandas as pd
import streamlit as st

from engine.core.errors import JobError
from engine.jobs import Kind, RunStatus, cancel_run, run_status, start_run
from ui.app import notices
from ui.app.resources import workspace
from ui.widgets.formatting import day_phrase, duration_phrase, plain

__all__ = ["follow_run", "runs_table", "start", "steps_html"]

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
    except JobError as exc:
        notices.say(plain(exc), ":material/info:")


def follow_run(run_id: str) -> None:
    """Show a run step by step with a button to cancel it; the page runs again when it ends."""

    @st.fragment(run_every=REFRESH_SECONDS)
    def follow() -> None:
        status = run_status(workspace(), run_id)
        if status.state != "running":
            st.rerun()
        left = f"about {duration_phrase(status.seconds_left)} left" if status.seconds_left is not None else ""
        step = status.current_step
        st.progress(
            min(max(status.done, 0.0), 1.0), text=" · ".join(part for part in (step.name if step else "", left) if part)
        )
        st.html(steps_html(status))
        st.button("Cancel", key=f"cancel_{run_id}", icon=":material/close:", on_click=_cancel, args=(run_id,))

    follow()


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
        detail = html.escape(step.message) if step.state in ("running", "failed") else ""
        rows.append(
            f'<li class="{step.state}"><span class="lt-mark">{_MARKS[step.state]}</span><span>{html.escape(step.name)}'
            f"<small>{percent}{' · ' if percent and detail else ''}{detail}</small></span></li>"
        )
    return f'<ol class="lt-steps">{"".join(rows)}</ol>'


def _cancel(run_id: str) -> None:
    try:
        cancel_run(workspace(), run_id)
    except JobError as exc:
        notices.say(plain(exc), ":material/error:")
