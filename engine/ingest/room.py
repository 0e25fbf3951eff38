"""Whether the disk has room to load a file, said before it is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shutil import disk_usage

from engine.core.errors import StorageError

__all__ = ["require_disk"]

# Read, checked and accepted events lie beside each other; what is packed grows first.
_TIMES, _TIMES_PACKED = 3, 10
_PACKED = {".gz", ".zip", ".bz2", ".xz", ".zst", ".parquet", ".xlsx"}


def require_disk(files: Sequence[Path], directory: Path) -> None:
    """Raise `StorageError` where `directory`'s disk has less room than loading the files takes."""
    needed = sum(
        file.stat().st_size * (_TIMES_PACKED if file.suffix.lower() in _PACKED else _TIMES)
        for file in files
        if file.is_file()
    )
    free = disk_usage(directory).free
    if needed > free:
        raise StorageError(
            f"Loading these files takes up to {needed / 1e9:.1f} GB on the disk of the workspace, and {free / 1e9:.1f} GB are free."
            " Free some space, or put the workspace on a larger disk (LONGTAIL_WORKSPACE, or --workspace).",
            str(directory),
        )
