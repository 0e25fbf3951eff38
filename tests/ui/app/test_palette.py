from __future__ import annotations

import json

import pytest

from engine.access.acting import Actor
from engine.access.roles import Role
from engine.core.workspace import Workspace
from engine.edits.sets.store import SetStore
from engine.store import Database
from tests.support.dashboard import open_shell
from tests.support.tiny_release import build_tiny_release
from ui.app.navigation import NAVIGATION
from ui.app.palette import action_entries, page_entries


def modules(role: Role) -> set[str]:
    return {one.page for one in page_entries(Actor("Ada", role, "sign-in"))}


def test_only_pages_that_one_may_see_are_offered():
    assert {"today", "similar_items", "review"} <= modules(Role.VIEWER)
    assert not {"people", "audit"} & modules(Role.MERCHANDISER)
    assert {"people", "audit"} <= modules(Role.ADMIN)


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    built = build_tiny_release(Workspace(tmp_path / "workspace")).workspace
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.root))
    return built


def palette(page: str) -> dict:
    app = open_shell(page)
    assert not app.exception
    (element,) = [one for one in app.get("bidi_component") if one.proto.component_name == "longtail_palette"]
    return json.loads(element.proto.json)


def test_sets_lead_to_their_products_or_their_search(workspace):
    store = SetStore(Database(workspace.database_url))
    kept = store.save("Coats", ["f1-02"], by=None)
    store.save("Red", by=None, search={"q": ["red"]})
    entries = {one["label"]: one for one in palette("similar_items")["entries"] if one["kind"] == "Set"}
    assert entries["Coats"]["query"] == {"show": [f"set:{kept.id}"]}
    assert entries["Red"]["query"] == {"q": ["red"]}
    assert {one["page"] for one in entries.values()} == {"similar_items"}


def test_keys_are_those_of_the_page(workspace):
    everywhere = [key for key, _ in palette("sets")["keys"]]
    assert everywhere == ["Ctrl K", "?"]
    assert [key for key, _ in palette("similar_items")["keys"]] == ["X", "Shift click", "Ctrl A", "Esc", *everywhere]
    assert [key for key, _ in palette("review")["keys"]] == ["1 – 9, 0", "Enter", "T", "S", "U", *everywhere]


def test_only_what_one_may_do_and_what_can_be_done_is_offered(workspace):
    def labels(role: Role) -> set[str]:
        return {one.label for one in action_entries(Actor("Ada", role, "sign-in"))}

    assert labels(Role.VIEWER) == {
        "Export judgements", "Export products", "Make a report of what changed", "Take the tour",
        "Show the keys of this page",
    }  # fmt: skip
    assert labels(Role.CURATOR) - labels(Role.VIEWER) == {"Start reviewing"}
    assert labels(Role.MERCHANDISER) - labels(Role.CURATOR) == {"Add a new product", "Upload many products"}
    assert labels(Role.LEAD) - labels(Role.MERCHANDISER) == {
        "Train again", "Publish another release", "Start a campaign",
    }  # fmt: skip
    build_tiny_release(workspace)  # now there is one to go back to
    assert "Roll back to the release before" in labels(Role.LEAD)
    assert "Roll back to the release before" not in labels(Role.MERCHANDISER)


def test_actions_lead_to_pages_that_there_are(workspace):
    pages = {entry.module for group in NAVIGATION.values() for entry in group}
    for one in action_entries(Actor("Ada", Role.ADMIN, "sign-in")):
        assert one.page in pages or one.act
