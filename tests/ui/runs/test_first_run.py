from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from engine.catalogue.snapshot import write_snapshot
from engine.core.workspace import Workspace
from engine.jobs import list_runs
from engine.jobs.recording import recorded_run
from tests.conftest import REPOSITORY
from ui.runs.first_run import newest_pictures

SHELL = str(REPOSITORY / "ui" / "app" / "shell.py")


@pytest.fixture
def shell(workspace: Workspace, monkeypatch) -> AppTest:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    return AppTest.from_file(SHELL, default_timeout=30)


def written(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def test_a_running_build_is_shown_step_by_step_to_every_visitor(shell: AppTest, workspace: Workspace):
    with recorded_run(workspace, "demo") as run:
        run.progress("Draw the dresses", 1.0)
        run.progress("Learn <behaviour>", 0.25, "3 of 15")
        shell.run()
        second_visitor = AppTest.from_file(SHELL, default_timeout=30).run()
    for app in (shell, second_visitor):
        assert not app.exception
        assert app.title[0].value == "Building the demo shop"
        assert "Draw the dresses" in written(app)
        assert "Learn &lt;behaviour&gt;" in written(app)
        assert "25%" in written(app)
        assert "3 of 15" in written(app)
    assert len(list(workspace.runs.glob("*/status.json"))) == 1


def test_a_failed_build_says_why_and_waits_for_a_person(shell: AppTest, workspace: Workspace):
    with suppress(RuntimeError), recorded_run(workspace, "demo") as run:
        run.progress("Draw the dresses", 0.5)
        raise RuntimeError("no more thread")
    shell.run()
    assert not shell.exception
    assert "Unexpected RuntimeError. The log has the details under error" in shell.error[0].value
    assert [button.label for button in shell.button if "demo shop" in button.label] == ["Try the demo shop again"]
    assert len(list(workspace.runs.glob("*/status.json"))) == 1


def test_an_empty_workspace_offers_two_ways_to_begin_and_starts_nothing(shell: AppTest, workspace: Workspace):
    shell.run()
    assert not shell.exception
    labels = [button.label for button in shell.button]
    assert {"Try the demo shop", "Load your own shop"} <= set(labels)
    assert list_runs(workspace) == []


def test_the_choice_to_load_ones_own_leads_to_the_files(shell: AppTest):
    shell.run()
    next(button for button in shell.button if button.label == "Load your own shop").click().run()
    assert not shell.exception
    assert shell.title[0].value == "Data"


def test_a_shop_without_a_release_is_summed_up_and_waits_for_its_training(shell: AppTest, workspace: Workspace):
    items = pd.DataFrame({"item_id": ["a", "b"], "title": ["A", "B"]})
    write_snapshot(workspace, items, pd.DataFrame({"user_id": ["u"], "item_id": ["a"]}), {"name": "Mine"}, {})
    shell.run()
    assert not shell.exception
    assert {metric.label: metric.value for metric in shell.metric}["Products"] == "2"
    assert [button.label for button in shell.button if button.label.startswith("Train")] == ["Train"]
    assert list_runs(workspace) == []


def test_the_newest_pictures_come_first(workspace: Workspace):
    for moment, name in enumerate(["c" * 64, "b" * 64, "a" * 64, "a" + "0" * 63]):
        file: Path = workspace.thumbnail_file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"jpeg")
        for path in (file, file.parent):
            os.utime(path, (1_000_000 + moment, 1_000_000 + moment))
    (workspace.thumbnail_file("a" * 64).parent / ".half.jpg").write_bytes(b"")
    assert newest_pictures(workspace, 3) == ["a" + "0" * 63, "a" * 64, "b" * 64]


def test_an_empty_workspace_has_no_pictures(workspace: Workspace):
    assert newest_pictures(workspace) == []
