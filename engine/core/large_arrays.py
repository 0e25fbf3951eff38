"""Tables of a training that need not fit into memory together: large ones lie in files that the system writes back when memory is short.

The files have no names, so nothing is left behind however a training ends. Whatever goes through a large table goes block by block.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import numpy as np

__all__ = ["BLOCK", "LARGE", "blocks", "large_arrays_in", "zeros"]

BLOCK = 1 << 16
"""Rows of a table that are worked on at once."""
LARGE = 1 << 29
"""Bytes from which a table lies in a file."""

_folder: ContextVar[Path | None] = ContextVar("large_arrays", default=None)


@contextmanager
def large_arrays_in(folder: Path) -> Iterator[None]:
    """In the block `zeros` puts large tables into files in this folder, which is made where it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def zeros(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros, float32; in a file while `large_arrays_in` says where. Raises `OSError` where the disk is full."""
    folder, size = _folder.get(), 4 * int(np.prod(shape, dtype=np.int64))
    if folder is None or size < LARGE:
        return np.zeros(shape, dtype=np.float32)
    with tempfile.TemporaryFile(dir=folder, prefix="longtail-") as file:
        _reserve(file.fileno(), size)
        return np.asarray(np.memmap(file, dtype=np.float32, mode="r+", shape=shape))


def blocks(n: int, size: int = BLOCK) -> Iterator[slice]:
    """Consecutive slices of n rows; at least one, so that there is something to put together."""
    for start in range(0, max(n, 1), size):
        yield slice(start, min(start + size, n))


def _reserve(file: int, size: int) -> None:
    """Take the room now: a table whose pages find none later would end the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.ftruncate(file, size)
