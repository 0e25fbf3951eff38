from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.core.workspace import Workspace
from engine.jobs.status import RunStatus, StepStatus
from tests.support.dashboard import open_shell
from tests.support.tiny_release import build_tiny_release
from ui.runs import run_in_bar
from ui.runs.run_in_bar import run_phrase


def status(
    state: str = "running", steps: tuple[StepStatus, ...] = (StepStatus("Reading the shop", 0.5, 1.0, "", "running"),)
) -> RunStatus:
    return RunStatus("1-train-x", "train", state, list(steps), datetime.now(UTC), None, "", None, 0.451)


def test_a_run_says_how_far_it_is_and_how_it_ended():
    assert run_phrase(status()) == "Training 45%: Reading the shop"
    assert run_phrase(status(steps=())) == "Training 45%"
    assert run_phrase(status("failed")) == "Training failed"
    assert run_phrase(status("lost")) == "Training stopped unexpectedly"


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """What the bar of a page says, while the workspace's run is in a state."""
    workspace = build_tiny_release(Workspace(tmp_path / "workspace")).workspace
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    now = {"state": None}
    monkeypatch.setattr(run_in_bar, "active_run", lambda _: "1-train-x" if now["state"] == "running" else None)
    monkeypatch.setattr(run_in_bar, "run_status", lambda *_: status(now["state"]))
    app = open_shell("sets")

    def bar(state: str | None) -> list[str]:
        now["state"] = state
        app.run()
        assert not app.exception
        return [one.proto.label for one in app.get("page_link") if one.proto.label.startswith("Training")]

    return app, bar


def test_every_page_shows_the_run_and_then_what_came_of_it_until_it_is_seen(shown):
    app, bar = shown
    assert bar(None) == []
    assert bar("running") == ["Training 45%: Reading the shop"]
    assert bar("done") == ["Training done"]
    app.button(key="run_seen").click()
    assert bar("done") == []
