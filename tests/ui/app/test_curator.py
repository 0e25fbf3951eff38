from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from ui.app.curator import MAX_LENGTH, clean_name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("Ada\nLovelace\x00", "Ada Lovelace"),
        ("Zoë", "Zoë"),
        ("…", ""),
        ("", ""),
        ("x" * 100, "x" * MAX_LENGTH),
        ("\ud800Ada\u202e", "Ada"),
    ],
)
def test_names_are_one_clean_line(given, kept):
    assert clean_name(given) == kept


def asks_for_a_name():
    import streamlit as st

    from ui.app.curator import given_name, keep_cookie, name_form

    name_form("who", button="Save")
    st.text(f"name: {given_name()}")
    keep_cookie()


def test_a_name_is_taken_once_and_kept_in_the_session():
    app = AppTest.from_function(asks_for_a_name).run()
    assert app.text[0].value == "name: None"
    app.text_input[0].set_value(" Ada ")
    app.button[0].click().run()
    assert app.text[0].value == "name: Ada"
    app.run()
    assert app.text[0].value == "name: Ada"
    assert not app.exception


def test_an_unusable_name_is_refused_with_a_reason():
    app = AppTest.from_function(asks_for_a_name).run()
    app.text_input[0].set_value("!!")
    app.button[0].click().run()
    assert "letter or number" in app.error[0].value
    assert app.text[0].value == "name: None"
