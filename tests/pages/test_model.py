"""The Model page: releases, runs and figures."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.comparison.changed_lists import ChangedLists
from engine.comparison.kept_changes import keep_change
from engine.comparison.list_gains import Tally
from engine.comparison.release_change import ReleaseChange
from engine.core.workspace import Workspace
from engine.jobs.status import run_ids
from engine.release.manifest import read_manifest
from engine.release.publish import current_release_id
from tests.support.dashboard import open_shell, written_html
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
    lines = [line.value for line in app.markdown if line.value.startswith("**Release")]
    assert "Release 2" in lines[0]
    assert "live" in lines[0]
    assert "live" not in lines[1]
    app.button(key="publish_r0001").click().run()
    assert current_release_id(here) == "r0002"  # it asks first, and says what would change
    assert "The lists of all 60 products stay as they are." in [one.value for one in app.markdown]
    app.button(key="question_yes").click().run()
    assert not app.exception
    assert current_release_id(here) == "r0001"


def test_what_the_live_release_changed_is_said_by_traffic_and_so_is_what_publishing_would_change(here):
    build_tiny_release(here)
    build_tiny_release(here)
    kept(here, "r0001", "r0002", Tally(40, 9, 7, 2))
    kept(here, "r0002", "r0001", Tally(40, 9, 2, 7))
    app = open_shell("model")
    assert "What release 2 changed" in [one.value for one in app.subheader]
    assert "7 lists improved, 2 got worse, by people's judgements." in " ".join(one.value for one in app.markdown)
    assert "<strong>7</strong>" in written_html(app)
    app.button(key="publish_r0001").click().run()
    said = [one.value for one in app.markdown]
    assert "2 lists improved, 7 got worse, by people's judgements." in said
    assert "Long tail: 2 improved, 7 got worse, of 40." in said


def kept(workspace: Workspace, before: str, after: str, tally: Tally) -> None:
    """Something to find for who looks up what a release changed: computing it would say that nothing did."""
    editions = (read_manifest(workspace.releases / one).edition for one in (before, after))
    keep_change(
        workspace, ReleaseChange(*editions, 10, 0, ChangedLists(60, 9, 1.5, 0, 0), "judgements", {"tail": tally})
    )


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
