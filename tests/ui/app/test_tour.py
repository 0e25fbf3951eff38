from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.access.acting import Actor
from engine.access.marks import Marks
from engine.access.roles import Role
from engine.core.workspace import Workspace
from engine.store import Database
from tests.support.dashboard import now_at, open_shell
from tests.support.tiny_release import build_tiny_release
from ui.app.navigation import NAVIGATION
from ui.app.person import UNNAMED
from ui.app.tour import steps_for


@pytest.fixture
def here(tmp_path, monkeypatch) -> Workspace:
    workspace = build_tiny_release(Workspace(tmp_path / "workspace")).workspace
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    monkeypatch.setenv("LONGTAIL_SERVING__TOUR", "true")
    return workspace


def keys(app: AppTest) -> set[str]:
    assert not app.exception
    return {str(one.key) for one in app.button if str(one.key).startswith("tour_")}


@pytest.mark.parametrize("role", list(Role))
def test_the_tour_has_four_steps_on_pages_that_one_may_see(role):
    actor = Actor("Ada", role, "sign-in")
    needs = {entry.module: entry.needs for group in NAVIGATION.values() for entry in group}
    modules = [step.module for step in steps_for(actor)]
    assert len(set(modules)) == 4
    assert all(actor.may(needs[module]) for module in modules)
    assert ("review" in modules) == (role is not Role.VIEWER)


def test_each_step_is_on_its_page_and_names_the_next(here):
    app = open_shell("today")
    for following, title in (("similar_items", "Similar items"), ("review", "Review"), ("model", "Model")):
        assert keys(app) == {"tour_skip", "tour_next"}
        assert app.button(key="tour_next").label == f"Next: {title}"
        now_at(app, following)
        app.run()
    assert keys(app) == {"tour_done"}
    assert Marks(Database(here.database_url)).of(UNNAMED).toured is False
    app.button(key="tour_done").click().run()
    assert keys(app) == set()
    assert Marks(Database(here.database_url)).of(UNNAMED).toured is True
    assert keys(open_shell("today")) == set()


def test_a_tour_that_is_skipped_does_not_come_back_and_other_pages_have_none(here):
    assert keys(open_shell("sets")) == set()
    app = open_shell("similar_items")
    app.button(key="tour_skip").click().run()
    assert keys(app) == set()
    assert keys(open_shell("similar_items")) == set()


def test_nobody_is_shown_around_an_empty_workspace_or_where_the_settings_say_no(tmp_path, monkeypatch, here):
    monkeypatch.setenv("LONGTAIL_SERVING__TOUR", "false")
    assert keys(open_shell("today")) == set()
    monkeypatch.setenv("LONGTAIL_SERVING__TOUR", "true")
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(tmp_path / "empty"))
    assert keys(open_shell("today")) == set()
