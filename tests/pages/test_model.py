"""The Model page: releases, runs and figures."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.workspace import Workspace
from engine.jobs.status import run_ids
from engine.release.publish import current_release_id
from tests.support.dashboard import open_shell
from tests.support.tiny_release import build_tiny_release


def run_model() -> AppTest:
    def script() -> None:
        from pages.model import page

        page()

    return AppTest.from_function(script, default_timeout=60)


@pytest.fixture
def here(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    return workspace


def test_an_empty_workspace_says_where_to_load_a_shop(here):
    app = run_model().run()
    assert not app.exception
    assert "Load one on the Data page" in app.info[0].value


def test_the_live_release_is_marked_and_an_older_one_can_be_published(here):
    build_tiny_release(here)
    build_tiny_release(here)
    app = open_shell("model")
    assert not app.exception
    lines = [line.value for line in app.markdown if "Release" in line.value]
    assert "Release 2" in lines[0]
    assert "live" in lines[0]
    assert "live" not in lines[1]
    app.button(key="publish_r0001").click().run()
    assert current_release_id(here) == "r0002"  # it asks first, and says what would change
    assert "The lists of all 60 products stay as they are." in [one.value for one in app.markdown]
    app.button(key="question_yes").click().run()
    assert not app.exception
    assert current_release_id(here) == "r0001"


def test_rolling_back_brings_back_the_release_before(here):
    build_tiny_release(here)
    build_tiny_release(here)
    app = open_shell("model")
    next(button for button in app.button if button.label == "Roll back").click().run()
    assert current_release_id(here) == "r0002"
    app.button(key="question_yes").click().run()
    assert not app.exception
    assert current_release_id(here) == "r0001"


def test_a_damaged_release_is_named_and_not_offered(here):
    build_tiny_release(here)
    build_tiny_release(here)
    damaged = here.releases / "r0001" / "hybrid.npy"
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    app = run_model().run()
    assert not app.exception
    assert any("damaged" in line.value and "hybrid.npy" in line.value for line in app.markdown)
    assert not [button for button in app.button if button.label == "Publish"]


@pytest.mark.parametrize(("wanted", "verb"), [("publish", "Publish"), ("roll_back", "Roll back")])
def test_an_address_asks_and_does_nothing_by_itself(here, wanted, verb):
    build_tiny_release(here)
    build_tiny_release(here)
    app = open_shell("model", ask=wanted)
    assert not app.exception
    assert current_release_id(here) == "r0002"
    assert "ask" not in app.query_params
    assert app.button(key="question_yes").label == verb
    app.button(key="question_yes").click().run()
    assert current_release_id(here) == "r0001"


def test_training_is_asked_about_where_there_is_something_to_train_on(here):
    build_tiny_release(here)
    app = open_shell("model", ask="train")
    assert not app.exception
    assert "Train" in [one.label for one in app.button]
    app.button(key="question_no").click().run()
    assert not app.exception
    assert run_ids(here) == []


def test_what_cannot_be_done_is_said(here):
    build_tiny_release(here)
    assert "no other release" in open_shell("model", ask="publish").toast[0].value
    assert "no earlier release" in open_shell("model", ask="roll_back").toast[0].value
    assert not open_shell("model", ask="strange").exception
