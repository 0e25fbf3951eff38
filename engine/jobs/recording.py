"""The record that a run writes about itself: its steps and how it ended, in runs/<id>/status.json.

The file is replaced atomically, at most a few times a second. Only the run writes it while it lives; `engine.jobs.status`
reads it.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from engine.access.acting import require
from engine.access.roles import Action
from engine.core.disk_errors import disk_error
from engine.core.errors import LongtailError
from engine.core.held_folders import INGEST_PREFIX, sweep
from engine.core.logs import new_error_number, process_wide
from engine.core.storage import atomic_write_json
from engine.core.workspace import Workspace
from engine.jobs.lease import Lease

__all__ = [
    "CANCEL_MARK",
    "NEEDED_FOR",
    "UPLOAD_PREFIX",
    "RunRecorder",
    "clean_leftovers",
    "create_run",
    "lease_file",
    "new_run_id",
    "recorded_run",
    "status_file",
    "sweep_folders",
]

logger = logging.getLogger(__name__)

# What somebody has to be allowed to start a run of a kind; an evaluation changes nothing.
NEEDED_FOR: Mapping[str, Action] = {"train": Action.TRAIN, "demo": Action.LOAD_SHOP, "ingest": Action.LOAD_SHOP}
SECONDS_BETWEEN_WRITES = 0.2
# A file of this name in the run's directory means that somebody cancelled it.
CANCEL_MARK = "cancel"
# Pages write pictures without the lease: their files are not leftovers until they are this old.
LEFTOVER_SECONDS = 600.0
UPLOAD_PREFIX = ".upload-"
UPLOAD_SECONDS = 24 * 3600.0
_MOMENT = "%Y%m%d-%H%M%S%f"


class RunRecorder:
    """Writes the record of one run; its `progress` is an `engine.core.progress.Progress`."""

    def __init__(self, file: Path, record: Mapping[str, Any]):
        self._file, self._record = file, dict(record)
        self._steps: list[dict[str, Any]] = []
        self._step_began = 0.0
        self._written = -SECONDS_BETWEEN_WRITES
        self.message = ""
        self.release_id: str | None = None

    def progress(self, step: str, done: float, message: str = "") -> None:
        """Record how much of `step` is done; a step of a new name ends the one before it."""
        now = time.monotonic()
        new = not self._steps or self._steps[-1]["name"] != step
        if new:
            self._close_step(now)
            self._steps.append({"name": step, "done": 0.0, "seconds": 0.0, "message": ""})
            self._step_began = now
        current = self._steps[-1]
        current["done"] = min(max(float(done), current["done"]), 1.0)
        current["seconds"] = now - self._step_began
        current["message"] = message or current["message"]
        if new or done >= 1.0 or now - self._written >= SECONDS_BETWEEN_WRITES:
            self._write(now)

    def end(self, state: str, message: str = "") -> None:
        """Record how the run ended: done, failed or cancelled."""
        now = time.monotonic()
        if state == "done":
            self._close_step(now)
        self._record |= {
            "state": state,
            "message": message,
            "release_id": self.release_id,
            "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._write(now)

    def _close_step(self, now: float) -> None:
        if self._steps:
            if self._steps[-1]["done"] < 1.0:
                self._steps[-1]["seconds"] = now - self._step_began
            self._steps[-1]["done"] = 1.0

    def _write(self, now: float) -> None:
        self._written = now
        atomic_write_json(self._file, self._record | {"steps": self._steps, "updated_at": time.time()})


@contextmanager
def recorded_run(
    workspace: Workspace,
    kind: str,
    *,
    run_id: str | None = None,
    lease_descriptor: int | None = None,
    trains: bool = False,
) -> Iterator[RunRecorder]:
    """Execute the body as a run: with the lease, recorded, and ended by SIGTERM as by Ctrl-C.

    `trains` says that a run which is not a training itself ends with one. A child that `engine.jobs.start_run` started passes its run and the lease it inherited; a command typed by a person
    passes neither and becomes a new run, or fails with `JobRunningError`.
    """
    if kind in NEEDED_FOR:
        require(NEEDED_FOR[kind])
    if run_id is None or lease_descriptor is None:
        run_id, lease = _new_run(workspace, kind)
    else:
        os.set_inheritable(lease_descriptor, False)
        lease = Lease(lease_descriptor)
        lease.name_process(run_id, os.getpid(), own_group=True)
    # A forked worker that outlives a killed run must not keep the workspace locked.
    os.register_at_fork(after_in_child=lease.close)
    recorder = RunRecorder(status_file(workspace, run_id), create_run(workspace, run_id, kind) | {"trains": trains})
    restore = _terminate_like_interrupt()
    try:
        with process_wide(run_id=run_id):
            logger.info("%s began", kind)
            yield from _recorded(recorder)
    finally:
        restore()
        lease.close()


def _recorded(recorder: RunRecorder) -> Iterator[RunRecorder]:
    """Yield the recorder, then record and log how the body ended."""
    try:
        yield recorder
    except (LongtailError, OSError) as exc:
        error = disk_error(exc) if isinstance(exc, OSError) else exc
        detail, number = getattr(error, "detail", ""), ""
        if detail:
            number = new_error_number()
            logger.warning("failed: %s (%s)", error, detail, exc_info=error is not exc, extra={"error": number})
        else:
            logger.warning("failed: %s", error)
        with suppress(OSError):  # a full disk takes no record either; the run is listed as lost
            recorder.end("failed", f"{error} (error {number})" if number else str(error))
        if error is exc:
            raise
        raise error from exc
    except KeyboardInterrupt:
        logger.info("cancelled")
        recorder.end("cancelled", "Cancelled.")
        raise
    except BaseException as exc:
        number = new_error_number()
        logger.exception("unexpected in a run", extra={"error": number})
        recorder.end("failed", f"Unexpected {type(exc).__name__}. The log has the details under error {number}.")
        raise
    else:
        recorder.end("done", recorder.message)
        logger.info("done: %s", recorder.message)


def _new_run(workspace: Workspace, kind: str) -> tuple[str, Lease]:
    run_id = new_run_id(workspace, kind)
    lease = Lease.take(lease_file(workspace), run_id)
    lease.name_process(run_id, os.getpid(), own_group=False)
    clean_leftovers(workspace)
    return run_id, lease


def new_run_id(workspace: Workspace, kind: str) -> str:
    """An id that says when, to the millisecond, and sorts after those of all runs here: 20260131-094500123-train-1f3a.

    Where the clock was set back it counts on from the latest of them.
    """
    moment = _moment(datetime.now(UTC))
    latest = max((file.parent.name[: len(moment)] for file in workspace.runs.glob("*/status.json")), default="")
    if moment <= latest:
        with suppress(ValueError):  # a folder that somebody named by hand
            moment = _moment(datetime.strptime(latest, _MOMENT) + timedelta(milliseconds=1))
    return f"{moment}-{kind}-{secrets.token_hex(2)}"


def _moment(moment: datetime) -> str:
    return moment.strftime(_MOMENT)[:-3]


def create_run(workspace: Workspace, run_id: str, kind: str) -> dict[str, Any]:
    """Create the run's directory and first record, or read the existing record."""
    file = status_file(workspace, run_id)
    if file.is_file():
        return dict(json.loads(file.read_text("utf-8")))
    record = {
        "run_id": run_id,
        "kind": kind,
        "state": "running",
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "ended_at": None,
        "message": "",
        "release_id": None,
    }
    atomic_write_json(file, record | {"steps": [], "updated_at": time.time()})
    return record


