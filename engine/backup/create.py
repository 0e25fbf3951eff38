"""Making a backup while the dashboard runs, judges and trains."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine import __version__
from engine.access.acting import require
from engine.access.roles import Action
from engine.backup.archive import ENDINGS, write_archive
from engine.backup.inventory import Pointers, read_pointers, take_inventory
from engine.backup.manifest import FORMAT, BackupManifest, FileEntry
from engine.catalogue.snapshot import read_info
from engine.core.disk_errors import file_errors_said
from engine.core.errors import BackupError, NoDataError
from engine.core.progress import Progress, silent
from engine.core.settings import Settings
from engine.core.storage import file_sha256
from engine.core.workspace import Workspace
from engine.release.publish import pointer_held
from engine.store import database_url, has_database
from engine.store.dumps import dump_tables
from engine.store.schema_version import newest_revision

__all__ = ["back_up"]

TRIES = 5
_CHECK, _WRITE = "Checking files", "Writing the backup"


def back_up(
    workspace: Workspace,
    settings: Settings,
    target: Path,
    *,
    all_releases: bool = False,
    progress: Progress = silent,
) -> BackupManifest:
    """Write everything that cannot be made again to the file `target`, mode 600, whole or not at all.

    The tables of the database, the settings, and which snapshot and release are in use are of one moment; everything else never
    changes. Only admins may. Raises `BackupError` where there is nothing to back up or the file is there already, `StoreError` where
    the database cannot be read, `StorageError` where the disk is full.

    Parameters
    ----------
    all_releases : also those that were never published.
    """
    require(Action.BACK_UP)
    if not target.name.endswith(ENDINGS):
        raise BackupError(f"{target.name}: a backup's name ends in {' or '.join(ENDINGS)}.")
    if target.exists():
        raise BackupError(f"{target} exists already. Name another file; backups are never overwritten.")
    if not workspace.root.is_dir():
        raise NoDataError(f"There is no workspace in {workspace.root}.")
    with file_errors_said(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".part", dir=target.parent) as scratch:
            pointers, tables = _one_moment(workspace, settings, Path(scratch))
            return _write(workspace, target, pointers, tables, Path(scratch), progress, all_releases=all_releases)


def _one_moment(workspace: Workspace, settings: Settings, scratch: Path) -> tuple[Pointers, dict[str, int]]:
    """Pointers and tables between whose readings nothing moved; from the second try on nobody can publish."""
    for attempt in range(TRIES):
        with pointer_held(workspace) if attempt else nullcontext():
            before = read_pointers(workspace)
            tables = (
                dump_tables(database_url(workspace, settings), scratch) if has_database(workspace, settings) else {}
            )
            if read_pointers(workspace) == before:
                return before, tables
    raise BackupError(f"{workspace.root} changed {TRIES} times while it was backed up. Try again in a minute.")


def _write(
    workspace: Workspace,
    target: Path,
    pointers: Pointers,
    tables: dict[str, int],
    dumps: Path,
    progress: Progress,
    *,
    all_releases: bool,
) -> BackupManifest:
    found = take_inventory(workspace, pointers, dumps, all_releases=all_releases)
    if not found.sources:
        raise NoDataError(f"There is nothing to back up in {workspace.root}.")
    snapshot = pointers.text("shop/current")
    manifest = BackupManifest(
        format=FORMAT,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        longtail=__version__,
        schema_version=newest_revision() if tables else "",
        shop=_shop_name(workspace, snapshot),
        snapshot=snapshot,
        release=pointers.text("releases/current"),
        tables=tables,
        files=tuple(_entries(found.sources, progress)),
        notes=tuple(found.notes),
    )
    whole = max(manifest.total_bytes, 1)
    write_archive(target, manifest, found.sources, lambda written: progress(_WRITE, written / whole))
    return manifest


@dataclass(frozen=True)
class _Inode:
    device: int
    number: int


def _entries(sources: dict[str, Path | bytes], progress: Progress) -> list[FileEntry]:
    """What the files are now; hard links of a snapshot's events are held once."""
    entries: list[FileEntry] = []
    known: dict[_Inode, FileEntry] = {}
    for number, (path, source) in enumerate(sorted(sources.items())):
        progress(_CHECK, number / len(sources))
        if isinstance(source, bytes):
            entries.append(FileEntry(path=path, bytes=len(source), sha256=hashlib.sha256(source).hexdigest()))
            continue
        try:
            facts = source.stat()
            inode = _Inode(facts.st_dev, facts.st_ino)
            if inode in known:
                first = known[inode]
                entries.append(first.model_copy(update={"path": path, "member": None, "same_as": first.path}))
                continue
            entry = FileEntry(path=path, bytes=facts.st_size, sha256=file_sha256(source), member=_member(path, number))
        except FileNotFoundError as exc:
            raise BackupError(
                f"{path} was removed while it was backed up: a newer shop took its place. Try again."
            ) from exc
        entries.append(entry)
        if facts.st_nlink > 1:
            known[inode] = entry
    return entries


def _member(path: str, number: int) -> str | None:
    """A name for the archive where a path is too long for it, or has letters that are not ASCII or blanks."""
    return None if len(path) <= 100 and path.isascii() and " " not in path else f"named-in-the-list/{number:07d}"


def _shop_name(workspace: Workspace, snapshot: str | None) -> str | None:
    try:
        return str(read_info(workspace.snapshots / snapshot)["name"]) if snapshot else None
    except (NoDataError, KeyError):
        return None
