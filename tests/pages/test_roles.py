"""What a person may not do is not offered on any page, and refused where it is asked for all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from engine.access.acting import resolve_with
from engine.access.audit import AuditLog
from engine.core.settings import workspace_path
from engine.core.workspace import Workspace
from engine.curation.campaigns import Plan, create_campaign
from engine.release.publish import current_release_id
from tests.support.dashboard import card_data
from tests.support.tiny_release import build_tiny_release
from ui.app.person import person
from ui.app.resources import database, recommender

# Page, its address, a button on it, the least role that may press it.
BUTTONS = [
    ("model", {}, "Train again", "lead"),
    ("model", {}, "Publish", "lead"),
    ("model", {}, "Roll back", "lead"),
    ("campaigns", {"campaign": "OWN"}, "End this campaign", "lead"),
    ("campaigns", {}, "Create", "lead"),
    ("similar_items", {"item": "f0-02"}, "Change picture or text", "merchandiser"),
    ("similar_items", {"q": "navy"}, "Send", "merchandiser"),
    ("new_product", {}, "Save draft", "merchandiser"),
    ("irrelevance", {}, "Start judging", "curator"),
]
ROLES = ["viewer", "curator", "merchandiser", "lead", "admin"]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shop with two releases and a campaign, in a process that knows people by their sessions alone; the campaign's id."""
    workspace = Workspace(tmp_path_factory.mktemp("roles") / "workspace")
    build_tiny_release(workspace)
    build_tiny_release(workspace)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
        made = create_campaign(database(), recommender(), Plan("Coats"))
        resolve_with(person)
        yield made
        resolve_with(None)


def draw(page: str) -> None:
    import importlib

    from ui.app.guard import guarded

    with guarded(page):
        importlib.import_module(f"pages.{page}").page()


def open_page(page: str, role: str, **query: str) -> AppTest:
    Workspace(workspace_path()).settings_file.write_text(f'[auth]\nopen_role = "{role}"\n')
    app = AppTest.from_function(draw, args=(page,), default_timeout=60)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("page", "query", "label", "least"), BUTTONS, ids=[f"{page}: {label}" for page, _, label, _ in BUTTONS]
)
def test_a_button_is_for_those_alone_who_may_press_it(
    campaign: str, page: str, query: dict[str, str], label: str, least: str
) -> None:
    query = {name: campaign if value == "OWN" else value for name, value in query.items()}
    for role, closed in ((ROLES[ROLES.index(least) - 1], True), (least, False)):
        button = next(one for one in open_page(page, role, **query).button if one.label == label)
        # A draft without anything in it can be saved by nobody.
        assert button.disabled is (closed or label == "Save draft"), role
        assert ("Only a" in (button.help or "")) is closed


@pytest.mark.usefixtures("campaign")
def test_a_viewer_sees_cards_without_flags_and_judges_nothing() -> None:
    assert card_data(open_page("similar_items", "viewer", item="f0-02"))["judging"] is None
    assert card_data(open_page("similar_items", "curator", item="f0-02"))["judging"] is not None
    review = open_page("review", "viewer")
    assert "Only a curator or an admin may judge neighbours." in review.error[0].value.replace("\\", "")
    assert not review.get("bidi_component")


@pytest.mark.usefixtures("campaign")
def test_files_of_a_shop_are_for_admins() -> None:
    for role, closed in (("lead", True), ("admin", False)):
        app = open_page("data", role)
        assert bool(app.get("file_uploader")) is not closed
        assert any("load another shop" in one.value for one in app.info) is closed


@pytest.mark.usefixtures("campaign")
def test_a_button_that_is_pressed_all_the_same_does_nothing() -> None:
    app = open_page("model", "lead")
    publish = next(one for one in app.button if one.label == "Publish")
    before, live = len(AuditLog(database()).entries()), current_release_id(Workspace(workspace_path()))
    Workspace(workspace_path()).settings_file.write_text('[auth]\nopen_role = "viewer"\n')
    publish.click().run()
    assert not app.exception
    assert current_release_id(Workspace(workspace_path())) == live
    assert len(AuditLog(database()).entries()) == before
