from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.workspace import Workspace
from engine.edits.sets.store import SetStore
from engine.store import Database
from tests.support.dashboard import open_shell, shown_ids
from tests.support.tiny_release import TinyRelease, build_tiny_release
from ui.products.shown_sets import keep_chosen, shown_set


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> TinyRelease:
    built = build_tiny_release(Workspace(tmp_path / "workspace"))
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    return built


@pytest.fixture
def sets(tiny) -> SetStore:
    return SetStore(Database(tiny.workspace.database_url))


def button(app: AppTest, key: str):
    return app.button(key=key)


def healthy(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def test_without_sets_the_page_says_how_to_make_one(tiny):
    app = healthy(open_shell("sets"))
    assert "Add to set" in "".join(element.proto.body for element in app.get("html"))


def test_a_set_shows_its_products_and_says_what_is_gone(tiny, sets):
    made = sets.save("Spring", ["f1-02", "gone", "f2-03"], by="Ada", note="found by navy")
    app = healthy(open_shell("sets"))
    assert shown_ids(app) == ["f1-02", "f2-03"]
    said = " ".join(one.value for one in app.caption)
    assert "3 products, 1 of them no longer in the shop" in said
    assert "by Ada · found by navy" in said
    opened = healthy(button(app, f"open_{made.id}").click().run())
    assert opened.query_params["show"] == f"set:{made.id}"


def test_a_removed_set_is_brought_back_by_undo(tiny, sets):
    made = sets.save("Spring", ["f1-02"], by=None)
    app = healthy(open_shell("sets"))
    healthy(button(app, f"remove_{made.id}").click().run())
    assert sets.all() == []
    assert "“Spring” is removed" in [one.value for one in app.markdown]
    healthy(button(app, "undo_it").click().run())
    assert [one.name for one in sets.all()] == ["Spring"]


def test_similar_items_shows_a_set_alone_in_its_order(tiny, sets):
    made = sets.save("Spring", ["f2-03", "f1-02", "gone"], by=None)
    app = healthy(open_shell(show=f"set:{made.id}"))
    assert shown_ids(app) == ["f2-03", "f1-02"]
    assert button(app, "chip_0").label == "Set: Spring"
    assert shown_ids(healthy(open_shell(show=f"set:{made.id}", q="navy"))) == ["f1-02"]
    healthy(button(app, "chip_0").click().run())
    assert "show" not in app.query_params
    assert len(shown_ids(app)) == 24


def test_a_set_that_is_gone_is_said_to_be(tiny):
    app = healthy(open_shell(show="set:nobody"))
    assert "not kept" in app.warning[0].value


def test_a_selection_is_kept_for_its_address(tiny):
    key = keep_chosen(["f1-02", "f1-03"], "an area of the map")
    found = shown_set(key)
    assert found is not None
    assert (found.title, list(found.item_ids)) == ("an area of the map", ["f1-02", "f1-03"])
    assert shown_ids(healthy(open_shell(show=key))) == ["f1-02", "f1-03"]
    assert shown_set("chosen:nobody") is shown_set("unknown:1") is shown_set("") is None


def test_what_was_found_is_saved_as_a_set(tiny, sets):
    app = healthy(open_shell(q="navy"))
    app.text_input(key="found_name").set_value("Navy")
    healthy(app.button(key="found_new").click().run())
    (made,) = sets.all()
    assert (made.name, len(made.item_ids)) == ("Navy", 10)
    assert "“navy”" in made.note
    app = healthy(open_shell(q="crimson"))
    app.selectbox(key="found_set").set_value(app.selectbox(key="found_set").options[0]).run()
    healthy(app.button(key="found_add").click().run())
    assert len(sets.get(made.id).item_ids) > 10
