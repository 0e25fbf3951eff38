from __future__ import annotations

import numpy as np
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


def test_the_long_tail_share_of_each_list_is_said(tiny):
    groups = {group["name"]: group for group in card_data(open_page(shopper="s2-05"))["groups"]}
    for arm in ("als", "hybrid"):
        levels = [card["level"] for card in groups[arm]["cards"]]
        share = np.mean([level in ("tail", "none") for level in levels])
        assert groups[arm]["detail"] == f"{share:.0%} long tail"
    assert "%" not in groups["history"]["detail"]


def test_another_shopper_changes_the_address(tiny):
    app = open_page()
    app.button[0].click().run()
    assert not app.exception
    assert Recommender.open(tiny.workspace).has_shopper(app.query_params["shopper"])
    assert app.selectbox(key="shopper").value == app.query_params["shopper"]


def test_an_unknown_shopper_is_said_to_be_unknown(tiny):
    app = open_page(shopper="nobody")
    assert "'nobody'" in app.warning[0].value
