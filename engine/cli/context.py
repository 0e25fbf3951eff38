"""What several commands need: the workspace, the settings, and being a run."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from engine.cli.console import Console
from engine.jobs.recording import RunRecorder, recorded_run
from engine.progress import Progress
from engine.settings import Settings, load_settings, workspace_path
from engine.workspace import Workspace

__all__ = ["open_settings", "open_workspace", "run_of_its_own"]


def open_workspace(arguments: argparse.Namespace) -> Workspace:
    """The workspace that the command is about."""
    return Workspace(workspace_path(arguments.workspace))


def open_settings(arguments: argparse.Namespace) -> Settings:
    """The settings, with what `--set` changes for this command."""
    return load_settings(workspace_path(arguments.workspace), dict(getattr(arguments, "set", ())))


@contextmanager
def run_of_its_own(
    arguments: argparse.Namespace, console: Console, kind: str
) -> Iterator[tuple[RunRecorder, Progress]]:
    """Be a run: hold the workspace's lease, be listed on the Model page, and tell progress there and here."""
    with recorded_run(
        open_workspace(arguments), kind, run_id=arguments.run, lease_descriptor=arguments.lease
    ) as recorder:

        def progress(step: str, done: float, message: str = "") -> None:
            recorder.progress(step, done, message)
            console.progress(step, done, message)

        try:
            yield recorder, progress
        finally:
            if arguments.discard is not None:
                shutil.rmtree(arguments.discard, ignore_errors=True)
