"""The tour: four steps for somebody's first visit, each on the page that it is about; it can be skipped, and taken again from the palette."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from engine.access.acting import Actor
from engine.access.marks import Marks
from engine.access.roles import Action
from engine.core.errors import StoreError
from ui.app.browser import marks_of
from ui.app.navigation import go_to
from ui.app.person import UNNAMED, signs_in
from ui.app.resources import database, has_release, settings
from ui.widgets.formatting import plain

__all__ = ["Step", "draw_tour", "steps_for", "take_tour"]

_ON, _LOOKED_UP = "tour_on", "tour_looked_up"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """What is said on one page, by its module; `to` ends "Next: ..." on the button that leads there."""

    module: str
    title: str
    text: str
    to: str


_TODAY = Step(
    "today", "Start here in the morning",
    "What is wrong with your similar items, what to do first, and what the last release changed.", "Today",
)  # fmt: skip
_SIMILAR = Step(
    "similar_items", "Look at any product",
    "Search, open one, and see what stands beside it: by behaviour alone, and by Longtail. “Why?” explains every neighbour.",
    "Similar items",
)  # fmt: skip
_REVIEW = Step(
    "review", "Say what does not belong",
    "Ten neighbours at a time: mark each that does not fit, by its number or with a click, then submit. This measures the lists, and the "
    "next training learns from it.", "Review",
)  # fmt: skip
_COMPARE = Step(
    "compare", "See what Longtail changes",
    "Any two sides beside each other: behaviour and Longtail, or two releases. The products that gained most come first.", "Compare",
)  # fmt: skip
_PUBLISH = Step(
    "model", "Train and publish",
    "“Train again” makes a new release in the background. It goes live unless its lists are worse, and “Roll back” brings the one "
    "before back.", "Model",
)  # fmt: skip
_MODEL = Step(
    "model", "How good it is", "Which release is live, how good its lists are, and what the last training did.", "Model"
)
_LAST = "That is all: “Go to…” above leads anywhere, and the bell says what happened."


def steps_for(actor: Actor) -> Sequence[Step]:
    """The four steps for what somebody may do."""
    judge = _REVIEW if actor.may(Action.JUDGE) else _COMPARE
    return (_TODAY, _SIMILAR, judge, _PUBLISH if actor.may(Action.PUBLISH) else _MODEL)


def take_tour() -> None:
    """Have it shown from now on, also to somebody who took it before."""
    st.session_state[_ON] = True


def draw_tour(actor: Actor, module: str) -> None:
    """Draw the step that is about the page that is open, on somebody's first visits until they took or skipped the tour."""
    steps = steps_for(actor)
    number = next((place for place, step in enumerate(steps) if step.module == module), None)
    if number is None or not has_release() or not _is_on(actor):
        return
    step, following = steps[number], steps[number + 1 : number + 2]
    with st.container(key="tour", gap="small"):
        st.markdown(f"**{plain(step.title)}**")
        st.caption(plain(step.text if following else f"{step.text} {_LAST}"))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{number + 1} of {len(steps)}", width="content")
            st.space("stretch")
            if following:
                st.button("Skip the tour", key="tour_skip", type="tertiary", on_click=_end, args=(actor.name,))
                if st.button(f"Next: {plain(following[0].to)}", key="tour_next", type="primary"):
                    go_to(following[0].module, {})
            else:
                st.button("Done", key="tour_done", type="primary", on_click=_end, args=(actor.name,))


def _is_on(actor: Actor) -> bool:
    """Looked up once in a session; a tour that cannot be looked up is not shown."""
    if st.session_state.get(_LOOKED_UP) != actor.name:
        st.session_state[_LOOKED_UP] = actor.name
        wanted = settings().serving.tour and not _was_shown(actor.name)
        st.session_state[_ON] = st.session_state.get(_ON, False) or wanted
    return bool(st.session_state[_ON])


def _was_shown(person: str) -> bool:
    """Whether somebody took it; where nobody signs in, also before they gave their name."""
    marks, names = Marks(database()), {person} if signs_in() else {marks_of(person), marks_of(UNNAMED)}
    try:
        known = [marks.of(name) for name in names]
    except StoreError as exc:
        logger.warning("the tour could not be looked up: %s (%s)", exc, exc.detail)
        return True
    return any(mark is not None and mark.toured for mark in known)


def _end(person: str) -> None:
    """Callback: no tour any more, in this session and, where that can be stored, in any."""
    st.session_state[_ON] = False
    try:
        Marks(database()).toured(marks_of(person))
    except StoreError as exc:
        logger.warning("that the tour was taken could not be noted: %s (%s)", exc, exc.detail)
