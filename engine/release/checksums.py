"""SHA-256 of files that do not change, read once for each version of the file by the processes of a user."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from engine.core.private_copies import meeting_place
from engine.core.reading import open_regular, read_bounded
from engine.core.storage import file_sha256

__all__ = ["checked_sha256", "read_again"]

_Stamp = tuple[int, int, int, int, int]
_Known = tuple[_Stamp, str]
_NOTE_BYTES = 10_000
_WORTH_NOTING = 1 << 20  # bytes that a file has at least
_known: dict[str, _Known] = {}
_lock = threading.Lock()


def checked_sha256(path: Path) -> str:
    """Hex SHA-256 of `path`; remembered while its device, inode, size, mtime and ctime (ns) stay the same.

    A release of a large shop holds gigabytes: every page, and every process that opens it, would otherwise read all of it again.
    `ctime` is part of the stamp because, unlike `mtime`, no program sets it back. What other processes found is believed
    where it lies in the folder that only this user can enter.
    """
    stamp = _stamp(path)
    key = str(path.absolute())
    with _lock:
        known = _known.get(key)
    if known is None or known[0] != stamp:
        known = _noted(key)
    if known is None or known[0] != stamp:
        known = stamp, file_sha256(path)
        if _stamp(path) != stamp:  # a file that changed while it was read is not remembered
            return known[1]
        _note(key, known)
    with _lock:
        _known[key] = known
    return known[1]


def read_again(path: Path, bytes_per_second: float) -> None:
    """Read a file from the disk, slowly, whatever is remembered of it; `checked_sha256` tells what was found.

    Finds what changes no time stamp: a disk that returns other bits than were written.
    """
    stamp, digest = _stamp(path), hashlib.sha256()
    with open_regular(path) as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while block := stream.read(1 << 20):
            digest.update(block)
            time.sleep(len(block) / bytes_per_second)
    if _stamp(path) == stamp:
        known, key = (stamp, digest.hexdigest()), str(path.absolute())
        _note(key, known)
        with _lock:
            _known[key] = known


def _stamp(path: Path) -> _Stamp:
    facts = path.stat()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _noted(key: str) -> _Known | None:
    """What a process of this user wrote down of a file; None where none did, or it makes no sense."""
    if (note := _note_of(key)) is None:
        return None
    try:
        values = json.loads(read_bounded(note, _NOTE_BYTES))
        stamp, digest = tuple(int(value) for value in values["stamp"]), values["sha256"]
        is_whole = (
            len(stamp) == 5
            and values["path"] == key
            and values["boot"] == _boot()
            and re.fullmatch(r"[0-9a-f]{64}", digest)
        )
        return (stamp, digest) if is_whole else None  # type: ignore[return-value]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _note(key: str, known: _Known) -> None:
    """Write down what was read, where reading it again would take a while."""
    note = _note_of(key)
    if note is None or known[0][2] < _WORTH_NOTING:
        return
    text = json.dumps({"path": key, "boot": _boot(), "stamp": known[0], "sha256": known[1]})
    fresh = note.with_suffix(f".{os.getpid()}.{threading.get_native_id()}")
    with suppress(OSError):
        note.parent.mkdir(mode=0o700, exist_ok=True)
        _forget_files_that_are_gone(note.parent)
        fresh.write_text(text, "utf-8")
        fresh.replace(note)


def _forget_files_that_are_gone(folder: Path) -> None:
    for note in folder.iterdir():
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            if not Path(json.loads(read_bounded(note, _NOTE_BYTES))["path"]).exists():
                note.unlink()


@cache
def _boot() -> str:
    """Which start of the machine this is: what was read before a power failure has to be read again."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return str(os.getpid())


def _note_of(key: str) -> Path | None:
    folder = meeting_place()
    return None if folder is None else folder / "checked" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
