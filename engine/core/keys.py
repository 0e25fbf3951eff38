"""Keys that a workspace makes for itself: random bytes in files that only their owner can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["KEY_BYTES", "new_key", "store_key"]

KEY_BYTES = 32


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
    return file.read_bytes()
