"""What to know before loading: questions that only a person can answer, and warnings with what mends them."""

from __future__ import annotations

import streamlit as st

from engine.ingest.preview import Fix, LoadWarning, Question
from ui.runs.field_names import FIELD_NAMES, lower
from ui.runs.load_columns import Choices, choose
from ui.widgets.formatting import plain

__all__ = ["ask", "draw_warnings"]


def ask(questions: tuple[Question, ...], answers: dict[str, str]) -> None:
    """A radio for every question; the answers are kept in `answers`, under the questions' keys."""
    for question in questions:
        key = f"load_answer_{question.key}"
        given = list(question.answers)
        st.radio(
            plain(question.asks),
            given,
            index=given.index(answers[question.key]) if answers.get(question.key) in given else None,
            format_func=lambda value, words=question.answers: plain(words[value]),
            key=key,
            on_change=_answered,
            args=(answers, question.key, key),
        )


def draw_warnings(warnings: tuple[LoadWarning, ...], choices: Choices) -> None:
    """Each with a button for every correction that may mend it."""
    for position, warning in enumerate(warnings):
        with st.container(key=f"load_warning_{position}", gap="xsmall"):
            st.warning(plain(warning.message), icon=":material/warning:")
            if warning.fixes:
                with st.container(horizontal=True):
                    for fix in warning.fixes:
                        _draw_fix(fix, choices)


def _draw_fix(fix: Fix, choices: Choices) -> None:
    st.button(
        f"Use {plain(fix.column)} as the {lower(FIELD_NAMES[fix.field])}",
        key=f"load_fix_{fix.role}_{fix.column}_{fix.field}",
        on_click=choose,
        args=(choices, fix.role, fix.column, f"field:{fix.field}"),
    )


def _answered(answers: dict[str, str], name: str, key: str) -> None:
    """Callback."""
    answers[name] = st.session_state[key]
