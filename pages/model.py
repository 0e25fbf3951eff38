"""Model: what is live, how good it is, what training did, and training again."""

from __future__ import annotations

import streamlit as st

from engine.access.roles import Action
from engine.jobs import active_run, list_runs
from ui.app import resources
from ui.app.person import only
from ui.runs.releases import draw_releases, flags_since
from ui.runs.run_view import follow_run, runs_table, start
from ui.widgets.choices import draw_choices
from ui.widgets.formatting import visible_cells
from ui.widgets.quality import draw_quality
from ui.widgets.training_history import draw_shares, draw_training_history

__all__ = ["page"]


def page() -> None:
    """Live release, its quality, its training, all releases and runs."""
    st.title("Model")
    _training()
    if resources.has_release():
        _live()
    draw_releases()
    if runs := list_runs(resources.workspace()):
        st.subheader("Runs")
        st.dataframe(visible_cells(runs_table(runs)), hide_index=True, width="stretch")


def _training() -> None:
    """The run at work, or the button that starts one."""
    run_id = active_run(resources.workspace())
    if run_id is not None:
        with st.container(border=True):
            follow_run(run_id)
    elif resources.has_shop():
        verb = "Train again" if resources.has_release() else "Train"
        st.button(
            verb, type="primary", icon=":material/refresh:", on_click=start, args=("train",), **only(Action.TRAIN)
        )
        st.caption("You can keep working while training runs. The shop changes only when the new release is published.")
    else:
        st.info("There is no shop yet. Load one on the Data page.", icon=":material/info:")


def _live() -> None:
    """How good the live release is, and how it came to be."""
    release, word = resources.recommender(), resources.shop().interaction_word
    draw_quality(release.metrics, word)
    draw_shares(release.training, word)
    draw_choices(release.plan, release.metrics, word)
    draw_training_history(release.training, release.plan, release.manifest, flags_since(release.release_id))
