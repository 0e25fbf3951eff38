from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.access.acting import Actor, acting
from engine.access.roles import Role
from engine.catalogue.product import Product
from engine.core.settings import load_settings
from engine.core.workspace import Workspace
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.serving.served_shop import ServedShop
from engine.store import Database
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


def test_a_product_and_an_approved_draft_lead_to_their_comparison(tiny):
    build_tiny_release(tiny.workspace)
    with acting(Actor("Ada", Role.MERCHANDISER, "command")):
        store = DraftStore(Database(tiny.workspace.database_url), tiny.workspace)
        new = NewDraft(Product(title="A <b>new</b> navy dress", brand="House 1", attributes={"colour": "navy"}))
        (draft,) = store.save([new], "Ada", lambda _: False, approve=True)
        ServedShop.open(tiny.workspace, load_settings(tiny.workspace.root)).prepare_drafts([draft])
    item = tiny.with_clicks(1)
    links = {one.proto.label: one.proto for one in healthy(open_shell("similar_items", item=item)).get("page_link")}
    assert {"Compare with behaviour", "Compare with release 1"} <= set(links)
    assert "before=r0001.hybrid" in links["Compare with release 1"].query_string
    app = healthy(open_shell("compare", item=draft))
    before, after = card_data(app)["groups"]
    assert (before["cards"], before["empty"]) == ([], "This product was not there.")
    assert len(after["cards"]) == 10
    assert "A &lt;b&gt;new&lt;/b&gt; navy dress" in written_html(app)


@pytest.mark.parametrize("address", [{"before": "r9999.als"}, {"after": "x"}, {"item": "nobody"}])
def test_addresses_that_mean_nothing_are_taken_calmly(tiny, address):
    healthy(open_shell("compare", **address))


def test_a_release_can_be_looked_at_before_it_is_published(tiny):
    build_tiny_release(tiny.workspace, publish_it=False)
    app = healthy(open_shell("model"))
    healthy(app.button(key="compare_r0002").click().run())
    assert app.query_params == {"before": "r0001.hybrid", "after": "r0002.hybrid"}
    assert any("No list differs" in one.value for one in app.subheader)
