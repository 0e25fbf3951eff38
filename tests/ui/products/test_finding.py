from __future__ import annotations

import time

import pytest
import streamlit as st

from engine.catalogue.product import Product
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.store import Database
from tests.support.dashboard import open_shell, shown_ids
from tests.support.tiny_release import TinyRelease, build_tiny_release
from ui.app.resources import served
from ui.products.finding import catalogue_to_search, found, rows_of


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> TinyRelease:
    settings = Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}})
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("tiny") / "workspace"), settings=settings)


@pytest.fixture
def tiny(built: TinyRelease, monkeypatch, tmp_path):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    monkeypatch.setenv("LONGTAIL_DATABASE_URL", f"sqlite:///{tmp_path}/longtail.db")
    st.cache_resource.clear()  # settings are read again when their file changes, not the environment
    yield built
    st.cache_resource.clear()


def test_what_is_found_leads_to_its_page(tiny):
    first = found("f2-03", 5)[0]
    assert (first.item_id, first.href) == ("f2-03", "./similar_items?item=f2-03")
    assert first.image is not None
    assert len(found("dress", 5)) == 5


def test_the_catalogue_is_read_once_for_each_version(tiny):
    assert catalogue_to_search() is catalogue_to_search()


def test_an_approved_draft_is_found_like_any_product(tiny, tmp_path):
    drafts = DraftStore(Database(f"sqlite:///{tmp_path}/longtail.db"), tiny.workspace)
    product = Product(title="Quilted dungarees", brand="House 1", attributes={"colour": "navy"})
    drafts.save([NewDraft(product, product_id="new-1")], "Ada", lambda _id: False, approve=True)
    deadline = time.monotonic() + 60
    while not served().drafts.ids and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [hit.item_id for hit in found("dungarees", 5)] == ["new-1"]
    assert rows_of(catalogue_to_search(), served(), ["new-1", "f0-00", "gone"]).tolist() == [60, 0]
    app = open_shell(q="dungarees")
    assert not app.exception
    assert shown_ids(app) == ["new-1"]
    assert len(shown_ids(open_shell(q="navy", **{"a.colour": "navy"}))) == 11
