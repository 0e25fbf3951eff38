"""What the map asks the server for: whole, of one version, by those who may look, and never an error of ours."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st
from starlette.testclient import TestClient

from engine.core.workspace import Workspace
from engine.maps.mixing import Mixing
from engine.maps.places import NOWHERE
from tests.support.sign_in import gated
from tests.support.tiny_release import HTML_TITLE, TinyRelease, build_tiny_release
from ui.products.map_data import map_places, mixing_words
from ui.products.map_routes import MOST_ROWS


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("map") / "workspace"), 240)


@pytest.fixture
def client(tiny: TinyRelease, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(tiny.workspace.root))
    st.cache_resource.clear()
    return gated()


def test_places_come_as_bytes_that_are_sent_once(client, tiny):
    version = map_places().version
    answer = client.get("/map-data/points", params={"v": version})
    packed = np.frombuffer(answer.content, dtype="<u2").reshape(-1, 4)
    assert (answer.status_code, len(packed)) == (200, 240)
    missing = sum(count == 0 for count in tiny.counts.values())
    assert (packed[:, 0] == NOWHERE).sum() == missing
    assert (packed[:, 2] == NOWHERE).sum() == 0
    again = client.get("/map-data/points", params={"v": version}, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert answer.headers["cache-control"] == "private, no-cache"


def test_groups_have_a_code_for_every_product_and_panel(client):
    version = map_places().version
    for by in ("traffic", "colour", "price", "irrelevance", "no such thing"):
        answer = client.get("/map-data/colours", params={"v": version, "by": by}).json()
        codes = np.frombuffer(base64.b64decode(answer["codes"]), dtype=np.uint8).reshape(-1, 2)
        assert len(codes) == 240
        assert codes.max() < len(answer["labels"]) == len(answer["counts"][0])
    assert answer["labels"] == ["Head", "Middle", "Long tail", "No traffic"]


def test_regions_have_names_and_what_cannot_be_told_is_not_told(client):
    answer = client.get("/map-data/regions", params={"v": map_places().version}).json()
    assert {"als", "hybrid"} == set(answer["regions"])
    assert all(region["name"] for region in answer["regions"]["hybrid"])
    assert answer["sentence"].startswith("Too few long-tail products")


def test_the_sentence_compares_both_panels_with_chance_and_says_where_the_difference_may_be_chance():
    clear = Mixing(0.25, 0.5, 0.125, 0.01, 400, ["category", "neck_line", "colour", "length"])
    assert mixing_words(clear) == (
        "Long-tail products agree with the ten around them on 50% of what is known (category, neck line, colour and 1 more) by Longtail, "
        "and on 25% by behaviour. Any two products agree on 12%."
    )
    assert mixing_words(replace(clear, error=0.2)).endswith("The difference may be chance.")
    assert "as much by Longtail as by behaviour. Any two" in mixing_words(replace(clear, longtail=0.25))


def test_facts_are_those_of_the_products_asked_for_as_text(client):
    places = map_places()
    rows = [places.row("f0-00"), places.row("f2-05")]
    answer = client.get("/map-data/products", params={"v": places.version, "rows": ",".join(map(str, rows))}).json()
    assert [one["row"] for one in answer["products"]] == rows
    assert answer["products"][0]["title"] == HTML_TITLE
    assert answer["products"][1]["href"] == "./similar_items?item=f2-05"


@pytest.mark.parametrize(
    "rows", ["", "-1", "1.5", "x", "9" * 40, "240", "1,,2", "٣", ",".join(["1"] * (MOST_ROWS + 1))]
)
def test_rows_that_are_none_are_refused_in_a_sentence(client, rows):
    answer = client.get("/map-data/products", params={"v": map_places().version, "rows": rows})
    assert answer.status_code == 400
    assert "row" in answer.json()["error"]


@pytest.mark.parametrize("name", ["points", "colours", "regions", "products"])
def test_another_version_is_said_to_be_another_and_not_answered(client, name):
    answer = client.get(f"/map-data/{name}", params={"v": "older", "rows": "0"})
    assert answer.status_code == 409
    assert answer.json() == {"error": "The shop has changed."}


@pytest.mark.parametrize("name", ["points", "colours", "regions", "products"])
def test_nobody_is_answered_without_a_release(workspace, monkeypatch, name):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    st.cache_resource.clear()
    answer = gated().get(f"/map-data/{name}", params={"v": "any", "rows": "0"})
    assert answer.status_code == 503
    assert answer.json()["error"]
