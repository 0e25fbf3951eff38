from __future__ import annotations

import io

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from engine.settings import Settings
from engine.workspace import Workspace
from tests.support.dashboard import shown_ids, written_html
from tests.support.tiny_release import TinyRelease, build_tiny_release


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> TinyRelease:
    settings = Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}})
    workspace = Workspace(tmp_path_factory.mktemp("tiny") / "workspace")
    return build_tiny_release(workspace, networks=True, settings=settings)


@pytest.fixture
def tiny(built: TinyRelease, monkeypatch) -> TinyRelease:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    return built


def new_product_page():
    from pages.new_product import page

    page()


def open_page() -> AppTest:
    app = AppTest.from_function(new_product_page, default_timeout=60).run()
    assert not app.exception
    return app


def test_an_empty_form_says_what_to_do(tiny):
    app = open_page()
    assert "Drop a picture or type a title" in written_html(app)
    assert not app.get("bidi_component")


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
    app.file_uploader(key="new_picture").set_value(("dress.jpg", b"not a picture at all", "image/jpeg")).run()
    assert not app.exception
    assert "dress.jpg" in app.error[0].value
    assert len(shown_ids(app, "hybrid")) == 10


def test_a_picture_is_stored_and_shown(tiny):
    stream = io.BytesIO()
    Image.new("RGB", (300, 400), "navy").save(stream, "PNG")
    app = open_page()
    app.selectbox(key="new_brand").set_value("House 1")
    app.file_uploader(key="new_picture").set_value(("navy.png", stream.getvalue(), "image/png")).run()
    assert not app.exception
    assert not app.error
    assert "/picture/" in written_html(app)
