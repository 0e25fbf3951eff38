"""The state of runs, read from their records, and the time that they still need.

A run whose record says "running" but that does not hold the lease is *lost*, or cancelled if somebody cancelled it: the
lease decides, not a guess about process ids.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from engine.core.errors import NotFoundError
from engine.core.reading import read_json
from engine.core.workspace import Workspace
from engine.jobs.lease import lease_holder
from engine.jobs.recording import CANCEL_MARK, lease_file, status_file
from engine.jobs.step_plan import share_done, step_key, typical_seconds

__all__ = [
    "RunStatus",
    "StepStatus",
    "active_run",
    "latest_runs",
    "list_runs",
    "read_record",
    "run_ids",
    "run_log",
    "run_status",
]

RunState = Literal["running", "done", "failed", "cancelled", "lost"]
StepState = Literal["waiting", "running", "done", "failed"]

LOST = (
    "The run stopped without a message: it was killed, or the machine ran out of memory. "
    "The next run removes its unfinished files."
)
DAMAGED = "The record of this run is damaged, so what became of it is not known. What it did to the shop is unchanged."


class _Step(BaseModel):
    name: str
    done: float
    seconds: float
    message: str


class _Record(BaseModel):
    """status.json, as `engine.jobs.recording` writes it."""

    model_config = ConfigDict(extra="allow")

    run_id: str
    kind: str
    state: RunState
    started_at: Annotated[str, AfterValidator(lambda text: datetime.fromisoformat(text).isoformat())]
    ended_at: Annotated[str, AfterValidator(lambda text: datetime.fromisoformat(text).isoformat())] | None
    message: str
    release_id: str | None
    steps: list[_Step]
    updated_at: float


@dataclass(frozen=True)
class StepStatus:
    """One named step; `done` runs from 0 to 1. The `seconds` of a waiting step are those it is expected to take."""

    name: str
    done: float
    seconds: float
    message: str
    state: StepState


@dataclass(frozen=True)
class RunStatus:
    """The state of a run.

    Attributes
    ----------
    done : how much of the whole run is done, 0 to 1; it never falls.
    started_at, ended_at : UTC.
    seconds_left : None unless a run of this kind was done here before.
    """

    run_id: str
    kind: str
    state: RunState
    steps: list[StepStatus]
    started_at: datetime
    ended_at: datetime | None
    message: str
    release_id: str | None
    done: float = 0.0
    seconds_left: float | None = None

    @property
    def current_step(self) -> StepStatus | None:
        """The running step, or the last one that ran."""
        begun = [step for step in self.steps if step.state != "waiting"]
        return begun[-1] if begun else None


def run_status(workspace: Workspace, run_id: str) -> RunStatus:
    """The state of a run, read from disk; `NotFoundError` if it does not exist."""
    record = _checked_record(workspace, run_id)
    steps = _begun_steps(record)
    seconds_left = None
    plan = _plan(workspace, record)
    if record["state"] == "done":
        done = 1.0
    else:
        typical = plan or typical_seconds(record["kind"], trains=record.get("trains", False))
        done = share_done([(step.name, step.done) for step in steps], typical)
    if record["state"] == "running" and plan:
        waiting, seconds_left = _expect(steps, plan)
        steps += waiting
    return RunStatus(
        run_id=record["run_id"],
        kind=record["kind"],
        state=record["state"],
        steps=steps,
        started_at=datetime.fromisoformat(record["started_at"]),
        ended_at=datetime.fromisoformat(record["ended_at"]) if record["ended_at"] else None,
        message=record["message"],
        release_id=record["release_id"],
        done=done,
        seconds_left=seconds_left,
    )


def _checked_record(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """The record of a run, corrected if the run ended without recording it."""
    record = read_record(workspace, run_id)
    if record["state"] == "running" and active_run(workspace) != run_id:
        # It may have ended between the two checks; only reading the record again can tell.
        record = read_record(workspace, run_id)
        if record["state"] == "running":
            cancelled = (status_file(workspace, run_id).parent / CANCEL_MARK).exists()
            record |= (
                {"state": "cancelled", "message": "Cancelled."} if cancelled else {"state": "lost", "message": LOST}
            )
    return record


def list_runs(workspace: Workspace) -> list[RunStatus]:
    """All runs, newest first."""
    return [run_status(workspace, run_id) for run_id in run_ids(workspace)]


def latest_runs(workspace: Workspace, most: int) -> list[RunStatus]:
    """The last runs, newest first, at most so many."""
    return [run_status(workspace, run_id) for run_id in run_ids(workspace)[:most]]


def active_run(workspace: Workspace) -> str | None:
    """The id of the run that holds the workspace now, if one does."""
    holder = lease_holder(lease_file(workspace))
    return holder.run_id if holder else None


def run_log(workspace: Workspace, run_id: str, *, characters: int = 20_000) -> str:
    """The end of what the run printed."""
    file = status_file(workspace, run_id).parent / "log.txt"
    if not file.is_file():
        return ""
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - characters))
        return stream.read().decode("utf-8", errors="replace")


def run_ids(workspace: Workspace) -> list[str]:
    """The ids of all runs, newest first."""
    return sorted((file.parent.name for file in workspace.runs.glob("*/status.json")), reverse=True)


def read_record(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """The record as the run last wrote it; one that says so where it is damaged. `NotFoundError` if the run does not exist."""
    file = status_file(workspace, run_id)
    try:
        return dict(_Record.model_validate(read_json(file)).model_dump())
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise NotFoundError(f"There is no run {run_id!r} in {workspace.root}.") from exc
    except (OSError, ValueError):
        return _damaged(file, run_id)


def _damaged(file: Path, run_id: str) -> dict[str, Any]:
    """What stands for a record that cannot be read: a run that failed, when its folder last changed."""
    changed = datetime.fromtimestamp(file.parent.stat().st_mtime, UTC).isoformat(timespec="seconds")
    return {
        "run_id": run_id,
        "kind": run_id.split("-")[2] if run_id.count("-") >= 2 else "",
        "state": "failed",
        "started_at": changed,
        "ended_at": changed,
        "message": DAMAGED,
        "release_id": None,
        "steps": [],
        "updated_at": 0.0,
    }


def _plan(workspace: Workspace, record: Mapping[str, Any]) -> dict[str, float]:
    """Seconds of each step in the last run of this kind that was done here; empty if there was none."""
    for run_id in run_ids(workspace):
        if run_id < record["run_id"] and f"-{record['kind']}-" in run_id:
            earlier = read_record(workspace, run_id)
            if earlier["state"] == "done" and earlier.get("trains") == record.get("trains"):
                return {step_key(step["name"]): step["seconds"] for step in earlier["steps"]}
    return {}


def _begun_steps(record: Mapping[str, Any]) -> list[StepStatus]:
    """The steps that the run recorded; the state of the last one depends on the state of the run."""
    begun = []
    for step in record["steps"]:
        last = step is record["steps"][-1]
        state: StepState = "done"
        seconds = step["seconds"]
        if last and record["state"] in ("failed", "lost", "cancelled"):
            state = "failed"
        elif last and record["state"] == "running" and step["done"] < 1.0:
            state = "running"
            seconds += max(0.0, time.time() - record["updated_at"])
        begun.append(StepStatus(step["name"], step["done"], seconds, step["message"], state))
    return begun


def _expect(begun: list[StepStatus], plan: Mapping[str, float]) -> tuple[list[StepStatus], float]:
    """The planned steps that have not begun, and the seconds left, at this run's pace so far."""
    expected = {step.name: plan[key] for step in begun if (key := step_key(step.name)) in plan}
    finished = [step for step in begun if step.state == "done" and step.name in expected]
    # Two seconds on both sides prevent the first short steps from setting the pace of everything.
    pace = (sum(step.seconds for step in finished) + 2.0) / (sum(expected[step.name] for step in finished) + 2.0)
    running = [step for step in begun if step.state == "running"]
    left = sum(_seconds_left(step, expected.get(step.name, 0.0) * pace) for step in running)
    names = {step_key(step.name) for step in begun}
    waiting = [
        StepStatus(name, 0.0, seconds * pace, "", "waiting") for name, seconds in plan.items() if name not in names
    ]
    return waiting, left + sum(step.seconds for step in waiting)


def _seconds_left(step: StepStatus, expected: float) -> float:
    """By the share done once that is more than a tenth; before, by the seconds that the step is expected to take."""
    if step.done > 0.1:
        return step.seconds * (1.0 - step.done) / step.done
    return max(expected - step.seconds, 0.0)
