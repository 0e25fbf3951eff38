"""The journal of a restore: what makes it old or new, whenever it is interrupted.

    .restore.json      "begun": what is being restored lies aside and is not whole; whoever opens the workspace next removes it.
                       "whole": it is; whoever opens the workspace next puts it in its place.
    .restore-<token>/  the files that were restored, as they will lie in the workspace
    before-restore-<time>/  what was in the workspace before, until somebody removes it

Each step can be done again after a kill. The journal holds the database's URL, so it has mode 600.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.core.disk_errors import file_errors_said
from engine.core.errors import BackupError
from engine.core.occupancy import RESTORE_JOURNAL
from engine.core.storage import fsync_directory
from engine.store.whole_databases import change_places, remove_beside

__all__ = ["Journal", "end_interrupted", "put_in_place"]


@dataclass(frozen=True)
class Journal:
    """What a restore is doing.

    Attributes
    ----------
    token : tells its folder and database from others. aside : the name of what was there before.
    url : of the database that is restored; None until it is known. whole : whether all of it lies ready.
    new, old : names at the top of the workspace that are put in place, and that are moved aside before.
    """

    token: str
    aside: str
    url: str | None = None
    whole: bool = False
    new: tuple[str, ...] = ()
    old: tuple[str, ...] = ()

    def folder(self, root: Path) -> Path:
        """Where the restored files lie until they are put in their place."""
        return root / f".restore-{self.token}"

    def write(self, root: Path) -> None:
        """Make it durable."""
        # Under a name of its own, so that whoever opens the workspace next finds and removes what a kill leaves of it.
        part = root / f"{RESTORE_JOURNAL}.part"
        with file_errors_said(part):
            part.unlink(missing_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(json.dumps(asdict(self)).encode())
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(part, root / RESTORE_JOURNAL)
            fsync_directory(root)


def end_interrupted(root: Path) -> None:
    """End a restore that was interrupted, if there was one; the caller is alone in the workspace."""
    try:
        journal = Journal(**json.loads((root / RESTORE_JOURNAL).read_text("utf-8")))
    except FileNotFoundError:
        _forget(root)  # it was killed before it began
        return
    except (ValueError, TypeError) as exc:
        raise BackupError(
            f"{root / RESTORE_JOURNAL} is damaged, so it is unknown how far a restore got. Look at {root}/before-restore-* and "
            f"{root}/.restore-*, put in place what you want, and remove {RESTORE_JOURNAL}."
        ) from exc
    if journal.whole:
        put_in_place(root, journal)
    else:
        _take_back(root, journal)


def _take_back(root: Path, journal: Journal) -> None:
    """Remove what lies aside; the workspace is as it was."""
    if journal.url is not None:
        remove_beside(journal.url, journal.token)
    shutil.rmtree(journal.folder(root), ignore_errors=True)
    _forget(root)


def put_in_place(root: Path, journal: Journal) -> list[str]:
    """Let what was restored and what was there change places, and forget the journal; names of what lies aside now."""
    new, aside = journal.folder(root), root / journal.aside
    aside_already = [name for name in journal.old if (aside / name).exists()]
    if journal.old and not aside.exists():
        aside.mkdir()
    for name in journal.old:
        if name not in aside_already:
            os.rename(root / name, aside / name)
    _make_durable(root, aside)
    for name in journal.new:
        if (new / name).exists():
            os.rename(new / name, root / name)
    _make_durable(root, new)
    left = [str(aside)] if journal.old else []
    if journal.url is not None and (database := change_places(journal.url, journal.token, journal.aside)):
        left.append(database)
    shutil.rmtree(new, ignore_errors=True)
    _forget(root)
    return left


def _make_durable(*folders: Path) -> None:
    for folder in folders:
        if folder.is_dir():
            fsync_directory(folder)


def _forget(root: Path) -> None:
    for name in (f"{RESTORE_JOURNAL}.part", RESTORE_JOURNAL):
        (root / name).unlink(missing_ok=True)
    fsync_directory(root)
