"""Releases: immutable directories that are complete or not there, one of them published, any of them verified.

    releases/r0012/        manifest.json and everything a trained shop needs; never changed once it is there
    releases/current       the id of the release that is served, replaced atomically
    releases/history.json  what was published, oldest first: what `rollback` goes back along
    releases/changes/      what releases change beside others (engine.comparison.kept_changes); may be removed at any time
    releases/.lock         held while the pointer moves

`publish` and `rollback` write the history first and the pointer second. Only the pointer counts: a process killed in
between leaves a history that runs ahead, which the next one trims.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.access.acting import require
from engine.access.audit import deed
from engine.access.roles import Action
from engine.core.errors import NoReleaseError, NotFoundError, ReleaseError, ReleaseFormatError, StorageError
from engine.core.reading import read_bounded, read_json
from engine.core.settings import Settings
from engine.core.storage import atomic_directory, atomic_write, atomic_write_json
from engine.core.workspace import Workspace
from engine.release.manifest import Manifest, read_manifest, verify_files, write_manifest

__all__ = [
    "Manifest",
    "current_release_id",
    "last_good_release",
    "list_releases",
    "name_of",
    "new_release_id",
    "outdated_release",
    "pointer_held",
    "publish",
    "published_releases",
    "refuse_content",
    "release_directory",
    "rollback",
    "verify_release",
    "write_release",
]


_ID = re.compile(r"r(\d{4,})")
_LEFTOVER_SECONDS = 2 * 24 * 3600
_POINTER_BYTES = 100
_refused: dict[tuple[str, str], str] = {}  # directory and digest of its manifest -> why nobody can open it
_RESERVED = re.compile(r"\.(r\d{4,})\.reserved")


def new_release_id(workspace: Workspace) -> str:
    """Reserve the next id: `r0001`, `r0002`, ... Two processes never get the same one, and none is used twice."""
    workspace.releases.mkdir(parents=True, exist_ok=True)
    with _locked(workspace):
        names = [path.name for path in workspace.releases.iterdir()]
        taken = [match for name in [*names, *_history(workspace)] if (match := re.search(_ID, name))]
        release_id = f"r{max((int(match[1]) for match in taken), default=0) + 1:04d}"
        # Only the newest reservation is needed to count on; older ones have done their work.
        for name in names:
            if _RESERVED.fullmatch(name):
                (workspace.releases / name).unlink(missing_ok=True)
        (workspace.releases / f".{release_id}.reserved").touch(exist_ok=False)
        _forget_leftovers(workspace)
    return release_id


def write_release(workspace: Workspace, release_id: str, fill: Callable[[Path], dict[str, Any]]) -> Path:
    """Write a release, all of it or nothing, and return its directory. It is not published.

    Parameters
    ----------
    release_id : from `new_release_id`.
    fill : writes the files into the directory it is given and returns the manifest's fields (`engine.release.manifest`).

    Raises `ReleaseError` when the id is not one or is taken, or the fields are incomplete.
    """
    directory = release_directory(workspace, release_id)
    if directory.exists():
        raise ReleaseError(f"Release {release_id} is there already, and releases are never changed. Take a new id.")
    try:
        with atomic_directory(directory) as part:
            write_manifest(part, release_id, fill(part))
    except OSError as exc:
        if directory.exists():
            raise ReleaseError(f"Release {release_id} was written by another process. Take a new id.") from exc
        why = str(exc) if isinstance(exc, StorageError) else f"{exc}. Is the disk full?"
        raise ReleaseError(f"Release {release_id} could not be written: {why}") from exc
    return directory


def verify_release(workspace: Workspace, release_id: str, names: Collection[str] | None = None) -> Manifest:
    """Check a release's manifest and the SHA-256 of every file, or of those with these names.

    Raises `NotFoundError` when there is no such release, `ReleaseError` naming the file that is not what was written.
    """
    directory = release_directory(workspace, release_id)
    if not directory.is_dir():
        known = ", ".join(_release_ids(workspace)[:5]) or "none"
        raise NotFoundError(f"There is no release {release_id} in {workspace.root}. There are: {known}.")
    try:
        manifest = read_manifest(directory)
        verify_files(directory, manifest, names)
    except ReleaseFormatError:
        raise
    except ReleaseError as exc:
        label = Manifest(release_id).label
        raise ReleaseError(f"{label} is damaged ({exc}). Train a new one, or serve another.") from exc
    return manifest


def publish(workspace: Workspace, release_id: str, settings: Settings | None = None) -> Manifest:
    """Serve this release from now on; verified first. On any error the release served before stays.

    Raises `NotAllowedError` where who acts may not, `StoreError` where that cannot be recorded (`engine.access.audit`); `settings`
    say where, those of the workspace unless given.
    """
    require(Action.PUBLISH)
    manifest = verify_release(workspace, release_id)
    with deed(Action.PUBLISH, release_id, workspace=workspace, settings=settings) as published, _locked(workspace):
        published.before, published.after = current_release_id(workspace), release_id
        history = _trimmed_history(workspace)
        if history[-1:] != [release_id]:
            history.append(release_id)
        _point(workspace, history)
    return manifest


def rollback(workspace: Workspace) -> str:
    """Serve the release published before the current one, or the last before that which is whole; its id.

    Raises `ReleaseError` when there is none, else as `publish`.
    """
    with deed(Action.PUBLISH, "roll back", workspace=workspace) as rolled, _locked(workspace):
        rolled.before = current_release_id(workspace)
        current, *earlier = reversed(_trimmed_history(workspace) or [""])
        for position, release_id in enumerate(earlier):
            if release_id != current and _damage(workspace, release_id) is None:
                _point(workspace, earlier[position:][::-1])
                rolled.after = release_id
                return release_id
        raise ReleaseError("There is no earlier release to go back to. The one that is served stays.")


def current_release_id(workspace: Workspace) -> str | None:
    """The id that `releases/current` names; None when nothing was published, "" where the pointer is gone or cannot be
    read. The release itself is not checked."""
    try:
        return read_bounded(workspace.releases / "current", _POINTER_BYTES).decode("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        # Who published once wrote the history before the pointer, so something took the pointer away.
        return "" if _history(workspace) else None
    except (OSError, UnicodeDecodeError):
        return ""


def published_releases(workspace: Workspace) -> list[str]:
    """Ids in the order in which they were published, the one that is served last; what a rollback goes back along."""
    return _trimmed_history(workspace)


def list_releases(workspace: Workspace, *, verify: bool = True) -> list[Manifest]:
    """Every release, newest first; `damage` says what is wrong with one that does not verify.

    `verify=False` looks at manifests alone, for a quick list of a large shop's releases.
    """
    manifests = []
    for release_id in _release_ids(workspace):
        directory = workspace.releases / release_id
        try:
            manifest = read_manifest(directory)
        except ReleaseFormatError:
            manifests.append(Manifest(release_id, damage="written by another version of Longtail", outdated=True))
            continue
        except ReleaseError as exc:
            manifests.append(Manifest(release_id, damage=str(exc)))
            continue
        try:
            if verify:
                verify_files(directory, manifest)
            if (reason := _refused.get((str(directory.absolute()), manifest.digest))) is not None:
                manifest = _replace_damage(manifest, reason)
        except ReleaseError as exc:
            manifest = _replace_damage(manifest, str(exc))
        manifests.append(manifest)
    return manifests


def last_good_release(workspace: Workspace) -> tuple[str, str | None]:
    """The release to serve, and a sentence for the page where it is not the one that was published last.

    Published releases are tried from the latest back; only where none of them is whole, one that was never published.
    Raises `NoReleaseError` when nothing was published yet, `ReleaseFormatError` where another version of Longtail wrote
    every release, `ReleaseError` when no release is whole.
    """
    current = current_release_id(workspace)
    if current is None:
        raise NoReleaseError(f"Nothing is published in {workspace.root} yet. Train first.")
    damage = _damage(workspace, current)
    if damage is None:
        return current, None
    earlier = reversed(_trimmed_history(workspace))
    for release_id in dict.fromkeys([*earlier, *_release_ids(workspace)]):
        if release_id != current and _damage(workspace, release_id) is None:
            manifest = read_manifest(workspace.releases / release_id)
            trained = datetime.fromisoformat(manifest.created_at).astimezone()
            return release_id, (
                f"{name_of(current)} {damage}; showing release {manifest.number}, "
                f"trained {trained:%-d %B %Y at %H:%M}. Train again, or publish another release on the Model page."
            )
    if outdated := outdated_release(workspace):
        raise ReleaseFormatError(outdated)
    raise ReleaseError(f"{name_of(current)} {damage}, and no other release is whole. Train a new one.")


def outdated_release(workspace: Workspace) -> str | None:
    """The sentence to show where another version of Longtail wrote what is published, and this one wrote nothing yet.

    Looks at manifests alone.
    """
    current = current_release_id(workspace)
    if not current or not _ID.fullmatch(current):
        return None
    try:
        read_manifest(workspace.releases / current)
    except ReleaseFormatError as exc:
        ours = [one for one in list_releases(workspace, verify=False) if one.damage is None]
        return None if ours else str(exc)
    except ReleaseError:
        pass
    return None


def refuse_content(directory: Path, error: ReleaseError) -> None:
    """Remember that a release whose checksums fit cannot be opened: this process serves another from now on.

    It is tried again when its manifest becomes another one.
    """
    with suppress(ReleaseError):
        _refused[str(directory.absolute()), read_manifest(directory).digest] = str(error.__cause__ or error).rstrip(".")


def _forget_leftovers(workspace: Workspace) -> None:
    """Remove what writers that were killed left behind, once no writer can still be at work on it."""
    for part in workspace.releases.glob(".r*.part"):
        if part.stat().st_mtime < time.time() - _LEFTOVER_SECONDS:
            shutil.rmtree(part, ignore_errors=True)


def _damage(workspace: Workspace, release_id: str) -> str | None:
    """What is wrong with a release, as the end of a sentence; None when it is whole."""
    if not _ID.fullmatch(release_id):
        return "cannot be read from releases/current"
    directory = workspace.releases / release_id
    if not directory.is_dir():
        return "is gone"
    try:
        manifest = read_manifest(directory)
        verify_files(directory, manifest)
        if (reason := _refused.get((str(directory.absolute()), manifest.digest))) is not None:
            return f"cannot be opened ({reason})"
    except ReleaseFormatError:
        return "was written by another version of Longtail"
    except ReleaseError as exc:
        return f"is damaged ({exc})"
    return None


def name_of(release_id: str) -> str:
    """`Release 12`, or what to call a release whose id is none."""
    return Manifest(release_id).label if _ID.fullmatch(release_id) else "The published release"


def _replace_damage(manifest: Manifest, damage: str) -> Manifest:
    return Manifest(**{**vars(manifest), "damage": damage})


def release_directory(workspace: Workspace, release_id: str) -> Path:
    """Where a release lies, or would; raises `NotFoundError` for what is no release's id."""
    if not _ID.fullmatch(release_id):
        raise NotFoundError(f"{release_id!r} is no release's id; they look like r0012.")
    return workspace.releases / release_id


