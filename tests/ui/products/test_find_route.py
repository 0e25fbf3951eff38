from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from engine.core.workspace import Workspace
from tests.support.sign_in import gated, use_proxy
from tests.support.tiny_release import HTML_TITLE, TinyRelease, build_tiny_release


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("tiny") / "workspace"))


@pytest.fixture
def client(tiny: TinyRelease, monkeypatch) -> TestClient:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(tiny.workspace.root))
    return gated()


def test_words_are_answered_with_the_best_products_and_where_they_are(client):
    answer = client.get("/find", params={"q": "navy", "limit": "3"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    products = answer.json()["products"]
    assert len(products) == 3
    assert all(one["item_id"].startswith("f1-") for one in products)
    assert products[0]["href"] == f"./similar_items?item={products[0]['item_id']}"


def test_a_title_is_sent_as_it_is_for_scripts_that_set_text(client):
    assert client.get("/find", params={"q": "f0-00"}).json()["products"][0]["title"] == HTML_TITLE


@pytest.mark.parametrize("limit", ["", "-1", "x", "99999999999", "²"])
def test_a_limit_that_makes_no_sense_is_the_usual_one(client, limit):
    assert len(client.get("/find", params={"q": "dress", "limit": limit}).json()["products"]) == 8


@pytest.mark.parametrize("text", ["", "zzxqv", "%ED%A0%BD", "%00", "%", "x" * 5000])
def test_nonsense_is_answered_with_nothing(client, text):
    answer = client.get(f"/find?q={text}")
    assert answer.status_code == 200
    assert answer.json() == {"products": []}


def test_nobody_searches_before_they_sign_in(workspace, monkeypatch):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    use_proxy(workspace.root)
    assert gated().get("/find", params={"q": "red"}).status_code == 401


def test_a_shop_without_a_release_says_so(workspace, monkeypatch):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    answer = gated().get("/find", params={"q": "red"})
    assert answer.status_code == 503
    assert "error" in answer.json()
