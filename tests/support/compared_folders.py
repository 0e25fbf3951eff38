"""Every file below a folder, to be compared with another folder's."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

__all__ = ["files_of"]


def files_of(root: Path, *, without: Collection[str] = ()) -> dict[str, str]:
    """Path below `root` -> SHA-256; the names in `without` at the top are passed over."""
    return {
        file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*"))
        if file.is_file() and file.relative_to(root).parts[0] not in without
    }
