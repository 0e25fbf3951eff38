"""Second thoughts: a question before what cannot be taken back, an Undo after what can.

    ask(Question("Publish release 3?", ["214 of 2,000 products get another list."], "Publish", act))     # in a callback or a run
    offer_undo("“Spring coats” is removed", lambda: sets().restore(set_id))

Both wait in the session for `show`, which the shell calls on every run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from engine.core.errors import LongtailError
from ui.app.notices import say
from ui.widgets.formatting import plain

__all__ = ["Question", "ask", "offer_undo", "show"]

UNDO_SECONDS = 60.0
_QUESTION, _UNDO = "question_asked", "undo_offered"


@dataclass(frozen=True)
class Question:
    """What is asked before something is done.

    Attributes
    ----------
    title : the question. says : what will change, a sentence each, or what works that out while somebody waits.
    verb : on the button that does it. act : does it; what it raises of `LongtailError` is shown.
    """

    title: str
    says: Sequence[str] | Callable[[], Sequence[str]]
    verb: str
    act: Callable[[], object]


@dataclass(frozen=True)
class _Offer:
    words: str
    undo: Callable[[], object]
    until: float


def ask(question: Question) -> None:
    """Ask when the page runs next."""
    st.session_state[_QUESTION] = question


def offer_undo(words: str, undo: Callable[[], object]) -> None:
    """Say what was done, with an Undo, for a minute; a newer offer takes its place.

    Parameters
    ----------
    undo : what it raises of `LongtailError` is shown.
    """
    st.session_state[_UNDO] = _Offer(words, undo, time.monotonic() + UNDO_SECONDS)


def show() -> None:
    """Ask what waits to be asked, and offer what can be undone."""
    question: Question | None = st.session_state.get(_QUESTION)
    if question is not None:
        st.dialog(plain(question.title), on_dismiss=_never_mind)(_ask)(question)
    offer: _Offer | None = st.session_state.get(_UNDO)
    if offer is None:
        return
    if time.monotonic() > offer.until:
        del st.session_state[_UNDO]
        return
    with st.container(key="undo_bar", horizontal=True, vertical_alignment="center"):
        st.markdown(plain(offer.words), width="content")
        st.button("Undo", key="undo_it", type="tertiary", icon=":material/undo:", on_click=_undo)
        st.button("Close", key="undo_close", type="tertiary", icon=":material/close:", on_click=_close)


def _ask(question: Question) -> None:
    says = question.says
    if callable(says):
        with st.spinner("Working out what changes…", show_time=True):
            says = says()
    for sentence in says:
        st.write(plain(sentence))
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel", key="question_no"):
            _never_mind()
            st.rerun()
        if st.button(plain(question.verb), key="question_yes", type="primary"):
            try:
                question.act()
            except LongtailError as exc:
                st.error(plain(exc), icon=":material/error:")
            else:
                _never_mind()
                st.rerun()


def _never_mind() -> None:
    """Callback: the question is answered, or was closed."""
    st.session_state.pop(_QUESTION, None)


def _undo() -> None:
    """Callback: take back what was done last."""
    offer: _Offer | None = st.session_state.pop(_UNDO, None)
    if offer is None:
        return
    try:
        offer.undo()
    except LongtailError as exc:
        say(plain(exc), ":material/error:")
    else:
        say("Taken back", ":material/undo:")


def _close() -> None:
    """Callback: no more offer."""
    st.session_state.pop(_UNDO, None)
