"""The checks that a start, the command `check` and the Status page make, each with a sentence that says what to do."""

from __future__ import annotations

import errno
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from engine.core.errors import LongtailError, NoReleaseError, SettingsError
from engine.core.settings import Settings, load_settings
from engine.core.workspace import Workspace
from engine.curation.activity import newest_judgement
from engine.jobs import latest_runs
from engine.release.publish import last_good_release, list_releases
from engine.store import Database, database_url, has_database
from engine.store.dialect import journal_note

__all__ = [
    "LITTLE_SPACE",
    "Check",
    "Outcome",
    "check_all",
    "disk_check",
    "release_check",
    "stops_start",
    "writable_check",
]

LITTLE_SPACE, NO_SPACE = 1_000_000_000, 50_000_000  # bytes
FEW_FILES = 1024
# Clocks of two machines that are kept in time differ by less.
CLOCK_TOLERANCE = timedelta(minutes=2)
# Without these there is nothing that a dashboard could show or store; the pages themselves speak of the others.
NEEDED = ("Settings", "Workspace", "Database")


class Outcome(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes
    ----------
    name : what was checked, e.g. "Database".
    sentence : what was found, and what to do where it is not well; without passwords.
    """

    name: str
    outcome: Outcome
    sentence: str


def check_all(workspace: Workspace, open_database: Callable[[str], Database] = Database) -> Iterator[Check]:
    """Every check, in the order in which they matter. Migrates the database if there is one.

    Parameters
    ----------
    open_database : by its URL.
    """
    try:
        settings = load_settings(workspace.root)
        yield Check("Settings", Outcome.OK, "Every setting is valid.")
    except (SettingsError, OSError) as exc:
        yield Check("Settings", Outcome.FAILED, f"{exc}")
        settings = None
    yield writable_check(workspace.root)
    yield disk_check(workspace.root)
    database = None
    if settings is not None:
        found, database = _database_check(workspace, settings, open_database)
        yield found
    yield _clock_check(workspace, database)
    yield _files_check()
    yield release_check(workspace)


def stops_start(check: Check) -> bool:
    """Whether a dashboard does not start with this."""
    return check.outcome is Outcome.FAILED and check.name in NEEDED


def writable_check(root: Path) -> Check:
    """Whether files can be made in the workspace, or where it will be."""
    place = _existing(root)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as exc:
        if exc.errno != errno.ENOSPC:
            what = f"{place} cannot be written ({exc.strerror}). Give Longtail's user the right to write to it."
            return Check("Workspace", Outcome.FAILED, what)
    return Check("Workspace", Outcome.OK, f"{root} can be written.")


def disk_check(root: Path) -> Check:
    """Whether there is room where the workspace lies."""
    place = _existing(root)
    try:
        free = shutil.disk_usage(place).free
        with tempfile.TemporaryFile(dir=place) as stream:
            stream.write(b"\0" * 4096)
            stream.flush()
    except OSError as exc:
        return Check("Disk", Outcome.FAILED, f"Nothing can be written to the disk ({exc.strerror}). Free some space.")
    found = f"{free / 1e9:,.1f} GB are free where the workspace is"
    if free < NO_SPACE:
        return Check("Disk", Outcome.FAILED, f"{found}: too little to store judgements safely. Free some space.")
    if free < LITTLE_SPACE:
        return Check("Disk", Outcome.WARNING, f"{found}: too little for another release. Free some space.")
    return Check("Disk", Outcome.OK, f"{found}.")


def release_check(workspace: Workspace) -> Check:
    """Whether what was published is whole; reads all of it once for each process."""
    try:
        release_id, notice = last_good_release(workspace)
    except NoReleaseError:
        return Check("Release", Outcome.OK, "No release yet: train one, or build the demo shop.")
    except (LongtailError, OSError) as exc:
        return Check("Release", Outcome.FAILED, str(exc))
    if notice:
        return Check("Release", Outcome.WARNING, notice)
    return Check("Release", Outcome.OK, f"Release {release_id} is whole.")


def _database_check(
    workspace: Workspace, settings: Settings, open_database: Callable[[str], Database]
) -> tuple[Check, Database | None]:
    if not has_database(workspace, settings):
        return Check("Database", Outcome.OK, "It will be made with the first judgement."), None
    url = database_url(workspace, settings)
    try:
        database = open_database(url)
        database.check()
    except LongtailError as exc:
        detail = getattr(exc, "detail", "")
        return Check("Database", Outcome.FAILED, f"{exc} ({detail})" if detail else str(exc)), None
    found = " ".join(filter(None, ("It answers, and its tables are up to date.", journal_note(database.engine))))
    return Check("Database", Outcome.OK, found), database


def _clock_check(workspace: Workspace, database: Database | None) -> Check:
    """Whether the clock is not before what was written already: leases and deadlines go by it."""
    now, newest = datetime.now(UTC), _newest_record(workspace, database)
    if newest is not None and now < newest - CLOCK_TOLERANCE:
        what = (
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, but something was stored at {newest:%Y-%m-%d %H:%M} UTC. "
            "Set the clock, or wait until it has caught up; cards may stay assigned to someone until then."
        )
        return Check("Clock", Outcome.WARNING, what)
    return Check("Clock", Outcome.OK, f"It says {now:%Y-%m-%d %H:%M} UTC, after everything that was stored.")


def _newest_record(workspace: Workspace, database: Database | None) -> datetime | None:
    runs = latest_runs(workspace, 1)
    releases = [one for one in list_releases(workspace, verify=False)[:1] if one.damage is None]
    moments = [
        newest_judgement(database) if database is not None else None,
        *(run.started_at for run in runs),
        *(datetime.fromisoformat(release.created_at) for release in releases),
    ]
    return max((moment for moment in moments if moment is not None), default=None)


def _files_check() -> Check:
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed < FEW_FILES:
        what = (
            f"Only {allowed:,} files may be open at once: too few for many people. "
            "Raise it to 4,096 (LimitNOFILE in systemd, ulimit -n in a shell)."
        )
        return Check("Open files", Outcome.WARNING, what)
    return Check("Open files", Outcome.OK, f"{allowed:,} may be open at once.")


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next((one for one in (path.absolute(), *path.absolute().parents) if one.exists()), Path("/"))