def lease_file(workspace: Workspace) -> Path:
    """The file whose lock is the lease."""
    return workspace.runs / "lease"


def status_file(workspace: Workspace, run_id: str) -> Path:
    """The file with the record of a run."""
    return workspace.runs / run_id / "status.json"


def clean_leftovers(workspace: Workspace) -> None:
    """Remove half-written files of killed runs, and uploads of dashboards that ended; the caller holds the lease.

    Only the holder of the lease writes snapshots and releases, so nobody owns a half-written one any more. A single file
    may be one that a page is writing now, and is left for `LEFTOVER_SECONDS`.
    """
    for folder in (workspace.snapshots, workspace.releases):
        for leftover in folder.glob(".*.part"):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
    _remove_older(workspace.root.rglob(".*.part"), LEFTOVER_SECONDS)
    _remove_older(workspace.runs.glob(f"{UPLOAD_PREFIX}*"), UPLOAD_SECONDS)
    sweep_folders(workspace)


def sweep_folders(workspace: Workspace) -> None:
    """Remove what killed ingests and dashboards that ended have left, and nothing that a living process holds.

    Needs no lease, so a dashboard does it when it starts.
    """
    sweep(workspace.root, INGEST_PREFIX)
    sweep(workspace.runs, UPLOAD_PREFIX)


def _remove_older(paths: Iterable[Path], seconds: float) -> None:
    oldest = time.time() - seconds
    for path in list(paths):
        with suppress(FileNotFoundError):  # its owner removed it first
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def _terminate_like_interrupt() -> Any:
    """Let SIGTERM unwind the run, so that half-written files are removed; returns a function that restores the old handler."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    owner = os.getpid()

    def interrupt(signum: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:  # a forked worker has nothing to clean up
            os._exit(128 + signum)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    return lambda: signal.signal(signal.SIGTERM, before)
