"""The page Today: what it says with and without judgements, and that its lines lead to their products."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.access.acting import Actor, acting
from engine.access.roles import Role
from engine.catalogue.product import Product
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.samples import store_sample_judgements
from engine.curation.votes import Source, Vote, judgement_in_release
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.edits.places.store import PlaceStore
from engine.recommend.recommender import Recommender
from engine.store import Database
from tests.support.dashboard import ROOT, open_shell, shown_ids, written_html
from tests.support.tiny_release import TinyRelease, build_tiny_release


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("tiny") / "workspace"), demo=True)


@pytest.fixture
def tiny(built: TinyRelease, tmp_path, monkeypatch):
    """One release for all tests, but a database of its own for each."""
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    monkeypatch.setenv("LONGTAIL_DATABASE_URL", f"sqlite:///{tmp_path}/longtail.db")
    st.cache_resource.clear()
    yield built
    st.cache_resource.clear()


@pytest.fixture
def store(tiny, tmp_path) -> JudgementStore:
    return JudgementStore(Database(f"sqlite:///{tmp_path}/longtail.db"))


def opened() -> AppTest:
    """The page once everything is worked out, as a browser shows it after the page has run again by itself."""
    app = open_shell("")
    for _ in range(50):
        assert not app.exception
        if 'class="lt-wait"' not in written_html(app):
            return app
        app.run()
    raise AssertionError("the page is never worked out")


def to_do(app: AppTest) -> list[str]:
    return re.findall(r"<h3>(.*?)<", written_html(app))


def test_a_shop_that_nobody_judged_is_told_so_and_has_things_to_do(tiny):
    app = opened()
    text = written_html(app)
    assert "from training" in text  # validation speaks where people have not
    assert "lists judged" not in text
    assert "Of perfect: not judged" in " ".join(one.value for one in app.caption)
    assert "1 product has no picture" in to_do(app)
    assert any("make 80% of the clicks" in one.value for one in app.subheader)


def test_judged_lists_are_said_to_be_judged(tiny, store):
    store_sample_judgements(store, Recommender.open(tiny.workspace), tiny.families, seed=0)
    text = written_html(opened())
    assert "lists judged" in text
    assert "sample judgements count too" in " ".join(one.value for one in opened().caption)


def test_a_list_of_which_people_ruled_out_much_comes_first_and_opens(tiny, store):
    release = Recommender.open(tiny.workspace)
    for neighbour in release.neighbours("f2-03", "hybrid", 10)[:4]:
        vote = Vote(client_id=str(uuid.uuid4()), neighbour_id=neighbour.item_id, verdict="irrelevant")
        store.add([judgement_in_release(vote, release, "f2-03", rater="Ada", source=Source.SIMILAR_ITEMS, k=10)])
    app = opened()
    assert to_do(app)[0] == "1 list has new products that nobody has judged"
    assert "Start here" in written_html(app)
    shown = open_shell("similar_items", show="today:replaced")
    assert not shown.exception
    assert shown_ids(shown) == ["f2-03"]


def test_a_server_that_has_just_started_finds_a_lines_products_and_opens_the_page_without_anything_slow(tiny):
    script = (
        "import sys\n"
        "from tests.support.dashboard import open_shell, shown_ids\n"
        "app = open_shell('similar_items', show='today:no-image')\n"
        "assert shown_ids(app) == ['f0-02'], shown_ids(app)\n"
        "app = open_shell('')\n"
        "assert not app.exception and app.title[0].value == 'Today'\n"
        "assert not {'torch', 'sklearn', 'implicit'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, timeout=120)


def test_the_first_page_loads_nothing_that_only_other_pages_need(tiny):
    script = (
        "import app, sys\n"
        "from tests.support.dashboard import open_shell\n"
        "opened = open_shell('')\n"
        "assert not opened.exception and opened.title[0].value == 'Today'\n"
        "others = {'duckdb', 'pi_heif', 'rapidfuzz', 'scipy.linalg', 'scipy.spatial', 'scipy.cluster', 'ui.review.routes'}\n"
        "sys.exit(f'imported: {others & set(sys.modules)}' if others & set(sys.modules) else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_set_that_is_not_there_is_said_to_be_gone(tiny):
    app = open_shell("similar_items", show="today:nonsense")
    assert not app.exception
    assert [one.value for one in app.warning] == ["These products were not kept. Choose them again."]


def test_a_set_of_which_nothing_is_left_says_so(tiny):
    for name, title in (("worst", "Lists that people called bad"), ("placed", "Products with a place on lists")):
        app = open_shell("similar_items", show=f"today:{name}")
        assert not app.exception
        assert [one.value for one in app.success] == [f"Nothing is left of “{title}”."]


def test_drafts_that_wait_are_a_line(tiny, store):
    with acting(Actor("Ada", Role.MERCHANDISER, "command")):
        new = NewDraft(Product(title="A new dress"))
        DraftStore(store.database, tiny.workspace).save([new], "Ada", lambda _: False)
    assert "1 draft waits for your approval" in to_do(opened())


def test_products_that_hold_a_place_are_told_opened_and_lose_it_with_an_undo(tiny, store):
    assert not [one for one in opened().button if one.key == "open_placed"]
    places = PlaceStore(store.database)
    with acting(Actor("Ada", Role.MERCHANDISER, "command")):
        for item_id, days in (("f5-09", 14), ("f4-09", 7)):
            places.give(item_id, "guaranteed", days, "Ada", lambda _: True, lists=3)
    app = open_shell("")
    assert any("2 products hold a place on lists: the first ends on" in one.value for one in app.markdown)
    shown = open_shell("similar_items", show="today:placed")
    assert shown_ids(shown) == ["f4-09", "f5-09"]  # the one that loses it first
    app.button(key="end_f4-09").click().run()
    assert not app.exception
    assert [one.item_id for one in places.all()] == ["f5-09"]
    app.button(key="undo_it").click().run()
    assert {one.item_id for one in places.all()} == {"f4-09", "f5-09"}
    app.button(key="end_all_places").click().run()
    assert places.all() == []


def test_any_product_can_be_given_a_place_on_its_own_page(tiny, store):
    quiet = open_shell("similar_items", item=tiny.with_clicks(0))
    assert [one.label for one in quiet.button if one.key == "place_give"] == ["Give it this place"]
    quiet.button(key="place_give").click().run()
    assert not quiet.exception
    assert [(one.item_id, one.kind) for one in PlaceStore(store.database).all()] == [
        (tiny.with_clicks(0), "guaranteed")
    ]
    assert [one.label for one in quiet.button if one.key == "place_end"] == ["End it now"]


def test_new_judgements_are_heard_without_losing_what_was_known(tiny, store):
    release = Recommender.open(tiny.workspace)
    assert not [line for line in to_do(opened()) if "nobody has judged" in line]
    for neighbour in release.neighbours("f2-03", "hybrid", 10)[:4]:
        vote = Vote(client_id=str(uuid.uuid4()), neighbour_id=neighbour.item_id, verdict="irrelevant")
        store.add([judgement_in_release(vote, release, "f2-03", rater="Ada", source=Source.SIMILAR_ITEMS, k=10)])
    open_shell("")
    assert "1 list has new products that nobody has judged" in to_do(opened())
