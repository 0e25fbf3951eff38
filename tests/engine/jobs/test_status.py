from __future__ import annotations

import time
from typing import Any

import pytest

from engine.core.storage import atomic_write_json
from engine.core.workspace import Workspace
from engine.jobs import list_runs, run_status
from engine.jobs.lease import Lease
from engine.jobs.recording import create_run, lease_file, status_file


def record(workspace: Workspace, run_id: str, state: str, steps: list[tuple[str, float, float]], **more: Any) -> None:
    """Write a run's record: steps are name, share done, seconds."""
    value = {
        "run_id": run_id,
        "kind": "train",
        "state": state,
        "started_at": "2026-01-31T09:45:00+00:00",
        "ended_at": None if state == "running" else "2026-01-31T09:46:00+00:00",
        "message": "",
        "release_id": None,
        "updated_at": time.time(),
        "steps": [{"name": n, "done": d, "seconds": s, "message": ""} for n, d, s in steps],
    }
    atomic_write_json(status_file(workspace, run_id), value | more)


@pytest.fixture
def running(workspace: Workspace) -> Any:
    lease = Lease.take(lease_file(workspace), "20260131-094500000-train-0002")
    yield "20260131-094500000-train-0002"
    lease.close()


def test_steps_to_come_and_the_time_left_follow_the_last_run_that_was_done(workspace: Workspace, running: str) -> None:
    earlier = "20260130-094500000-train-0001"
    record(
        workspace, earlier, "done", [("Reading 1,000 clicks", 1.0, 10.0), ("Learning", 1.0, 20.0), ("Maps", 1.0, 30.0)]
    )
    record(workspace, running, "running", [("Reading 1,234 clicks", 1.0, 10.0), ("Learning", 0.5, 10.0)])
    status = run_status(workspace, running)
    assert [(step.name, step.state) for step in status.steps] == [
        ("Reading 1,234 clicks", "done"),
        ("Learning", "running"),
        ("Maps", "waiting"),
    ]
    assert status.seconds_left == pytest.approx(10.0 + 30.0, abs=0.5)
    assert status.done == pytest.approx(20.0 / 60.0, abs=0.02)
    assert status.current_step is not None
    assert status.current_step.name == "Learning"


def test_a_machine_half_as_fast_as_last_time_is_expected_to_stay_so(workspace: Workspace, running: str) -> None:
    record(workspace, "20260130-094500000-train-0001", "done", [("A", 1.0, 98.0), ("B", 1.0, 50.0)])
    record(workspace, running, "running", [("A", 1.0, 198.0)])
    assert run_status(workspace, running).seconds_left == pytest.approx(100.0, abs=0.5)


def test_without_an_earlier_run_no_time_is_promised(workspace: Workspace, running: str) -> None:
    record(workspace, "20260130-094500000-train-0001", "failed", [("A", 1.0, 98.0)])
    record(workspace, running, "running", [("Reading the shop", 0.5, 1.0)])
    status = run_status(workspace, running)
    assert status.seconds_left is None
    assert 0.0 < status.done < 0.05


def test_the_running_steps_seconds_go_on_between_two_writes(workspace: Workspace, running: str) -> None:
    record(workspace, running, "running", [("A", 0.5, 1.0)], updated_at=time.time() - 5.0)
    assert run_status(workspace, running).steps[0].seconds == pytest.approx(6.0, abs=0.5)


def test_runs_are_listed_newest_first(workspace: Workspace) -> None:
    for run_id in ("20260101-000000000-train-ffff", "20260102-000000000-demo-0000"):
        record(workspace, run_id, "done", [])
    assert [run.run_id for run in list_runs(workspace)] == [
        "20260102-000000000-demo-0000",
        "20260101-000000000-train-ffff",
    ]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"run_id": 5}', b"null"])
def test_a_damaged_record_is_a_run_whose_end_is_not_known_and_hides_no_other(workspace, content):
    for name, data in (("20260101-000000000-train-aaaa", content), ("20260102-000000000-train-bbbb", None)):
        create_run(workspace, name, "train")
        if data is not None:
            status_file(workspace, name).write_bytes(data)
    newest, damaged = list_runs(workspace)
    assert (newest.run_id, damaged.state, damaged.kind) == ("20260102-000000000-train-bbbb", "failed", "train")
    assert "record of this run is damaged" in damaged.message
