"""Starting a run in a child process, and ending it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil

from engine.access.acting import require
from engine.access.audit import deed
from engine.access.roles import Action
from engine.core.errors import JobError
from engine.core.held_folders import make_held
from engine.core.settings import child_environment
from engine.core.storage import atomic_write_json
from engine.core.workspace import Workspace
from engine.jobs.lease import Lease, lease_holder
from engine.jobs.recording import (
    CANCEL_MARK,
    NEEDED_FOR,
    UPLOAD_PREFIX,
    clean_leftovers,
    create_run,
    lease_file,
    new_run_id,
    status_file,
)
from engine.jobs.status import RunStatus, active_run, read_record, run_ids, run_status

__all__ = ["Kind", "cancel_run", "launch", "start_run", "upload_folder"]

Kind = Literal["train", "demo", "ingest"]

PROJECT = Path(__file__).resolve().parent.parent.parent
# Every descendant of a run carries this variable, so that processes which a killed run left behind can be found and ended.
RUN_VARIABLE = "LONGTAIL_RUN"
# What holds the folders of uploads: they last as long as this process, and no page does.
_held: dict[Path, int] = {}
REUSE_MEMORY = {
    "MALLOC_TOP_PAD_": "16777216",
    "MALLOC_MMAP_THRESHOLD_": "16777216",
    "MALLOC_TRIM_THRESHOLD_": "134217728",
}
"""glibc reuses freed memory instead of asking the system for fresh pages: drawing a dress takes 24 ms, not 30."""


def start_run(
    workspace: Workspace,
    kind: Kind,
    overrides: Mapping[str, str] | None = None,
    *,
    arguments: Sequence[str] = (),
    discard: Path | None = None,
) -> str:
    """Start a run in a child process with a session of its own; returns the run's id.

    Parameters
    ----------
    kind : "train"; "demo" (draws the demo shop, then trains and publishes); "ingest" (loads files).
    overrides : settings, as `--set key=value` gives them.
    arguments : further arguments of the command, e.g. `["--items", "/tmp/a.csv", "--train"]` for "ingest".
    discard : a folder from `upload_folder` that the run removes when it ends.

    The run acts for whoever starts it. Raises `NotAllowedError` where they may not, `JobRunningError` if another run holds the
    workspace, `JobError` if no child can be started.
    """
    actor = require(NEEDED_FOR[kind])
    command: list[str] = [kind]
    if kind == "demo" and "--train" not in arguments:
        command.append("--train")
    command += arguments
    for name, value in (overrides or {}).items():
        command += ["--set", f"{name}={value}"]
    if discard is not None:
        command += ["--discard", str(discard.absolute())]
    return launch(
        workspace,
        kind,
        [sys.executable, "-m", "engine", "--workspace", str(workspace.root.absolute())],
        ["--by", actor.name, str(actor.role), *command],
    )


def cancel_run(workspace: Workspace, run_id: str, *, grace: float = 5.0) -> RunStatus:
    """End a run: SIGTERM, then SIGKILL to its whole process group after `grace` seconds. Waits until it has ended.

    A run that has ended already does not change. Raises `NotAllowedError` where who acts may not train.
    """
    record = read_record(workspace, run_id)
    action = NEEDED_FOR.get(record["kind"], Action.TRAIN)
    require(action)
    if record["state"] == "running" and active_run(workspace) == run_id:
        with deed(action, f"run {run_id}", workspace=workspace, before="running", after="cancelled"):
            _end(workspace, run_id, grace)
        record = read_record(workspace, run_id)
        if record["state"] == "running":  # it had no time to record its end itself
            record |= {
                "state": "cancelled",
                "message": "Cancelled.",
                "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            atomic_write_json(status_file(workspace, run_id), record)
    return run_status(workspace, run_id)


def _end(workspace: Workspace, run_id: str, grace: float) -> None:
    (status_file(workspace, run_id).parent / CANCEL_MARK).touch()
    for sent, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
        _signal(workspace, run_id, sent)
        if _wait_until_free(workspace, run_id, patience):
            break
    else:
        raise JobError(f"Run {run_id} cannot be ended: the system does not release its process.")
    _end_descendants(run_id)


def upload_folder(workspace: Workspace) -> Path:
    """A new folder for files that a run will load; pass it to `start_run(discard=)`, and the run removes it.

    This process holds it as long as it lives; what it leaves behind, the next run or dashboard removes.
    """
    for gone in [folder for folder in _held if not folder.exists()]:
        os.close(_held.pop(gone))
    workspace.runs.mkdir(parents=True, exist_ok=True)
    folder, _held[folder] = make_held(workspace.runs, UPLOAD_PREFIX)
    return folder


def launch(workspace: Workspace, kind: str, program: Sequence[str], command: Sequence[str]) -> str:
    """Take the lease, hand it to a new child, and leave the child to itself."""
    run_id = new_run_id(workspace, kind)
    lease = Lease.take(lease_file(workspace), run_id)
    try:
        _end_lost_runs(workspace)
        clean_leftovers(workspace)
        create_run(workspace, run_id, kind)
        child = _spawn(workspace, run_id, lease, program, command)
        lease.name_process(run_id, child.pid, own_group=True)
    except OSError as exc:
        shutil.rmtree(workspace.runs / run_id, ignore_errors=True)
        raise JobError(f"The run could not be started: {exc}.") from exc
    finally:
        lease.close()
    # Someone must collect the child's exit status, or it stays a zombie as long as this process lives.
    threading.Thread(target=child.wait, name=f"wait for {run_id}", daemon=True).start()
    return run_id


def _spawn(
    workspace: Workspace, run_id: str, lease: Lease, program: Sequence[str], command: Sequence[str]
) -> subprocess.Popen[bytes]:
    with (workspace.runs / run_id / "log.txt").open("wb") as log:
        return subprocess.Popen(
            [*program, "--run", run_id, "--lease", str(lease.descriptor), *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
            env=child_environment(**{RUN_VARIABLE: run_id, "PYTHONUNBUFFERED": "1"}, **REUSE_MEMORY),
            pass_fds=[lease.descriptor],
            start_new_session=True,
        )


def _signal(workspace: Workspace, run_id: str, sent: signal.Signals) -> None:
    """Signal the run's process, and its whole group if it has one."""
    holder = lease_holder(lease_file(workspace))
    if holder and holder.run_id == run_id and holder.process():
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if holder.own_group else os.kill)(holder.pid, sent)


def _wait_until_free(workspace: Workspace, run_id: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while active_run(workspace) == run_id:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _end_lost_runs(workspace: Workspace) -> None:
    """End processes that killed runs left behind; the caller holds the lease, so nobody needs them any more."""
    for run_id in run_ids(workspace):
        if read_record(workspace, run_id)["state"] == "running":
            _end_descendants(run_id)


def _end_descendants(run_id: str) -> None:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.uids().real == os.getuid() and process.environ().get(RUN_VARIABLE) == run_id:
                process.kill()
