from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from engine.core.errors import JobRunningError, NotFoundError
from engine.core.workspace import Workspace
from engine.jobs import RunStatus, active_run, cancel_run, list_runs, run_log, run_status, start_run, upload_folder
from engine.jobs.control import RUN_VARIABLE
from engine.jobs.lease import lease_holder
from engine.jobs.recording import lease_file, status_file

Start = Callable[..., str]
Wait = Callable[..., RunStatus]


def has_begun(status: RunStatus) -> bool:
    return bool(status.steps)


def child_pid(workspace: Workspace) -> int:
    holder = lease_holder(lease_file(workspace))
    assert holder is not None
    return holder.pid


def test_a_run_reports_its_steps_and_its_result(workspace: Workspace, start: Start, wait_for: Wait) -> None:
    run_id = start()
    assert active_run(workspace) == run_id
    status = wait_for(run_id)
    assert (status.state, status.message, status.release_id) == ("done", "Trained.", "r1")
    assert [step.name for step in status.steps] == [f"Step {i + 1}: reading {i + 10} clicks" for i in range(3)]
    assert all(step.state == "done" and step.done == 1.0 and step.seconds >= 0.05 for step in status.steps)
    assert status.ended_at is not None
    assert status.ended_at >= status.started_at
    assert status.done == 1.0
    assert "at work" in run_log(workspace, run_id)
    assert active_run(workspace) is None


def test_a_failed_run_keeps_the_message_and_marks_the_step(start: Start, wait_for: Wait) -> None:
    status = wait_for(start(behave="fails"))
    assert (status.state, status.message) == ("failed", "Too few clicks.")
    assert status.steps[-1].state == "failed"


def test_an_unexpected_error_is_named_and_its_trace_goes_to_the_log(
    workspace: Workspace, start: Start, wait_for: Wait
) -> None:
    run_id = start(behave="breaks")
    status = wait_for(run_id)
    assert status.state == "failed"
    assert "ZeroDivisionError" in status.message
    assert "by zero" not in status.message
    assert "ZeroDivisionError: by zero" in run_log(workspace, run_id)


def test_a_second_start_is_refused_while_a_run_is_at_work(workspace: Workspace, start: Start) -> None:
    run_id = start(seconds=30)
    with pytest.raises(JobRunningError, match=run_id):
        start()
    cancel_run(workspace, run_id, grace=3.0)
    assert [run.run_id for run in list_runs(workspace)] == [run_id], "the refused start left nothing behind"


def test_of_simultaneous_starts_exactly_one_wins(workspace: Workspace, start: Start) -> None:
    won: list[str] = []
    refused: list[JobRunningError] = []
    together = threading.Barrier(4)

    def attempt() -> None:
        together.wait()
        try:
            won.append(start(seconds=30))
        except JobRunningError as exc:
            refused.append(exc)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(refused)) == (1, 3)
    assert cancel_run(workspace, won[0], grace=3.0).state == "cancelled"


def test_cancel_unwinds_the_run_so_that_nothing_half_written_stays(
    workspace: Workspace, start: Start, wait_for: Wait
) -> None:
    run_id = start(seconds=30)
    wait_for(run_id, has_begun)
    # Left alone it would be done before the grace is over.
    assert cancel_run(workspace, run_id, grace=120.0).state == "cancelled"
    assert list(workspace.releases.iterdir()) == []
    assert active_run(workspace) is None
    assert cancel_run(workspace, run_id).state == "cancelled", "cancelling twice changes nothing"


def test_cancel_kills_a_run_that_does_not_listen(workspace: Workspace, start: Start, wait_for: Wait) -> None:
    run_id = start(behave="stubborn", seconds=30)
    wait_for(run_id, has_begun)
    pid = child_pid(workspace)
    status = cancel_run(workspace, run_id, grace=0.3)
    assert (status.state, active_run(workspace)) == ("cancelled", None)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_cancel_ends_a_run_that_has_not_begun(workspace: Workspace, start: Start) -> None:
    run_id = start(seconds=30)  # the interpreter is still starting: no handler is there yet
    assert cancel_run(workspace, run_id).state == "cancelled"
    assert active_run(workspace) is None


def test_a_killed_run_is_lost_and_its_leftovers_go_at_the_next_start(
    workspace: Workspace, start: Start, wait_for: Wait
) -> None:
    run_id = start(seconds=30)
    wait_for(run_id, has_begun)
    os.kill(child_pid(workspace), signal.SIGKILL)
    status = wait_for(run_id)
    assert status.state == "lost"
    assert "killed" in status.message
    assert status.steps[-1].state == "failed"
    assert len(list(workspace.releases.glob(".*.part"))) == 1
    assert wait_for(start()).state == "done"
    assert list(workspace.releases.glob(".*.part")) == []


def test_a_worker_that_outlives_a_killed_run_neither_holds_the_lease_nor_survives_the_next_start(
    workspace: Workspace, start: Start, wait_for: Wait
) -> None:
    run_id = start(behave="forks", seconds=30)
    wait_for(run_id, has_begun)
    pid = child_pid(workspace)
    worker = psutil.Process(pid).children()[0]
    os.kill(pid, signal.SIGKILL)
    assert wait_for(run_id).state == "lost"
    assert worker.environ()[RUN_VARIABLE] == run_id
    assert wait_for(start()).state == "done"
    psutil.wait_procs([worker], timeout=60)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


def test_a_run_killed_at_any_moment_leaves_a_state_from_which_the_next_one_succeeds(
    workspace: Workspace, start: Start, wait_for: Wait
) -> None:
    moments = random.Random(7)
    for _ in range(6):
        run_id = start(steps=20, seconds=0.02)
        time.sleep(moments.uniform(0.0, 0.9))
        holder = lease_holder(lease_file(workspace))
        if holder and holder.run_id == run_id:
            os.kill(holder.pid, signal.SIGKILL)
        wait_for(run_id)
        json.loads(status_file(workspace, run_id).read_text())
    assert wait_for(start()).state == "done"
    assert list(workspace.releases.glob(".*.part")) == []


def test_a_run_that_is_not_there_is_named(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="nonesuch"):
        run_status(workspace, "nonesuch")
    with pytest.raises(NotFoundError, match="nonesuch"):
        cancel_run(workspace, "nonesuch")
    assert list_runs(workspace) == []


def test_a_run_of_the_command_line_tells_a_merchandiser_why_it_failed(workspace: Workspace, wait_for: Wait) -> None:
    status = wait_for(start_run(workspace, "train"))
    assert status.state == "failed"
    assert "Load one with `ingest`" in status.message


def test_the_folder_of_an_upload_goes_with_its_run(workspace: Workspace, wait_for: Wait) -> None:
    folder = upload_folder(workspace)
    (folder / "events.csv").write_text("nothing that can be read")
    arguments = ["--interactions", str(folder / "events.csv")]
    status = wait_for(start_run(workspace, "ingest", arguments=arguments, discard=folder))
    assert status.state == "failed"
    assert "events.csv" in status.message
    assert not folder.exists()
