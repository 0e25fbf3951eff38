"""Arrays from files that anybody may have written: never objects, never more memory than the file may come to."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from engine.core.reading import open_regular

__all__ = ["npy_header", "read_npz", "unpacked_at_most"]

_MOST_MEMBERS = 10_000
_FLOOR = 64 << 20  # bytes that anything may unpack to
_RATIO = 50  # and beyond, so many times what it has on disk
_HEAD = 16_384


def unpacked_at_most(size: int) -> int:
    """Bytes that a packed file of `size` bytes may come to."""
    return _FLOOR + _RATIO * size


def read_npz(file: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by name, in memory and writable.

    Raises `OSError` where it cannot be read, `ValueError` for whatever is not what NumPy writes, or comes to too much.
    """
    with open_regular(file) as stream:
        try:
            return _read_archive(stream)
        except (OSError, ValueError):
            raise
        except Exception as exc:  # BadZipFile, zlib.error, TokenError, NotImplementedError, OverflowError, ...
            raise ValueError(str(exc) or type(exc).__name__) from exc


def npy_header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether by columns, dtype; the stream stands at the first number. Raises almost anything for forged bytes."""
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"its version is {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject or any(length < 0 for length in shape):
        raise ValueError(f"it holds {dtype} of shape {shape}")
    return shape, fortran, dtype


def _read_archive(stream: BinaryIO) -> dict[str, NDArray[Any]]:
    size = stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > unpacked_at_most(size):
            raise ValueError(f"it would unpack to more than {unpacked_at_most(size):,} bytes")
        return {member.filename.removesuffix(".npy"): _member(archive, member) for member in members}


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """One array of an archive; memory is taken once its size is known to be what the archive says."""
    with archive.open(member) as packed:
        head = io.BytesIO(packed.read(min(member.file_size, _HEAD)))
        shape, fortran, dtype = npy_header(head)
        size = math.prod(shape) * dtype.itemsize
        if head.tell() + size != member.file_size:
            raise ValueError(f"{member.filename} says {size} bytes of numbers and has {member.file_size - head.tell()}")
        raw = bytearray(head.read())
        while len(raw) < size and (block := packed.read(min(1 << 24, size - len(raw)))):
            raw += block
        if len(raw) != size or packed.read(1):
            raise ValueError(f"{member.filename} breaks off")
    return np.frombuffer(raw, dtype=dtype).reshape(shape, order="F" if fortran else "C")
