"""Status: whether everything is well, who is at work, what was trained, and what went wrong lately."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from engine.access.acting import require
from engine.access.roles import Action
from engine.core.errors import LongtailError
from engine.curation.activity import activity
from engine.health.checks import Check, Outcome, check_all
from engine.health.recent_errors import recent_errors
from engine.jobs import latest_runs
from ui.app.operations.shop_figures import open_sessions
from ui.app.resources import database, workspace
from ui.runs.run_view import KINDS, STATES
from ui.widgets.formatting import day_phrase, duration_phrase, plain, plural, visible_cells

__all__ = ["page"]

KEPT_SECONDS = 15
RUNS = 10
ICONS = {
    Outcome.OK: ":material/check_circle:",
    Outcome.WARNING: ":material/warning:",
    Outcome.FAILED: ":material/error:",
}


def page() -> None:
    """Checks first, because they say what to do; then what goes on."""
    st.title("Status", anchor=False)
    require(Action.SEE_STATUS)
    checks = _checks(str(workspace().root))
    wrong = [one for one in checks if one.outcome is not Outcome.OK]
    if not wrong:
        st.success("All is well.", icon=":material/check_circle:")
    for one in wrong:
        say = st.error if one.outcome is Outcome.FAILED else st.warning
        say(f"**{plain(one.name)}.** {plain(one.sentence)}", icon=ICONS[one.outcome])
    _numbers()
    _draw_checks(checks)
    _draw_runs()
    _draw_errors()


@st.cache_data(show_spinner="Checking…", ttl=KEPT_SECONDS, max_entries=2)
def _checks(root: str) -> list[Check]:
    return list(check_all(workspace(), lambda url: database()))


def _numbers() -> None:
    with st.container(horizontal=True):
        st.metric("Open tabs", f"{open_sessions():,}")
        try:
            counts = activity(database(), time.time())
        except LongtailError:
            return
        st.metric("Judgements", f"{counts.judgements:,}")
        st.metric("Products left to judge", f"{counts.waiting:,}")
        st.metric("On somebody's screen", f"{counts.leases:,}")


def _draw_checks(checks: list[Check]) -> None:
    with st.expander(f"{plural(len(checks), 'check')}, made again every {KEPT_SECONDS} seconds", expanded=False):
        for one in checks:
            st.write(f"{ICONS[one.outcome]} **{plain(one.name)}.** {plain(one.sentence)}")


def _draw_runs() -> None:
    st.subheader("Trainings and loads", anchor=False)
    rows = [
        {
            "What": KINDS.get(run.kind, run.kind),
            "Began": day_phrase(run.started_at),
            "Took": duration_phrase((run.ended_at - run.started_at).total_seconds()) if run.ended_at else "",
            "State": STATES.get(run.state, run.state),
            "": run.message,
        }
        for run in latest_runs(workspace(), RUNS)
    ]
    if rows:
        st.dataframe(visible_cells(pd.DataFrame(rows)), hide_index=True, width="stretch")
    else:
        st.caption("Nothing was loaded or trained yet.")


def _draw_errors() -> None:
    st.subheader("Errors of the last day", anchor=False)
    try:
        errors = recent_errors(workspace())
    except OSError:
        st.caption("The log cannot be read.")
        return
    if not errors:
        st.caption("None that anybody was shown.")
        return
    st.caption("The log of the server has the details under these numbers.")
    rows = [
        {"When": day_phrase(one.at), "Number": one.number, "Who": one.actor, "Where": one.message} for one in errors
    ]
    st.dataframe(visible_cells(pd.DataFrame(rows)), hide_index=True, width="stretch")
