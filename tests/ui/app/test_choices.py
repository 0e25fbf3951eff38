"""Menus and switches: what the address asks for is what is chosen, and a choice is written into it."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest


def choosing_page():
    import streamlit as st

    from ui.app.choices import menu, switch

    size = menu("Size", "size", {"s": "Small", "l": "Large"}, key="size_menu", default="s", width=200)
    view = switch("View", "view", {"": "Cards", "table": "Table"}, key="view_switch", page=None)
    st.text(f"{size} {view or 'cards'}")
    st.json(st.query_params.to_dict())


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(choosing_page, default_timeout=20)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("query", "chosen"),
    [({}, "s cards"), ({"size": "l", "view": "table"}, "l table"), ({"size": "huge", "view": "film"}, "s cards")],
)
def test_the_address_says_what_is_chosen_and_nonsense_in_it_is_the_default(query, chosen):
    assert opened(**query).text[0].value == chosen


def test_people_read_names_where_the_address_holds_keys():
    app = opened(size="l")
    assert app.selectbox[0].options == ["Small", "Large"]
    assert app.selectbox[0].value == "l"


def test_a_choice_is_written_into_the_address_with_what_goes_with_it():
    app = opened(view="table", page="3")
    app.selectbox[0].select("l").run()
    assert json.loads(app.json[0].value) == {"view": "table", "page": "3", "size": "l"}
    app.button_group[0].set_value("").run()
    assert json.loads(app.json[0].value) == {"size": "l"}
    assert app.text[0].value == "l cards"
