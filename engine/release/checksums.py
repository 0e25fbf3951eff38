"""SHA-256 of files that do not change, read once per process and version of the file."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

from engine.core.reading import open_regular
from engine.core.storage import file_sha256

__all__ = ["checked_sha256", "read_again"]

_Stamp = tuple[int, int, int, int]
_known: dict[str, tuple[_Stamp, str]] = {}
_lock = threading.Lock()


def checked_sha256(path: Path) -> str:
    """Hex SHA-256 of `path`; remembered while its inode, size, mtime and ctime (ns) stay the same.

    A release of a large shop holds gigabytes: every page would otherwise read all of it again. `ctime` is part of the
    stamp because, unlike `mtime`, no program sets it back.
    """
    stamp = _stamp(path)
    key = str(path.absolute())
    with _lock:
        known = _known.get(key)
    if known is not None and known[0] == stamp:
        return known[1]
    digest = file_sha256(path)
    if _stamp(path) == stamp:  # a file that changed while it was read is not remembered
        with _lock:
            _known[key] = (stamp, digest)
    return digest


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
        with _lock:
            _known[str(path.absolute())] = (stamp, digest.hexdigest())


def _stamp(path: Path) -> _Stamp:
    facts = path.stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns
