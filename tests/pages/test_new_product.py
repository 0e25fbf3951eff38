from __future__ import annotations

import io
import threading
import time
from typing import Any

import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from engine.catalogue.product import Product
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.recommend import unseen
from engine.serving import served_shop
from engine.store import Database
from tests.support.dashboard import now_at, open_shell, shown_ids, written_html
from tests.support.tiny_release import TinyRelease, build_tiny_release
from ui.app.resources import served


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> TinyRelease:
    settings = Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}})
    workspace = Workspace(tmp_path_factory.mktemp("tiny") / "workspace")
    return build_tiny_release(workspace, settings=settings)


@pytest.fixture
def tiny(built: TinyRelease, monkeypatch, tmp_path):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    monkeypatch.setenv("LONGTAIL_DATABASE_URL", f"sqlite:///{tmp_path}/longtail.db")
    st.cache_resource.clear()
    yield built
    st.cache_resource.clear()


@pytest.fixture
def store(tiny, tmp_path) -> DraftStore:
    return DraftStore(Database(f"sqlite:///{tmp_path}/longtail.db"), tiny.workspace)


def new_product_page():
    from pages.new_product import page

    page()


def open_page(**query: str) -> AppTest:
    app = AppTest.from_function(new_product_page, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def test_an_empty_form_says_what_to_do(tiny):
    app = open_page()
    assert "Drop a picture or type a title" in written_html(app)
    assert "longtail_cards" not in [one.proto.component_name for one in app.get("bidi_component")]


def test_the_shops_own_values_are_suggested(tiny):
    app = open_page()
    assert sorted(app.selectbox(key="new_brand").options) == ["House 0", "House 1", "House 2", "House 3"]
    assert "navy" in app.selectbox(key="new_attribute_colour").options
    assert "party" in app.multiselect(key="new_attribute_occasions").options


def test_facts_alone_find_the_family(tiny):
    app = open_page()
    app.selectbox(key="new_attribute_colour").set_value("navy")
    app.selectbox(key="new_category").set_value("Maxi")
    app.selectbox(key="new_brand").set_value("House 1")
    app.number_input(key="new_attribute_length_cm").set_value(96.0).run()
    assert not app.exception
    found = shown_ids(app, "hybrid")
    assert len(found) == 10
    assert [tiny.families[item_id] for item_id in found[:3]] == [1] * 3


def test_a_bad_picture_is_said_to_be_bad_and_the_rest_still_counts(tiny):
    app = open_page()
    app.selectbox(key="new_brand").set_value("House 1")
    app.file_uploader(key="new_picture").set_value([("dress.jpg", b"not a picture at all", "image/jpeg")]).run()
    assert not app.exception
    assert "dress.jpg" in app.error[0].value
    assert len(shown_ids(app, "hybrid")) == 10


def test_a_picture_is_stored_and_shown(tiny):
    stream = io.BytesIO()
    Image.new("RGB", (300, 400), "navy").save(stream, "PNG")
    app = open_page()
    app.selectbox(key="new_brand").set_value("House 1")
    app.file_uploader(key="new_picture").set_value([("navy.png", stream.getvalue(), "image/png")]).run()
    assert not app.exception
    assert not app.error
    assert "/picture/" in written_html(app)


@pytest.mark.parametrize("form", ["GIF", "TIFF", "AVIF", "BMP"])
def test_pictures_of_every_format_can_be_given(tiny, form):
    stream = io.BytesIO()
    Image.new("RGB", (300, 400), "navy").save(stream, form)
    app = open_page()
    app.file_uploader(key="new_picture").set_value(
        [(f"navy.{form.lower()}", stream.getvalue(), f"image/{form.lower()}")]
    ).run()
    assert not app.exception
    assert not app.error
    assert "/picture/" in written_html(app)


def test_a_picture_without_its_end_is_used_and_said_to_lack_it(tiny):
    stream = io.BytesIO()
    Image.effect_noise((300, 400), 60).save(stream, "JPEG")
    app = open_page()
    app.file_uploader(key="new_picture").set_value([("grey.jpg", stream.getvalue()[:-500], "image/jpeg")]).run()
    assert not app.exception
    assert not app.error
    assert app.warning[0].value.startswith("grey.jpg: the end of the file is missing")
    assert "/picture/" in written_html(app)


def filled_in(app: AppTest) -> AppTest:
    """Brand and colour filled in."""
    app.selectbox(key="new_brand").set_value("House 1")
    app.selectbox(key="new_attribute_colour").set_value("navy").run()
    assert not app.exception
    return app


def field(app: AppTest, label: str) -> Any:
    """The field of this name; a form that began with a product has keys of its own."""
    return next(
        one for one in [*app.text_input, *app.selectbox, *app.multiselect, *app.number_input] if one.label == label
    )


def text_of(app: AppTest) -> str:
    return "\n".join(one.value for kind in (app.markdown, app.caption, app.warning, app.info) for one in kind)


def test_beside_a_new_product_stands_where_it_would_be_shown_and_what_is_missing(tiny):
    app = open_page()
    app.selectbox(key="new_brand").set_value("House 1").run()
    assert "It would be shown beside" in text_of(app)
    assert "Filling in one of these would change the results most" in text_of(app)


def test_one_edit_reads_the_product_once_and_its_variants_once(tiny, monkeypatch):
    app = open_page()
    served().warm_up().join()  # it reads two products of its own
    reads = []
    read = unseen.read_products
    monkeypatch.setattr(unseen, "read_products", lambda *given: reads.append(len(given[2])) or read(*given))
    app.selectbox(key="new_brand").set_value("House 3").run()
    assert not app.exception
    assert reads[0] == 1
    assert len(reads) == 2
    app.run()  # nothing was edited
    assert len(reads) == 2


def test_a_product_is_saved_shown_in_the_shop_and_discarded(tiny, store):
    app = filled_in(open_shell("new_product"))
    app.text_input(key="new_id").set_value("navy-1")
    app.button(key="new_save").click().run()
    assert not app.exception
    (draft,) = store.all()
    assert (draft.id, draft.state, draft.product.brand) == ("navy-1", "draft", "House 1")
    assert app.query_params["draft"] == "navy-1"
    (show,) = [one for one in app.button if one.label == "Show it in the shop"]
    show.click().run()
    assert not app.exception
    assert store.get("navy-1").state == "approved"
    assert app.query_params["item"] == "navy-1"  # a product like any other now
    assert len(shown_ids(app, "hybrid", 1)) == 10
    now_at(app, "similar_items")
    (out,) = [one for one in app.button if one.label == "Take it out of the shop"]
    out.click().run()
    assert not app.exception
    now_at(app, "new_product")
    assert store.get("navy-1").state == "draft"
    (discard,) = [one for one in app.button if one.label == "Discard"]
    discard.click().run()
    assert not app.exception
    assert store.all() == []


def test_an_id_that_is_taken_is_refused_and_nothing_typed_is_lost(tiny, store):
    app = filled_in(open_page())
    app.text_input(key="new_id").set_value("f1-02")
    app.button(key="new_approve").click().run()
    assert "'f1-02' is a product of the catalogue" in app.error[0].value
    assert app.selectbox(key="new_brand").value == "House 1"
    assert store.all() == []


def test_a_draft_is_changed_in_the_form_it_was_made_in(tiny, store):
    (made,) = store.save([NewDraft(Product(title="Old", brand="House 2"))], "Ada", lambda _id: False)
    app = open_page(draft=made)
    assert field(app, "Title").value == "Old"
    field(app, "Title").set_value("New").run()
    app.button(key="new_save").click().run()
    assert not app.exception
    assert store.get(made).product == Product(title="New", brand="House 2")


def test_what_somebody_else_saved_meanwhile_is_told_and_not_written_over(tiny, store):
    (made,) = store.save([NewDraft(Product(title="Old", brand="House 2"))], "Ada", lambda _id: False)
    app = open_page(draft=made)
    store.edit(made, 1, Product(title="Theirs", brand="House 2"), ())
    field(app, "Title").set_value("Mine").run()
    assert field(app, "Title").value == "Mine"
    app.button(key="new_save").click().run()
    assert "Someone else edited" in app.error[0].value
    assert store.get(made).title == "Theirs"
    assert field(app, "Title").value == "Mine"
    app.button(key="new_open_again").click().run()
    assert field(app, "Title").value == "Theirs"
    field(app, "Title").set_value("Both").run()
    app.button(key="new_save").click().run()
    assert store.get(made).title == "Both"


def test_every_field_of_the_form_begins_with_the_drafts_value_so_an_interrupted_run_cannot_empty_one(tiny, store):
    """What a run sets as a field's state never reaches the browser when the run is interrupted; a default always does."""
    facts = {"colour": "puce", "length_cm": 91.0, "occasions": ("gala", "party"), "care": "Dry clean"}
    product = Product(title="T" * 400, description="D", brand="Nobody's", category="Maxi", price=12.5, attributes=facts)
    (made,) = store.save([NewDraft(product)], "Ada", lambda _id: False)
    app = open_page(draft=made)
    fields = [one for kind in (app.text_input, app.text_area, app.number_input) for one in kind]
    begun = {one.label: one.proto.default for one in fields}
    assert (begun["Title"], begun["Description"], begun["Care"]) == ("T" * 400, "D", "Dry clean")
    assert (begun["Price (£)"], begun["Length cm"]) == (12.5, 91.0)
    for label, value in (("Brand", "Nobody's"), ("Category", "Maxi"), ("Colour", "puce")):
        box = field(app, label)
        assert box.proto.options[box.proto.default] == value
    several = field(app, "Occasions")
    assert [several.proto.options[place] for place in several.proto.default] == ["gala", "party"]
    assert not any(one.proto.set_value for one in fields)
    app.button(key="new_save").click().run()
    assert store.get(made).product == product


def test_a_product_of_the_shop_can_be_started_from(tiny):
    app = open_page()
    app.text_input(key="new_clone").set_value("f1-02").run()
    assert not app.exception
    assert field(app, "Title").value.startswith("Striped maxi dress")
    assert field(app, "Brand").value == "House 1"
    app.text_input(key="new_clone").set_value("f2-02").run()
    assert field(app, "Brand").value == "House 2"


def test_a_product_of_the_shop_is_shown_as_it_is_and_as_it_would_be(tiny, store, tmp_path):
    app = open_page(change="f1-02")
    assert app.button(key="change_save").disabled
    before = shown_ids(app, "moved")
    assert [tiny.families[item_id] for item_id in before[:5]] == [1] * 5
    for label, value in (("Colour", "teal"), ("Category", "Wedding"), ("Brand", "House 0")):
        field(app, label).set_value(value)
    field(app, "Occasions").set_value(["party"]).run()
    assert not app.exception
    assert not app.button(key="change_save").disabled
    assert "Changed: brand, category, colour, occasions." in text_of(app)
    assert shown_ids(app, "moved") != before
    changes = ChangeStore(Database(f"sqlite:///{tmp_path}/longtail.db"), tiny.workspace)
    assert changes.all() == []


def test_a_collection_shows_each_rows_state_before_anything_is_stored(tiny, store):
    sheet = b"id,title,brand,price\nc-1,Navy dress,House 1,40\nf1-02,Taken,House 1,40\nc-3,Bad price,House 1,much\n"
    app = open_page(view="collection")
    app.file_uploader(key="collection_sheet").set_value(("new.csv", sheet, "text/csv")).run()
    assert not app.exception
    assert "1 ready, 2 need fixing" in text_of(app)
    table = app.dataframe[0].value
    assert table["state"].tolist() == ["Needs fixing", "Needs fixing", "Ready"]
    assert store.all() == []
    app.button(key="collection_save").click().run()
    assert not app.exception
    assert [draft.id for draft in store.all()] == ["c-1"]


def test_a_sheet_that_is_none_is_said_to_be_none(tiny):
    app = open_page(view="collection")
    app.file_uploader(key="collection_sheet").set_value(("new.xlsx", b"PK\x03\x04 nothing", "x/y")).run()
    assert not app.exception
    assert "new.xlsx" in app.error[0].value


def test_without_drafts_the_page_says_how_to_make_one(tiny):
    assert "No drafts yet" in written_html(open_page(view="drafts"))


def test_many_drafts_come_in_pages(tiny, store):
    new = [NewDraft(Product(title=f"Dress {number}"), product_id=f"d-{number:02d}") for number in range(30)]
    store.save(new, "Ada", lambda _id: False)
    app = open_page(view="drafts")
    first = shown_ids(app, "waiting")
    assert len(first) == 24
    app.session_state["drafts_page_waiting"] = 2
    app.run()
    assert not app.exception
    assert sorted(first + shown_ids(app, "waiting")) == [f"d-{number:02d}" for number in range(30)]


def test_a_draft_whose_place_is_not_found_yet_says_so_and_then_stands_in_the_shop(tiny, store, monkeypatch):
    patience = threading.Event()
    found = served_shop.vectors_of_drafts

    def slow(*arguments):
        patience.wait(120)
        return found(*arguments)

    monkeypatch.setattr(served_shop, "vectors_of_drafts", slow)
    product = Product(brand="House 1", attributes={"colour": "navy", "length_cm": 123.25})  # not in the cache
    new = NewDraft(product, product_id="slow-1")
    store.save([new], "Ada", lambda _id: False, approve=True)
    app = open_shell("new_product", view="drafts", draft="slow-1")
    assert "It is being added to the shop" in text_of(app)
    patience.set()
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        time.sleep(0.1)
        app.run()
        assert not app.exception
        if "being added" not in text_of(app):
            break
    assert app.query_params["item"] == "slow-1"
    assert len(shown_ids(app, "hybrid", 1)) == 10
