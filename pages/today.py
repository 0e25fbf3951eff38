"""Today: how the catalogue is, what changed, and what to do first."""

from __future__ import annotations

import streamlit as st

from engine.access.roles import Action
from ui.app.navigation import link_to
from ui.app.person import allowed
from ui.app.resources import recommender, shop_words
from ui.runs.release_change import change_of, draw_change, is_being_worked_out
from ui.today.glance import draw_glance
from ui.today.health import concentration_sentence, draw_traffic, draw_trust
from ui.today.lines import Line, all_good, draft_line, in_order, not_worth_filling, release_line
from ui.today.placed import draw_placed
from ui.today.results import Results, results, waiting_drafts
from ui.today.sets import lines_of
from ui.today.todo import draw_lines, draw_skeleton
from ui.widgets.formatting import plain

__all__ = ["page"]

LOOK_AGAIN_SECONDS = 1.0
LINES_EXPECTED = 4


def page() -> None:
    """Three things at a glance, then what to do, and how the catalogue is; what is not worked out yet has its place."""
    st.title("Today", anchor=False)
    found, waiting = results(), len(waiting_drafts())
    lines = _lines(found, waiting)
    draw_glance(found, lines)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _todo(found, lines, waiting)
    with right:
        _health(found)
    if not _is_whole(found):
        _look_again()


def _is_whole(found: Results) -> bool:
    return found.done and not is_being_worked_out(recommender().release_id)


def _lines(found: Results, waiting: int) -> list[Line]:
    """What is known of what there is to do. Nothing before what people said is known: it stands first, and what is on screen stays where it is."""
    if found.judged is None and not found.done:
        return []
    facade = recommender()
    judged = release_line(change_of(facade.release_id), facade.manifest.label)
    return in_order([*judged, *draft_line(waiting), *(one for one in lines_of(found) if _is_mine(one.name))])


def _todo(found: Results, lines: list[Line], waiting: int) -> None:
    st.subheader("What to do", anchor=False)
    with st.container(key="todo_lines"):
        draw_lines(lines)
        if not found.done:  # in the place of the next line, which then pushes nothing down
            draw_skeleton(LINES_EXPECTED - min(len(lines), LINES_EXPECTED - 1), again=found.catalogue is not None)
    draw_placed()
    if not found.done:
        return
    for quiet in (all_good(found.catalogue, found.judged, waiting), not_worth_filling(found.catalogue)):
        if quiet:
            st.caption(plain(quiet))


def _health(found: Results) -> None:
    word = shop_words().interaction_word
    st.subheader("Lists you can trust", anchor=False)
    if found.judged is None:
        _missing(found, 5)
    else:
        draw_trust(found.judged.trust, samples=found.judged.samples)
        if found.judged.judgements:
            link_to("irrelevance", "What people judged", ":material/show_chart:")
        else:
            link_to("review", "Judge some lists", ":material/checklist:")
    if found.catalogue is None:
        st.subheader(f"Where the {plain(word)} are", anchor=False)
        _missing(found, 2)
    else:
        n_items = len(recommender().items)
        st.subheader(plain(concentration_sentence(found.catalogue.carrying, n_items, word)), anchor=False)
        draw_traffic(found.catalogue.groups, word)
    draw_change(recommender().release_id)


def _missing(found: Results, lines: int) -> None:
    """Room for what is still worked out; where that failed, a sentence."""
    if found.done:
        st.caption("This could not be worked out. The log says why; an administrator can read it.")
    else:
        draw_skeleton(lines)


def _is_mine(name: str) -> bool:
    """Whether a line is for whoever looks: how people disagree is for those who may see raters."""
    return name != "disputed" or allowed(Action.SEE_RATERS)


@st.fragment(run_every=LOOK_AGAIN_SECONDS)
def _look_again() -> None:
    """Run the page again once everything is worked out."""
    if _is_whole(results()):
        st.rerun()
