"""Keys that a workspace makes for itself: random bytes in files that only their owner can read."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from engine.core.errors import SettingsError
from engine.core.reading import read_bounded
from engine.core.storage import fsync_directory

__all__ = ["KEY_BYTES", "kept_key", "new_key", "read_key", "store_key"]

KEY_BYTES = 32
_MOST_BYTES = 4096


def new_key() -> bytes:
    """Random bytes that nobody can guess."""
    return secrets.token_bytes(KEY_BYTES)


def store_key(file: Path, key: bytes) -> bytes:
    """Write `key` to `file` with mode 600 unless a key is there already; the key that is there now.

    The first of two processes that start at once wins, whole.
    """
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(key)
        os.fsync(stream.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    fsync_directory(file.parent)  # what is hashed with the key must not outlive it
    return read_key(file)


def read_key(file: Path) -> bytes:
    """The key in `file`. Raises `SettingsError` where something else lies there."""
    try:
        return read_bounded(file, _MOST_BYTES)
    except OSError as exc:
        raise SettingsError(f"{file.name} cannot be read ({exc.strerror}). Put it back from a back-up.") from exc


def kept_key(file: Path) -> bytes:
    """The key in `file`; a new one, for the owner alone, where there is none or it is too short to be one.

    An empty file is what a full disk or a careless hand leaves; what it signs anybody can forge.
    """
    key = read_key(file) if os.path.lexists(file) else store_key(file, new_key())
    if len(key) >= KEY_BYTES:
        return key
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # of two processes that find it so, one makes the new key
        key = read_key(file)
        if len(key) < KEY_BYTES:
            draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
            store_key(draft, new_key())
            os.replace(draft, file)
            key = read_key(file)
        return key
    finally:
        os.close(folder)
