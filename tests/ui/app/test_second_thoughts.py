from __future__ import annotations

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from engine.core.errors import InputError
from ui.app import notices, second_thoughts
from ui.app.second_thoughts import Question, ask, offer_undo

DONE = st.session_state.setdefault("done", [])

def fails():
    raise InputError("it is *gone*")

notices.show()
second_thoughts.show()
question = Question("Really?", lambda: ["*2* lists change."], "Do it", lambda: DONE.append("asked"))
st.button("ask", key="ask", on_click=ask, args=(question,))
st.button("ask in vain", key="vain", on_click=ask, args=(Question("Really?", [], "Do it", fails),))
st.button("act", key="act", on_click=offer_undo, args=("<b>Done</b>", lambda: DONE.append("undone")))
st.button("act once", key="once", on_click=offer_undo, args=("Done", fails))
"""


def opened() -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=30).run()
    assert not app.exception
    return app


def said(app: AppTest) -> list[str]:
    return [one.value for one in app.markdown]


def keys(app: AppTest) -> set[str]:
    return {one.key for one in app.button}


def test_nothing_is_asked_or_offered_unasked():
    assert keys(opened()) == {"ask", "vain", "act", "once"}


def test_a_question_says_what_changes_and_acts_on_yes_alone():
    app = opened()
    app.button(key="ask").click().run()
    assert app.session_state["done"] == []
    assert "\\*2\\* lists change." in said(app)
    app.button(key="question_no").click().run()
    assert "question_yes" not in keys(app)
    assert app.session_state["done"] == []
    app.button(key="ask").click().run()
    app.button(key="question_yes").click().run()
    assert app.session_state["done"] == ["asked"]
    assert "question_yes" not in keys(app)


def test_what_cannot_be_done_is_said_in_the_question():
    app = opened()
    app.button(key="vain").click().run()
    app.button(key="question_yes").click().run()
    assert not app.exception
    assert "gone" in app.error[0].value


def test_what_was_done_is_undone_once():
    app = opened()
    app.button(key="act").click().run()
    assert any("Done" in one and "<b>" not in one for one in said(app))  # a stranger's text stays text
    app.button(key="undo_it").click().run()
    assert app.session_state["done"] == ["undone"]
    assert "undo_it" not in keys(app)
    assert app.toast[0].value == "Taken back"


def test_an_undo_that_fails_says_why():
    app = opened()
    app.button(key="once").click().run()
    app.button(key="undo_it").click().run()
    assert not app.exception
    assert "gone" in app.toast[0].value


def test_an_offer_is_closed_and_ends_after_a_minute(monkeypatch):
    app = opened()
    app.button(key="act").click().run()
    app.button(key="undo_close").click().run()
    assert "undo_it" not in keys(app)
    monkeypatch.setattr("ui.app.second_thoughts.UNDO_SECONDS", -1.0)
    app.button(key="act").click().run()
    assert "undo_it" not in keys(app)
    assert app.session_state["done"] == []
