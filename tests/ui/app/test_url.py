from __future__ import annotations

import ast
import functools
import json

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest, local_script_runner

from tests.conftest import REPOSITORY


def sorted_page():
    import streamlit as st

    from ui.app.url import mirror, query, writer

    mirror("order", query("sort", "most"))
    write = writer("order", "sort", page=None)
    st.selectbox("Sort", ["most", "least", "title"], key="order", on_change=write, persist_state="session")
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


def test_a_browser_that_never_heard_what_the_address_asks_for_is_told_again(app: AppTest):
    app.query_params["sort"] = "least"
    app.run()
    app._run(WidgetStates())  # as from a browser in which the widget does not stand
    assert app.selectbox[0].proto.set_value
    assert app.selectbox[0].proto.raw_value == "least"


def test_going_back_twice_at_once_leads_back_twice(app: AppTest, monkeypatch: pytest.MonkeyPatch):
    app.query_params["sort"] = "title"
    app.run()
    shown = app._tree.get_widget_states()  # the browser never hears of the address between
    history = functools.partial(local_script_runner.RerunData, is_history_navigation=True)
    monkeypatch.setattr(local_script_runner, "RerunData", history)
    app.query_params["sort"] = "least"
    app.run()
    app.query_params.clear()
    app._run(shown)
    assert address(app) == {}
    assert app.selectbox[0].value == "most"


def test_every_widget_that_writes_the_address_is_sent_again_to_a_browser_that_missed_it():
    careless, seen = [], 0
    for path in sorted([*(REPOSITORY / "ui").rglob("*.py"), *(REPOSITORY / "pages").glob("*.py")]):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call) or not ast.unparse(call.func).startswith("st."):
                continue
            named = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            if named.get("on_change", "").startswith("writ"):
                seen += 1
                if named.get("persist_state") != "'session'":
                    careless.append(f"{path.name}:{call.lineno}")
    assert seen > 10
    assert careless == []
