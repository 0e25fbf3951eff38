"""Temporary folders that go with the process that made them, however it ends.

A folder is held by a lock that the kernel frees with the process, so nobody asks whether a process lives: whoever can lock a
folder for themselves alone knows that it is nobody's, and removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["INGEST_PREFIX", "held_folder", "hold", "make_held", "sweep"]

INGEST_PREFIX = ".ingest-"
"""Of the folder, in the workspace, in which a shop is made ready before it is loaded."""


@contextmanager
def held_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder in `parent`, which is held until the end of the block and then removed."""
    folder, descriptor = make_held(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def make_held(parent: Path, prefix: str) -> tuple[Path, int]:
    """A new folder in `parent`, and the descriptor that holds it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        descriptor = hold(folder)
        if descriptor is not None:  # else somebody swept it before it was held
            return folder, descriptor


def hold(folder: Path) -> int | None:
    """Keep others from sweeping a folder: until the descriptor that is returned is closed, or this process ends.

    None where the folder is being swept, or is gone.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if _lock(descriptor, fcntl.LOCK_SH) and _is_still(folder, descriptor):
        return descriptor
    os.close(descriptor)
    return None


def sweep(parent: Path, prefix: str) -> None:
    """Remove the folders of this prefix that nobody holds."""
    for folder in parent.glob(f"{prefix}*"):
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:  # gone already, or no folder of ours
            continue
        if _lock(descriptor, fcntl.LOCK_EX):
            shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _lock(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except OSError as exc:
        # A disk that locks no folders keeps what killed processes leave on it.
        return mode == fcntl.LOCK_SH and not isinstance(exc, BlockingIOError)
    return True


def _is_still(folder: Path, descriptor: int) -> bool:
    try:
        return folder.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
