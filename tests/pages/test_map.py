"""The Map page on a shop whose neighbours are known."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from tests.support.tiny_release import build_tiny_release
from ui.widgets.map import inside


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
    assert f"({missing} products with no clicks not shown)" in json.dumps(behaviour["title"])
    assert "(every product shown)" in json.dumps(hybrid["title"])


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


def test_an_area_holds_what_lies_in_it_however_it_was_dragged(tiny):
    maps = Recommender.open(tiny.workspace).maps
    x, y = maps["hybrid_x"], maps["hybrid_y"]
    middle, half = (x.median(), y.median()), (x.max() + 1, y.max() + 1)
    chosen = inside(maps, {"hybrid_x": [half[0], middle[0]], "hybrid_y": [middle[1], half[1]]})
    assert chosen == maps.loc[(x >= middle[0]) & (y >= middle[1]), "item_id"].tolist()
    assert chosen
    # What behaviour does not place lies in no area of its panel; half an area is none.
    everything = inside(maps, {"als_x": [-1e9, 1e9], "als_y": [-1e9, 1e9]})
    assert len(everything) == int(maps["als_x"].notna().sum()) < len(maps)
    assert inside(maps, {"als_x": [0, 1]}) == inside(maps, {"other": [0, 1]}) == inside(maps, {}) == []


def test_both_panels_can_be_dragged_over(tiny):
    for chart in charts(run_map().run()):
        kinds = {one["name"]: one["select"]["type"] for one in chart["params"]}
        assert kinds == {"pick": "point", "area": "interval"}
