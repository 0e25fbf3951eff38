"""Writing to disk atomically: a reader sees the old state or the new one, never half of either.

A disk that is full, read-only or failing is said in a sentence (`StorageError`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from engine.core.disk_errors import file_errors_said
from engine.core.reading import open_regular

__all__ = [
    "atomic_directory",
    "atomic_file",
    "atomic_write",
    "atomic_write_json",
    "file_sha256",
    "fsync_directory",
    "fsync_tree",
    "make_folders",
    "remove_whatever_it_is",
]


def atomic_write(path: Path, data: bytes | str) -> None:
    """Write `data` to `path` through a temporary file in the same folder: fsync, then rename over the old one."""
    with atomic_file(path) as stream:
        stream.write(data.encode("utf-8") if isinstance(data, str) else data)


@contextmanager
def atomic_file(path: Path, *, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """A stream whose bytes become the file `path` when the block ends, and leave no trace where it fails."""
    with file_errors_said(path):
        make_folders(path.parent)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
                stream.flush()
                os.fchmod(stream.fileno(), mode)
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        fsync_directory(path.parent)


def atomic_write_json(path: Path, value: Any) -> None:
    """`atomic_write` of `value` as indented UTF-8 JSON with sorted keys; NaN and infinities are refused."""
    atomic_write(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield an empty directory next to `path` that becomes `path` on success and is removed on failure.

    Every file in it is fsynced before the rename. `path` must not exist yet.
    """
    with file_errors_said(path):
        make_folders(path.parent)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        try:
            os.chmod(temporary, 0o755)
            yield temporary
            fsync_tree(temporary)
            os.rename(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        fsync_directory(path.parent)


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes; `OSError` for what is no file, such as a pipe."""
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fsync_tree(folder: Path) -> None:
    """Make everything in a folder durable: every file's bytes, and every name."""
    for file in folder.rglob("*"):
        if file.is_dir():
            fsync_directory(file)
        else:
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
    fsync_directory(folder)


def fsync_directory(path: Path) -> None:
    """Make renames inside `path` durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_whatever_it_is(path: Path) -> None:
    """Remove a file of a cache, or whatever lies in its place; where that is not allowed it stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)


def make_folders(folder: Path) -> None:
    """The folder with those above it; each new name is durable, or what is written in it would be lost with it."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        fsync_directory(made.parent)
