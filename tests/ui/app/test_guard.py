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
    assert any(getattr(record, "error", "") == reference[1] and record.exc_info for record in caplog.records)


def fails_in_a_callback(error: str):
    from engine.core.errors import StoreError
    from ui.app.guard import show_script_error

    kinds = {"ours": StoreError("The database is busy.", "host db"), "other": ZeroDivisionError("secret detail")}
    assert show_script_error(kinds[error])


def test_what_fails_outside_a_page_is_said_like_what_fails_in_it(caplog):
    ours = AppTest.from_function(fails_in_a_callback, args=("ours",)).run().error[0].value
    other = AppTest.from_function(fails_in_a_callback, args=("other",)).run().error[0].value
    numbers = [record.error for record in caplog.records if hasattr(record, "error")]
    assert ours == f"The database is busy. (error {numbers[0]})"
    assert other.endswith(f"under error {numbers[1]}.")
    assert "host db" in caplog.text
    assert "secret detail" in caplog.text
