"""What a disk holds after the power failed: of names what their folder's fsync made durable, of files what they held at their own.

The log of `disk_shim.c` is played again, and at every point the power fails in three ways, each of which a file system may do:

strict      nothing is there that was not synced: names by their folder, bytes by their file.
eager       every change of a name is there, bytes only where they were synced: a file that was renamed but not synced is empty.
some        as many of the pending changes of names, in their order, as chance decides.

A rename is one change, also between two folders; either folder's fsync makes it durable.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["MARK", "Crash", "crashes", "recorded_changes"]

MARK = ".confirmed-"
"""A folder of this name, made at the top, stands for a confirmation that somebody was given; it is no part of the disk."""


@dataclass(eq=False)
class File:
    """Bytes that are durable: a file that holds the same, or None while it was never synced."""

    durable: Path | None


@dataclass(eq=False)
class Folder:
    """Names as the process sees them, and as the disk has them."""

    seen: dict[str, File | Folder] = field(default_factory=dict)
    durable: dict[str, File | Folder] = field(default_factory=dict)


Change = list[tuple[Folder, str, File | Folder | None]]


@dataclass(frozen=True)
class Crash:
    """A power failure: after how many lines of the log, how, and how many confirmations had been given."""

    after: int
    way: str
    confirmed: int
    line: str
    write: Callable[[Path], None]
    """Writes what the disk holds into a folder that is not there yet."""


def recorded_changes(log: Path) -> list[list[str]]:
    """Kind, path and second value of each line."""
    return [line.split("\x01") for line in log.read_text("utf-8").splitlines()] if log.exists() else []


def crashes(before: Path, root: Path, log: Path, store: Path, seed: int = 0) -> Iterator[Crash]:
    """Every power failure during the work whose log this is.

    Parameters
    ----------
    before : a copy of `root` from before the work began, all of it durable.
    """
    rng, top = random.Random(seed), _read(before)
    pending: list[Change] = []
    confirmed = 0
    for number, (kind, path, second) in enumerate(recorded_changes(log), 1):
        name = Path(path).name
        if name.startswith(MARK):
            confirmed += kind == "mkdir"
        else:
            _apply(top, root, kind, path, second, store, pending)
        for way in ("strict", "eager", "some"):
            durable = {"strict": 0, "eager": len(pending), "some": rng.randint(0, len(pending))}[way]
            done = list(pending[:durable])
            yield Crash(
                number, way, confirmed, f"{kind} {path} {second}", lambda target, done=done: _write(top, done, target)
            )  # type: ignore[misc]


def _read(folder: Path) -> Folder:
    names: dict[str, File | Folder] = {
        path.name: _read(path) if path.is_dir() else File(path) for path in sorted(folder.iterdir())
    }
    return Folder(dict(names), dict(names))


def _apply(top: Folder, root: Path, kind: str, path: str, second: str, store: Path, pending: list[Change]) -> None:
    if kind == "sync":
        found = _find(top, root, path)
        if isinstance(found, File):
            found.durable = store / second
        return
    if kind == "syncdir":
        folder = _find(top, root, path)
        for change in [one for one in pending if any(place is folder for place, _, _ in one)]:
            _keep(change)
            pending.remove(change)
        return
    change = _change(top, root, kind, path, second)
    for place, name, what in change:
        if what is None:
            place.seen.pop(name, None)
        else:
            place.seen[name] = what
    pending.append(change)


def _change(top: Folder, root: Path, kind: str, path: str, second: str) -> Change:
    place, name = _place(top, root, path)
    if kind in ("create", "mkdir"):
        return [(place, name, File(None) if kind == "create" else Folder())]
    if kind == "unlink":
        return [(place, name, None)]
    other, other_name = _place(top, root, second)
    what = place.seen[name]
    if kind == "link":
        return [(other, other_name, what)]
    return [(place, name, None), (other, other_name, what)]


def _keep(change: Change) -> None:
    for place, name, what in change:
        if what is None:
            place.durable.pop(name, None)
        else:
            place.durable[name] = what


def _place(top: Folder, root: Path, path: str) -> tuple[Folder, str]:
    parent = _find(top, root, str(Path(path).parent))
    assert isinstance(parent, Folder), f"{path} has no folder"
    return parent, Path(path).name


def _find(top: Folder, root: Path, path: str) -> File | Folder | None:
    found: File | Folder | None = top
    for part in Path(path).relative_to(root).parts:
        found = found.seen.get(part) if isinstance(found, Folder) else None
    return found


def _write(top: Folder, done: list[Change], target: Path) -> None:
    """Write the disk with these pending changes done, in a copy of the durable names."""
    names: dict[int, dict[str, File | Folder]] = {}

    def of(folder: Folder) -> dict[str, File | Folder]:
        return names.setdefault(id(folder), dict(folder.durable))

    for change in done:
        for place, name, what in change:
            if what is None:
                of(place).pop(name, None)
            else:
                of(place)[name] = what
    _write_folder(top, of, target)


def _write_folder(folder: Folder, of: Callable[[Folder], dict[str, File | Folder]], target: Path) -> None:
    target.mkdir()
    for name, what in of(folder).items():
        if isinstance(what, Folder):
            _write_folder(what, of, target / name)
        elif what.durable is None:
            (target / name).touch()
        else:
            shutil.copyfile(what.durable, target / name)
