from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.access.acting import resolve_with
from engine.core.settings import Settings, describe_settings, load_settings
from engine.core.workspace import Workspace
from pages.settings import OFFERED
from tests.support.dashboard import open_shell
from tests.support.tiny_release import build_tiny_release
from ui.app.person import person


@pytest.fixture
def here(tmp_path, monkeypatch) -> Workspace:
    workspace = build_tiny_release(Workspace(tmp_path / "workspace")).workspace
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    return workspace


def test_every_setting_that_is_offered_is_one():
    known = {line.name for line in describe_settings(Settings())}
    offered = [one.name for group in OFFERED.values() for one in group]
    assert set(offered) <= known
    assert len(offered) == len(set(offered))


def test_a_setting_is_changed_undone_and_set_back(here):
    app = open_shell("settings")
    assert not app.exception
    app.number_input(key="setting_serving.neighbours").set_value(7).run()
    assert not app.exception
    assert load_settings(here.root).serving.neighbours == 7
    assert "Products on a list: 7, at once" in [one.value for one in app.markdown]
    app.button(key="undo_it").click().run()
    assert load_settings(here.root).serving.neighbours == 10
    assert "neighbours" not in here.settings_file.read_text()  # it was not there before
    app.toggle(key="setting_curation.learn").set_value(False).run()
    assert load_settings(here.root).curation.learn is False
    app.button(key="default_curation.learn").click().run()
    assert load_settings(here.root).curation.learn is True
    app.number_input(key="setting_serving.favour").set_value(3.0).run()
    assert load_settings(here.root).serving.favour == 3.0


def test_undo_brings_back_what_the_file_said_also_where_it_was_the_default(here):
    here.settings_file.write_text("[serving]\nneighbours = 10\n")
    app = open_shell("settings")
    app.number_input(key="setting_serving.neighbours").set_value(7).run()
    app.button(key="undo_it").click().run()
    assert here.settings_file.read_text() == "[serving]\nneighbours = 10\n"


def test_what_is_not_allowed_is_said_and_the_field_shows_what_holds(here):
    app = open_shell("settings")
    app.number_input(key="setting_serving.neighbours").set_value(0).run()
    assert not app.exception
    assert "serving.neighbours" in app.toast[0].value
    assert app.number_input(key="setting_serving.neighbours").value == 10
    assert load_settings(here.root).serving.neighbours == 10


def test_what_a_variable_sets_is_closed_and_says_so(here, monkeypatch):
    monkeypatch.setenv("LONGTAIL_SERVING__NEIGHBOURS", "9")
    field = open_shell("settings").number_input(key="setting_serving.neighbours")
    assert field.disabled
    assert "SERVING" in field.help


def draw() -> None:
    from pages.settings import page
    from ui.app.guard import guarded

    with guarded("Settings"):
        page()


def test_it_is_for_admins_alone(here, request):
    resolve_with(person)
    request.addfinalizer(lambda: resolve_with(None))
    here.settings_file.write_text('[auth]\nopen_role = "lead"\n')
    app = AppTest.from_function(draw, default_timeout=60).run()
    assert "Only an admin may change settings." in app.error[0].value
    assert not app.number_input
