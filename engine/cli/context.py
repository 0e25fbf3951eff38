"""What several commands need: the workspace, the settings, and being a run."""

from __future__ import annotations

import argparse
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.cli.console import Console
from engine.core.logs import configured_logging
from engine.core.progress import Progress
from engine.core.settings import Settings, load_settings, workspace_path
from engine.core.settings_groups import LogSettings
from engine.core.workspace import Workspace
from engine.jobs.recording import RunRecorder, recorded_run

if TYPE_CHECKING:
    from engine.curation.judgements import JudgementStore
    from engine.serving.served_shop import ServedShop
    from engine.store import Database

__all__ = [
    "open_database",
    "open_judgements",
    "open_served",
    "open_settings",
    "open_workspace",
    "run_of_its_own",
]


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
    """Be a run: hold the workspace's lease, be listed on the Model page, and report progress to both.

    What is logged goes to the workspace's log, under the run's id.
    """
    with (
        configured_logging(open_workspace(arguments), _log_settings(arguments), console_level=logging.WARNING),
        recorded_run(
            open_workspace(arguments),
            kind,
            run_id=arguments.run,
            lease_descriptor=arguments.lease,
            trains=getattr(arguments, "train", False),
        ) as recorder,
    ):

        def progress(step: str, done: float, message: str = "") -> None:
            recorder.progress(step, done, message)
            console.progress(step, done, message)

        try:
            yield recorder, progress
        finally:
            if arguments.discard is not None:
                shutil.rmtree(arguments.discard, ignore_errors=True)


def _log_settings(arguments: argparse.Namespace) -> LogSettings:
    """Those of the workspace, for lines that stand among a command's own: text."""
    return open_settings(arguments).logs.model_copy(update={"console": "text"})


def open_database(arguments: argparse.Namespace) -> Database:
    """The database of judgements, drafts and changes, migrated; created if it does not exist."""
    from engine.store import Database, database_url

    return Database(database_url(open_workspace(arguments), open_settings(arguments)))


def open_judgements(arguments: argparse.Namespace) -> JudgementStore:
    """The judgements in that database."""
    from engine.curation.judgements import JudgementStore

    return JudgementStore(open_database(arguments))


def open_served(arguments: argparse.Namespace, console: Console, release_id: str | None = None) -> ServedShop:
    """The shop as it is served, of the published release unless another is asked for.

    Prints a notice where it is not the release that was published last.
    """
    from engine.serving.served_shop import ServedShop

    workspace, settings = open_workspace(arguments), open_settings(arguments)
    shop = ServedShop.open(workspace, settings, release_id, progress=console.progress)
    if shop.notice:
        console.note(shop.notice)
    return shop
