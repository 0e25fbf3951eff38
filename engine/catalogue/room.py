"""Whether disk and memory are enough to read a shop's events, said before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shutil import disk_usage

import pyarrow.parquet as pq

from engine.catalogue.coded_events import bytes_on_disk
from engine.core.errors import StorageError, TrainingError
from engine.core.memory import free_memory

__all__ = ["require_room"]

# The blocks that are worked on, and beside them a pair's share of the matrix twice.
_AT_ONCE, _PER_EVENT = 400 * 1024**2, 40


def require_room(files: Sequence[Path], folder: Path) -> None:
    """Raise `StorageError` or `TrainingError` where events in `files` need more than `folder`'s disk or the memory has free."""
    n_events = sum(pq.read_metadata(file).num_rows for file in files)
    needed, free = bytes_on_disk(files), disk_usage(folder).free
    if needed > free:
        raise StorageError(
            f"Reading {n_events:,} events takes {_gb(needed)} on the disk of temporary files, and {_gb(free)} are free."
            " Free some space there, or set TMPDIR to a folder on a larger disk.",
            str(folder),
        )
    needed, free = _AT_ONCE + _PER_EVENT * n_events, free_memory()
    if needed > free:
        raise TrainingError(
            f"Reading {n_events:,} events takes up to {_gb(needed)} of memory, and {_gb(free)} are free. Close other programs, use"
            " a machine with more memory, or load fewer events: the last year's, for example."
        )


def _gb(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB"
