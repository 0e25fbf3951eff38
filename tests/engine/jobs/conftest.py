"""A child that does what a run does, with steps whose length a test chooses."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.workspace import Workspace
from engine.jobs import RunStatus, active_run, run_status
from engine.jobs.control import launch

CHILD = """
import argparse, multiprocessing, signal, sys, time
from pathlib import Path
from engine.core.errors import TrainingError
from engine.jobs.recording import recorded_run
from engine.core.storage import atomic_directory
from engine.core.workspace import Workspace

def sleep_long():
    time.sleep(60)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for option in ("--workspace", "--run", "--behave"):
        parser.add_argument(option)
    parser.add_argument("--lease", type=int)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.05)
    args = parser.parse_args()
    workspace = Workspace(Path(args.workspace))
    with recorded_run(workspace, "train", run_id=args.run, lease_descriptor=args.lease) as run:
        print("at work")
        if args.behave == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if args.behave == "forks":
            multiprocessing.get_context("fork").Process(target=sleep_long).start()
        with atomic_directory(workspace.releases / args.run) as release:
            (release / "half").write_text("half")
            for step in range(args.steps):
                run.progress(f"Step {step + 1}: reading {step + 10:,} clicks", 0.0)
                time.sleep(args.seconds / 2)
                run.progress(f"Step {step + 1}: reading {step + 10:,} clicks", 0.5, "half of it")
                time.sleep(args.seconds / 2)
            if args.behave == "fails":
                raise TrainingError("Too few clicks.")
            if args.behave == "breaks":
                raise ZeroDivisionError("by zero")
        run.message, run.release_id = "Trained.", "r1"
"""


@pytest.fixture
def start(workspace: Workspace, tmp_path: Path) -> Callable[..., str]:
    """Start the child as `start_run` would start the command line; options are `--name value`."""
    script = tmp_path / "child.py"
    script.write_text(CHILD)

    def start_child(**options: object) -> str:
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        program = [sys.executable, "-c", f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"]
        return launch(workspace, "train", [*program, "--workspace", str(workspace.root)], arguments)

    return start_child


@pytest.fixture
def wait_for(workspace: Workspace) -> Callable[..., RunStatus]:
    """Wait until a run satisfies a condition, by default that it has ended and released the workspace."""

    def wait(run_id: str, condition: Callable[[RunStatus], bool] | None = None, seconds: float = 120.0) -> RunStatus:
        reached = condition or (lambda status: status.state != "running" and active_run(workspace) != run_id)
        deadline = time.monotonic() + seconds
        while not reached(status := run_status(workspace, run_id)):
            assert time.monotonic() < deadline, f"still waiting: {status}"
            time.sleep(0.02)
        return status

    return wait
