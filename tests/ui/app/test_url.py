from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest


def sorted_page():
    import streamlit as st

    from ui.app.url import mirror, query, writer

    mirror("order", query("sort", "most"))
    write = writer("order", "sort", page=None)
    st.selectbox("Sort", ["most", "least"], key="order", on_change=write)
    st.button("As if it had changed", on_click=write)
    st.json(st.query_params.to_dict())


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(sorted_page, default_timeout=20).run()


def address(app: AppTest) -> dict[str, str]:
    return json.loads(app.json[0].value)


def test_a_changed_widget_writes_itself_into_the_address(app: AppTest):
    app.query_params["page"] = "3"
    app.selectbox[0].select("least").run()
    assert address(app) == {"sort": "least"}
    app.selectbox[0].select("most").run()
    assert address(app) == {"sort": "most"}


def test_a_widget_shows_what_the_address_asks_for(app: AppTest):
    app.query_params["sort"] = "least"
    app.run()
    assert app.selectbox[0].value == "least"


def test_a_widget_that_nobody_touched_leaves_the_address_alone(app: AppTest):
    app.query_params["page"] = "3"
    app.button[0].click().run()
    assert address(app) == {"page": "3"}
