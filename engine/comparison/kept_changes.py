"""What releases change, kept as small files beside them: `releases/changes/<edition>+<edition>.json`.

A change depends on two releases, and on what was judged, so it belongs to neither directory. An edition names the content, so a file
never speaks of another release that has the same id. Any of the files may be removed at any time.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from engine.comparison.release_change import ReleaseChange
from engine.core.errors import ReleaseError
from engine.core.reading import read_json
from engine.core.storage import atomic_write_json
from engine.core.workspace import Workspace
from engine.release.manifest import read_manifest

__all__ = ["is_behind", "keep_change", "kept_change"]

logger = logging.getLogger(__name__)

_BYTES = 20_000
_LEAST_NEW = 25
_CHANGES = TypeAdapter(ReleaseChange)


def kept_change(workspace: Workspace, before_id: str, after_id: str, k: int) -> ReleaseChange | None:
    """What is kept about two releases; None where nothing is, it is of lists of another length, or one of them cannot be read."""
    try:
        before, after = (read_manifest(workspace.releases / one).edition for one in (before_id, after_id))
        found = _CHANGES.validate_python(read_json(_file_of(workspace, before, after), _BYTES))
    except (ReleaseError, OSError, ValueError, ValidationError):
        return None
    return found if (found.before, found.after, found.k) == (before, after, k) else None


def keep_change(workspace: Workspace, change: ReleaseChange) -> None:
    """Keep it, whole or not at all, and forget those of releases that are gone; a disk that refuses costs working it out again."""
    folder = workspace.release_changes
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write_json(_file_of(workspace, change.before, change.after), asdict(change))
        for file in folder.glob("*.json"):
            releases = (edition.partition("-")[0] for edition in file.stem.split("+"))
            if not all((workspace.releases / one).is_dir() for one in releases):
                file.unlink(missing_ok=True)
    except OSError:
        logger.warning("what release %s changes could not be kept", change.after, exc_info=True)


def is_behind(change: ReleaseChange, last_id: int) -> bool:
    """Whether so much was judged since that what people say may be another: a quarter more, and not a few.

    Parameters
    ----------
    last_id : of the newest judgement.
    """
    return last_id - change.judged >= max(_LEAST_NEW, change.judged / 4)


def _file_of(workspace: Workspace, before: str, after: str) -> Path:
    return workspace.release_changes / f"{before}+{after}.json"
