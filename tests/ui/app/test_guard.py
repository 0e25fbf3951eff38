from __future__ import annotations

import re

from streamlit.testing.v1 import AppTest


def raises(error: str):
    import streamlit as st

    from engine.core.errors import NotFoundError
    from ui.app.guard import guarded

    with guarded("a page"):
        st.text("before")
        raise NotFoundError("There is no shopper 'u9'.") if error == "ours" else ZeroDivisionError("secret detail")
    st.text("after")


def test_our_own_errors_are_shown_as_the_sentences_they_are():
    app = AppTest.from_function(raises, args=("ours",)).run()
    assert [error.value for error in app.error] == ["There is no shopper 'u9'."]
    assert [text.value for text in app.text] == ["before", "after"]


def test_any_other_error_is_an_id_on_the_page_and_a_trace_in_the_log(caplog):
    app = AppTest.from_function(raises, args=("other",)).run()
    assert not app.exception
    reference = re.search(r"under error ([0-9a-f]{8})", app.error[0].value)
    assert reference is not None
    assert "secret" not in app.error[0].value
    assert any(reference[1] in record.message and record.exc_info for record in caplog.records)
