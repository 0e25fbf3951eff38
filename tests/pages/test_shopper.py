from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.recommend.recommender import Recommender
from tests.support.dashboard import card_data, shown_ids
from tests.support.tiny_release import TinyRelease, build_tiny_release


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> TinyRelease:
    from engine.core.workspace import Workspace

    return build_tiny_release(Workspace(tmp_path_factory.mktemp("tiny") / "workspace"))


@pytest.fixture
def tiny(built: TinyRelease, monkeypatch) -> TinyRelease:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    return built


def shopper_page():
    from pages.shopper import page

    page()


def open_page(**query: str) -> AppTest:
    app = AppTest.from_function(shopper_page, default_timeout=30)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def test_a_shopper_shows_what_was_liked_and_two_recommendations(tiny):
    app = open_page(shopper="s2-05")
    facade = Recommender.open(tiny.workspace)
    assert shown_ids(app, "history") == facade.history("s2-05")
    for arm in ("als", "hybrid"):
        assert shown_ids(app, arm) == [found.item_id for found in facade.ranked_by_shopper("s2-05", arm, 10)]
        assert not set(shown_ids(app, arm)) & set(facade.history("s2-05"))


def test_how_much_of_each_list_is_long_tail_is_said(tiny):
    groups = {group["name"]: group for group in card_data(open_page(shopper="s2-05"))["groups"]}
    for name in ("als", "hybrid", "history"):
        levels = [card["level"] for card in groups[name]["cards"]]
        quiet = sum(level in ("tail", "none") for level in levels)
        assert groups[name]["detail"].startswith(f"{quiet or 'none'} of {len(levels)} from the long tail")


def test_what_only_longtail_would_show_is_counted(tiny):
    groups = {group["name"]: group for group in card_data(open_page(shopper="s2-05"))["groups"]}
    shown = {name: {card["item_id"] for card in groups[name]["cards"]} for name in ("als", "hybrid")}
    own = len(shown["hybrid"] - shown["als"])
    assert own
    assert groups["hybrid"]["detail"].endswith(f"{own} that Behaviour would not show")
    assert "would not show" not in groups["als"]["detail"]


def test_the_slider_moves_the_lists_and_the_address_keeps_it(tiny):
    app = open_page(shopper="s2-05")
    slider = app.select_slider(key="favour")
    assert slider.value == "2"  # what the release serves
    slider.set_value("6").run()
    assert app.query_params["favour"] == "6"
    facade = Recommender.open(tiny.workspace)
    assert shown_ids(app, "hybrid") == [
        one.item_id for one in facade.ranked_by_shopper("s2-05", "hybrid", 10, favour=6.0)
    ]
    assert "25.0% of the accuracy is given up" in app.caption[0].value


def test_another_shopper_changes_the_address(tiny):
    app = open_page()
    app.button[0].click().run()
    assert not app.exception
    assert Recommender.open(tiny.workspace).has_shopper(app.query_params["shopper"])
    assert app.selectbox(key="shopper").value == app.query_params["shopper"]


def test_an_unknown_shopper_is_said_to_be_unknown(tiny):
    app = open_page(shopper="nobody")
    assert "'nobody'" in app.warning[0].value
