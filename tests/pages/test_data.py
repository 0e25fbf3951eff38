"""The Data page: what is loaded, and loading one's own files."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.workspace import Workspace
from engine.jobs import list_runs
from tests.support.tiny_release import build_tiny_release


def run_data() -> AppTest:
    def script() -> None:
        from pages.data import page

        page()

    return AppTest.from_function(script, default_timeout=60)


@pytest.fixture
def here(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    return workspace


def upload_events(app: AppTest, text: str) -> AppTest:
    app.file_uploader(key="load_interactions").set_value(("orders.csv", text.encode(), "text/csv"))
    return app.run()


def test_an_empty_workspace_offers_to_load_a_shop(here):
    app = run_data().run()
    assert not app.exception
    assert [heading.value for heading in app.subheader] == ["Load your shop"]


def test_what_is_loaded_is_counted(here):
    tiny = build_tiny_release(here)
    app = run_data().run()
    assert not app.exception
    assert app.metric[0].value == f"{len(tiny.counts):,}"


def test_columns_are_guessed_and_nothing_starts_before_the_button_is_pressed(here):
    app = upload_events(run_data().run(), "customer_id,sku,qty\nann,A,1\nbob,A,2\n")
    assert not app.exception
    assert app.selectbox(key="load_interactions_user_id_orders.csv").value == "customer_id"
    assert app.selectbox(key="load_interactions_item_id_orders.csv").value == "sku"
    assert list_runs(here) == []


def test_a_file_without_a_shopper_column_asks_for_it(here):
    app = upload_events(run_data().run(), "colour,sku\nred,A\nblue,B\n")
    assert not app.exception
    assert any("which column holds the shopper ID" in warning.value for warning in app.warning)
    assert app.button[0].disabled


def test_a_file_that_is_not_what_its_name_says_is_named(here):
    app = upload_events(run_data().run(), "PK\x03\x04" + "\x00" * 40)
    assert not app.exception
    assert any("orders.csv" in error.value for error in app.error)
