"""Model: what is live, how good it is, what training did, and training again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from engine.access.roles import Action
from engine.jobs import active_run, list_runs
from ui.app import resources
from ui.app.navigation import link_to
from ui.app.notices import say
from ui.app.palette_actions import ASKED
from ui.app.person import allowed, only
from ui.app.second_thoughts import Question, ask
from ui.app.url import query, set_query
from ui.runs.release_change import draw_change
from ui.runs.releases import ask_to_publish, ask_to_roll_back, draw_releases, flags_since
from ui.runs.run_view import follow_run, runs_table, start
from ui.widgets.choices import draw_choices
from ui.widgets.formatting import visible_cells
from ui.widgets.quality import draw_quality
from ui.widgets.training_history import draw_shares, draw_training_history

__all__ = ["page"]


def page() -> None:
    """Live release, its quality, its training, all releases and runs."""
    st.title("Model")
    _ask_what_is_wanted()
    _training()
    if resources.has_release():
        _live()
    draw_releases()
    if runs := list_runs(resources.workspace()):
        st.subheader("Runs")
        st.dataframe(visible_cells(runs_table(runs)), hide_index=True, width="stretch")


def _ask_what_is_wanted() -> None:
    """Ask what the address says somebody wants, once: publishing, going back, training."""
    wanted = query(ASKED)
    if not wanted:
        return
    set_query(**{ASKED: None})
    needs, ask_about = _QUESTIONS.get(wanted, (Action.BROWSE, lambda: None))
    if allowed(needs):
        ask_about()
    st.rerun()


def _ask_to_train() -> None:
    if active_run(resources.workspace()) is not None:
        say("A run is at work already", ":material/info:")
    elif resources.has_shop():
        says = [
            "You can keep working while it runs. The shop changes only when the new release is published, which "
            "happens at the end unless its lists are worse than those that are live.",
        ]
        ask(Question("Train again?", says, "Train", partial(start, "train")))


_QUESTIONS: dict[str, tuple[Action, Callable[[], None]]] = {
    "train": (Action.TRAIN, _ask_to_train),
    "publish": (Action.PUBLISH, ask_to_publish),
    "roll_back": (Action.PUBLISH, ask_to_roll_back),
}


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
        link_to("data", "Load your shop", ":material/upload:")


def _live() -> None:
    """How good the live release is, and how it came to be."""
    release, word = resources.recommender(), resources.shop().interaction_word
    draw_change(release.release_id)
    draw_quality(release.metrics, word)
    draw_shares(release.training, word)
    draw_choices(release.plan, release.metrics, word)
    draw_training_history(release.training, release.plan, release.manifest, flags_since(release.release_id))