def _release_ids(workspace: Workspace) -> list[str]:
    """Of the release directories there are, newest first."""
    if not workspace.releases.is_dir():
        return []
    ids = [path.name for path in workspace.releases.iterdir() if _ID.fullmatch(path.name) and path.is_dir()]
    return sorted(ids, key=lambda name: int(name[1:]), reverse=True)


def _point(workspace: Workspace, history: list[str]) -> None:
    """Move the pointer to the last of `history`; see the module's docstring for the order of the two writes."""
    values = {"published": history, "changed_at": datetime.now(UTC).isoformat(timespec="seconds")}
    atomic_write_json(workspace.releases / "history.json", values)
    atomic_write(workspace.releases / "current", history[-1] + "\n")


def _trimmed_history(workspace: Workspace) -> list[str]:
    """What was published, oldest first, ending with what the pointer names."""
    history, current = _history(workspace), current_release_id(workspace)
    if not current or not _ID.fullmatch(current):
        return history
    if current not in history:
        return [*history, current]
    return history[: len(history) - history[::-1].index(current)]


def _history(workspace: Workspace) -> list[str]:
    try:
        published = read_json(workspace.releases / "history.json")["published"]
        return [name for name in published if isinstance(name, str) and _ID.fullmatch(name)]
    except (OSError, ValueError, KeyError, TypeError):
        # Losing the history costs the way back, never the release that is served.
        return []


def pointer_held(workspace: Workspace) -> AbstractContextManager[None]:
    """While it is open nobody publishes, rolls back or reserves an id."""
    return _locked(workspace)


@contextmanager
def _locked(workspace: Workspace) -> Iterator[None]:
    """Hold the lock of the pointer; the operating system frees it when a process dies."""
    workspace.releases.mkdir(parents=True, exist_ok=True)
    handle = os.open(workspace.releases / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
