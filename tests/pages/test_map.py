"""The Map page on a shop whose neighbours are known."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from engine.workspace import Workspace
from tests.support.tiny_release import build_tiny_release


def run_map() -> AppTest:
    def script() -> None:
        from pages.map import page

        page()

    return AppTest.from_function(script, default_timeout=60)


@pytest.fixture
def tiny(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    return build_tiny_release(workspace)


def charts(app: AppTest) -> list[dict]:
    return [json.loads(element.proto.spec) for element in app.get("vega_lite_chart")]


def test_both_panels_are_drawn_and_behaviour_says_how_many_products_it_misses(tiny):
    app = run_map().run()
    assert not app.exception
    behaviour, hybrid = charts(app)
    missing = sum(count == 0 for count in tiny.counts.values())
    assert f"{missing} products without clicks missing" in json.dumps(behaviour["title"])
    assert "every product has its place" in json.dumps(hybrid["title"])


def test_the_product_in_the_address_is_the_one_that_is_ringed(tiny):
    app = run_map()
    app.query_params["near"] = "f1-00"
    app.run()
    assert not app.exception
    assert app.selectbox(key="map_near").value == "f1-00"


def test_a_product_that_is_not_there_is_no_error(tiny):
    app = run_map()
    app.query_params["near"] = "gone"
    app.run()
    assert not app.exception
    assert app.selectbox(key="map_near").value is None
