"""Restoring a backup: all of it is checked before anything changes, and what was there before is kept."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

from engine.access.acting import require
from engine.access.audit import deed
from engine.access.roles import Action
from engine.backup.archive import ArchiveReader, open_archive
from engine.backup.journal import Journal, end_interrupted, put_in_place
from engine.backup.manifest import DATABASE_FOLDER, SECRETS, TOP_LEVEL, BackupManifest
from engine.core.disk_errors import file_errors_said
from engine.core.errors import BackupError, LongtailError
from engine.core.occupancy import alone_in
from engine.core.progress import Progress, silent
from engine.core.settings import load_settings
from engine.core.storage import fsync_tree
from engine.core.workspace import Workspace
from engine.store import database_url
from engine.store.dumps import fill_tables, has_rows
from engine.store.schema_version import newest_revision
from engine.store.whole_databases import build_beside, examine

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["Restored", "restore"]

_READ, _BUILD, _PLACE = "Reading and checking the backup", "Filling the database", "Putting it in place"
_TEMPORARY_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Restored:
    """What a restore did: what the backup held, and where what was there before lies now."""

    manifest: BackupManifest
    kept: tuple[str, ...]


def restore(
    workspace: Workspace,
    source: Path,
    *,
    replace_data: bool = False,
    to_database: str | None = None,
    environment: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> Restored:
    """Make the workspace, and its database, what they were when the backup was made.

    Only admins may; it is recorded in the audit of what was restored. Interrupted at any point it leaves the old or the new: what
    is not done when the process dies, the next command or dashboard undoes or finishes.

    Parameters
    ----------
    replace_data : where the workspace or the database has data: move that aside. It is never deleted.
    to_database : URL of another database than the backed-up settings name; it is written to the restored settings.
    environment : variables to read settings from instead of the process's own.

    Raises `BackupError` where the file is no whole backup or there is data, `WorkspaceBusyError` while a dashboard or a command has the
    workspace open, `StoreError` and `StorageError` where database or disk refuse.
    """
    require(Action.RESTORE)
    with open_archive(source) as archive:
        _check_version(archive.manifest, source)
        with file_errors_said(workspace.root):
            workspace.root.mkdir(parents=True, exist_ok=True)
            with alone_in(workspace.root):
                end_interrupted(workspace.root)
                _refuse_data(workspace, replace_data=replace_data)
                _check_room(workspace, archive.manifest)
                return _restore(workspace, archive, source, replace_data, to_database, environment, progress)


def _restore(
    workspace: Workspace,
    archive: ArchiveReader,
    source: Path,
    replace_data: bool,
    to_database: str | None,
    environment: Mapping[str, str] | None,
    progress: Progress,
) -> Restored:
    root, manifest = workspace.root, archive.manifest
    token = secrets.token_hex(4)
    journal = Journal(f"restored_{token}", f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}-{token}")
    journal.write(root)
    try:
        new = Workspace(journal.folder(root))
        new.root.mkdir()
        whole = max(manifest.total_bytes, 1)
        archive.extract(new.root, lambda written: progress(_READ, written / whole))
        for secret in SECRETS:
            if (new.root / secret).exists():
                os.chmod(new.root / secret, 0o600)
        url = _target_database(workspace, new, to_database, environment)
        _refuse_rows(url, replace_data=replace_data)
        progress(_BUILD, 0.0)
        journal = replace(journal, url=url)
        journal.write(root)
        _build_database(journal, new, source, manifest)
        shutil.rmtree(new.root / DATABASE_FOLDER, ignore_errors=True)
        fsync_tree(new.root)
        progress(_PLACE, 0.0)
        ready = replace(
            journal,
            whole=True,
            new=tuple(name for name in TOP_LEVEL if (new.root / name).exists()),
            old=tuple(name for name in TOP_LEVEL if (root / name).exists()),
        )
        ready.write(root)
    except BaseException:
        with suppress(LongtailError, OSError):  # then the next who opens the workspace does it
            end_interrupted(root)
        raise
    kept = put_in_place(root, ready)
    progress(_PLACE, 1.0)
    return Restored(manifest, tuple(kept))


def _check_version(manifest: BackupManifest, source: Path) -> None:
    if manifest.schema_version not in ("", newest_revision()):
        raise BackupError(
            f"{source.name} was made by Longtail {manifest.longtail}, whose tables are of another version "
            f"({manifest.schema_version}; this version has {newest_revision()}). Restore it with that version, then update."
        )


def _refuse_data(workspace: Workspace, *, replace_data: bool) -> None:
    files = [name for name in TOP_LEVEL if name not in SECRETS and _is_filled(workspace.root / name)]
    if files and not replace_data:
        raise BackupError(
            f"{workspace.root} has data: {', '.join(files)}. Restore to an empty workspace, or add --replace: then what is "
            "there is moved aside and kept."
        )


def _is_filled(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists()


def _refuse_rows(url: str, *, replace_data: bool) -> None:
    if not replace_data and examine(url, has_rows):
        raise BackupError(
            "The database that is restored to holds data. Name an empty one with --database, or add --replace: then what it "
            "holds is moved aside and kept."
        )


def _check_room(workspace: Workspace, manifest: BackupManifest) -> None:
    needed, free = manifest.total_bytes + _TEMPORARY_BYTES, shutil.disk_usage(workspace.root).free
    if needed > free:
        raise BackupError(
            f"The backup needs {needed / 1e9:,.1f} GB, but the disk of {workspace.root} has {free / 1e9:,.1f} GB left. Free some "
            "space; nothing was changed."
        )


def _target_database(
    workspace: Workspace, new: Workspace, to_database: str | None, environment: Mapping[str, str] | None
) -> str:
    """The URL of the database that the restored workspace will have."""
    if to_database is not None:
        _name_database(new.settings_file, to_database)
    found = database_url(workspace, load_settings(new.root, environment=environment))
    if to_database is not None and found != to_database:
        raise BackupError(
            "LONGTAIL_DATABASE_URL names another database than --database. Unset it; nothing was changed."
        )
    return found


def _name_database(settings_file: Path, url: str) -> None:
    """Write the database's URL into settings.toml, and leave everything else as it is."""
    text = settings_file.read_text("utf-8") if settings_file.exists() else ""
    without = re.sub(r"(?m)^database_url\s*=.*\n?", "", text)
    written = f"database_url = {dumps(url)}\n{without}"
    try:
        same = tomllib.loads(written) == {**tomllib.loads(text), "database_url": url}
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise BackupError(
            "The database cannot be written into the backed-up settings.toml. Restore without --database, with "
            "LONGTAIL_DATABASE_URL set; nothing was changed."
        )
    settings_file.write_text(written, "utf-8")


def _build_database(journal: Journal, new: Workspace, source: Path, manifest: BackupManifest) -> None:
    def fill(session: Session) -> None:
        rows = fill_tables(session, new.root / DATABASE_FOLDER)
        if {**dict.fromkeys(rows, 0), **manifest.tables} != rows:
            raise BackupError("The backup's tables have other numbers of rows than it says. Nothing was restored.")
        with deed(Action.RESTORE, source.name, session=session, after={"made": manifest.created_at}):
            pass

    assert journal.url is not None
    build_beside(journal.url, journal.token, fill)
