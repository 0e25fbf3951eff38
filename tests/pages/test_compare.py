from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.workspace import Workspace
from tests.support.dashboard import card_data, open_shell, shown_ids, written_html
from tests.support.tiny_release import TinyRelease, build_tiny_release


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> TinyRelease:
    built = build_tiny_release(Workspace(tmp_path / "workspace"))
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    return built


def healthy(app: AppTest) -> AppTest:
    assert not app.exception
    assert not app.error
    return app


def test_it_opens_with_what_improved_and_by_which_measure(tiny):
    app = healthy(open_shell("compare"))
    assert any("lists improved" in one.value for one in app.subheader)
    assert any("Measured by likeness of text, picture and details" in one.value for one in app.caption)


def test_a_product_shows_both_lists_with_what_moved(tiny):
    item = tiny.with_clicks(1)
    app = healthy(open_shell("compare", item=item))
    before, after = shown_ids(app, "before"), shown_ids(app, "after")
    groups = {group["name"]: group for group in card_data(app)["groups"]}
    assert (groups["before"]["title"], groups["after"]["title"]) == ("Behaviour", "Longtail")
    notes = {card["item_id"]: card["note"] for card in groups["after"]["cards"]}
    assert {one for one, note in notes.items() if note == "New"} == set(after) - set(before)
    gone = {card["item_id"] for card in groups["before"]["cards"] if card["note"] == "Gone"}
    assert gone == set(before) - set(after)


def test_the_address_chooses_releases_also_one_that_is_not_published(tiny):
    build_tiny_release(tiny.workspace, publish_it=False)
    app = healthy(open_shell("compare", item=tiny.with_clicks(3), before="r0001.hybrid", after="r0002.hybrid"))
    groups = card_data(app)["groups"]
    assert [group["title"] for group in groups] == ["Release 1", "Release 2"]
    assert "in the same place" in written_html(app)


def test_two_equal_releases_say_that_nothing_differs(tiny):
    build_tiny_release(tiny.workspace, publish_it=False)
    app = healthy(open_shell("compare", before="r0001.hybrid", after="r0002.hybrid"))
    assert any("No list differs" in one.value for one in app.subheader)


@pytest.mark.parametrize("address", [{"before": "r9999.als"}, {"after": "x"}, {"item": "nobody"}])
def test_addresses_that_mean_nothing_are_taken_calmly(tiny, address):
    healthy(open_shell("compare", **address))


def test_a_release_can_be_looked_at_before_it_is_published(tiny):
    build_tiny_release(tiny.workspace, publish_it=False)
    app = healthy(open_shell("model"))
    healthy(app.button(key="compare_r0002").click().run())
    assert app.query_params == {"before": "r0001.hybrid", "after": "r0002.hybrid"}
    assert any("No list differs" in one.value for one in app.subheader)
