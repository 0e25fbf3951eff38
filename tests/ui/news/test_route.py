from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from engine.access.acting import Actor, acting
from engine.access.marks import Marks
from engine.access.roles import Role
from engine.core.workspace import Workspace
from engine.edits.sets.store import SetStore
from engine.release.publish import publish, rollback
from engine.store import Database
from tests.support.sign_in import gated, use_proxy
from tests.support.tiny_release import build_tiny_release
from ui.app.person import UNNAMED


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    workspace = build_tiny_release(Workspace(tmp_path / "workspace")).workspace
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    return workspace


@pytest.fixture
def client(here: Workspace) -> TestClient:
    return gated()


@pytest.fixture
def marks(here: Workspace) -> Marks:
    return Marks(Database(here.database_url))


def test_what_happened_since_somebody_looked_is_new_and_then_no_more(here, client, marks):
    marks.begin(UNNAMED, 0, "")
    build_tiny_release(here)
    rollback(here)
    told = client.get("/news").json()
    assert [one["text"] for one in told["entries"]][:2] == [
        "Release 1 is live again, in place of release 2",
        "Release 2 is live",
    ]
    assert told["entries"][0]["href"] == "/model"
    assert told["unread"] == len(told["entries"]) == sum(one["new"] for one in told["entries"])
    marks.seen(UNNAMED, told["seen"]["deed"], told["seen"]["run"])
    again = client.get("/news").json()
    assert again["unread"] == 0
    assert [one["text"] for one in again["entries"]] == [one["text"] for one in told["entries"]]
    publish(here, "r0002")
    assert client.get("/news").json()["unread"] == 1


def test_to_somebody_without_a_mark_nothing_is_new(client):
    assert client.get("/news").json()["unread"] == 0


def test_an_answer_that_has_not_changed_is_not_sent_again(here, client):
    first = client.get("/news")
    again = client.get("/news", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "private, no-cache"
    build_tiny_release(here)
    changed = client.get("/news", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.json()["now"] != first.json()["now"]


def test_a_set_leads_to_its_products_and_its_name_stays_text(here, client):
    with acting(Actor("Bea", Role.LEAD, "sign-in")):
        kept = SetStore(Database(here.database_url)).save("<b>Coats</b>", ["f1-02"], by="Bea")
    first = client.get("/news").json()["entries"][0]
    assert first["text"] == "Bea saved the set “<b>Coats</b>”: 1 product"
    assert (first["page"], first["query"]) == ("similar_items", {"show": f"set:{kept.id}"})


def test_nobody_is_told_anything_before_they_sign_in(workspace, monkeypatch):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    use_proxy(workspace.root)
    assert gated().get("/news").status_code == 401


def test_a_workspace_without_a_shop_has_no_news(workspace, monkeypatch):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    told = gated().get("/news").json()
    assert (told["now"], told["unread"], told["entries"]) == ("|", 0, [])
