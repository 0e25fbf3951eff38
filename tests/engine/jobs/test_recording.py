from __future__ import annotations

import json
import os
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import JobRunningError, StoreError, TrainingError
from engine.core.held_folders import hold
from engine.core.workspace import Workspace
from engine.jobs import list_runs, recording
from engine.jobs.recording import RunRecorder, clean_leftovers, create_run, new_run_id, recorded_run
from engine.jobs.status import run_ids
from tests.support.clocks import set_clock


def recorder(file: Path) -> RunRecorder:
    return RunRecorder(file, {"run_id": "r1", "state": "running"})


def read(file: Path) -> Any:
    return json.loads(file.read_text())


def test_a_new_step_ends_the_one_before_it(tmp_path: Path) -> None:
    run = recorder(tmp_path / "status.json")
    run.progress("One", 0.4, "of two")
    run.progress("Two", 0.1)
    one, two = read(tmp_path / "status.json")["steps"]
    assert (one["name"], one["done"], one["message"]) == ("One", 1.0, "of two")
    assert (two["name"], two["done"]) == ("Two", 0.1)


def test_the_record_is_written_a_few_times_a_second_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[Path] = []
    monkeypatch.setattr("engine.jobs.recording.atomic_write_json", lambda file, value: writes.append(file))
    run = recorder(tmp_path / "status.json")
    began = time.monotonic()
    for share in range(2000):
        run.progress("One", share / 2001)
    elapsed = time.monotonic() - began
    assert 1 <= len(writes) <= 2 + elapsed / 0.2


def test_the_end_of_a_step_is_written_at_once(tmp_path: Path) -> None:
    run = recorder(tmp_path / "status.json")
    run.progress("One", 0.1)
    run.progress("One", 1.0, "all of it")
    assert read(tmp_path / "status.json")["steps"][0] | {"seconds": 0} == {
        "name": "One",
        "done": 1.0,
        "seconds": 0,
        "message": "all of it",
    }


@pytest.mark.parametrize(("done", "recorded"), [(-0.5, 0.0), (7.0, 1.0)])
def test_a_share_outside_its_range_is_bounded(tmp_path: Path, done: float, recorded: float) -> None:
    run = recorder(tmp_path / "status.json")
    run.progress("One", done)
    assert read(tmp_path / "status.json")["steps"][0]["done"] == recorded


def test_work_typed_by_a_person_is_a_run_like_any_other(workspace: Workspace) -> None:
    with recorded_run(workspace, "train") as run:
        run.progress("One", 0.5)
        run.message = "Trained."
        with pytest.raises(JobRunningError), recorded_run(workspace, "train"):
            pytest.fail("two runs at once")
    (status,) = list_runs(workspace)
    assert (status.kind, status.state, status.message) == ("train", "done", "Trained.")


@pytest.mark.parametrize(
    ("error", "state", "message"),
    [
        (TrainingError("Too few clicks."), "failed", "Too few clicks."),
        (KeyboardInterrupt(), "cancelled", "Cancelled."),
        (StoreError("The database is busy.", "host db"), "failed", "The database is busy. (error ????????)"),
        (RuntimeError("odd"), "failed", "Unexpected RuntimeError. The log has the details under error ????????."),
    ],
)
def test_how_a_run_ended_is_written_down_and_the_error_goes_on(
    workspace: Workspace, error: BaseException, state: str, message: str
) -> None:
    with pytest.raises(type(error)), recorded_run(workspace, "train"):
        raise error
    (status,) = list_runs(workspace)
    assert status.state == state
    assert fnmatchcase(status.message, message)


def test_leftovers_of_a_killed_run_go_and_a_pages_fresh_file_stays(workspace: Workspace) -> None:
    snapshot, release = workspace.snapshots / ".s1.x.part", workspace.releases / ".r1.x.part"
    for folder in (snapshot, release, workspace.images / "ab"):
        folder.mkdir(parents=True)
    fresh, old = workspace.images / "ab" / ".new.part", workspace.images / "ab" / ".old.part"
    fresh.touch()
    old.touch()
    os.utime(old, (time.time() - 3600,) * 2)
    upload = workspace.runs / ".upload-x"
    upload.mkdir(parents=True)
    held = hold(upload)
    clean_leftovers(workspace)
    assert [path.exists() for path in (snapshot, release, fresh, old, upload)] == [False, False, True, False, True]
    os.utime(upload, (time.time() - 2 * 24 * 3600,) * 2)
    clean_leftovers(workspace)
    assert not upload.exists()
    assert held is not None
    os.close(held)


def test_runs_keep_their_order_when_the_clock_is_set_back(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [new_run_id(workspace, "train")]
    create_run(workspace, before[0], "train")
    set_clock(monkeypatch, recording, -1)
    for _ in range(3):
        before.append(new_run_id(workspace, "ingest"))
        create_run(workspace, before[-1], "ingest")
    assert run_ids(workspace) == before[::-1]
