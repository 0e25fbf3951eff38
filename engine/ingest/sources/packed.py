"""A file's bytes, unpacked on the way: gzip, bzip2, Zstandard, or a zip with one file in it."""

from __future__ import annotations

import io
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import pyarrow as pa

from engine.core.errors import InputError

__all__ = ["RawFile", "most_unpacked", "raw_file"]

_PACKINGS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_ENDINGS = frozenset({".gz", ".gzip", ".bz2", ".zst", ".zip"})
_ZIP = b"PK\x03\x04"
# Parts by which a zip is known as a workbook or a document.
_OFFICE = frozenset({"[content_types].xml", "mimetype", "content.xml"})
_HEAD = 4096
_CHUNK = 1024 * 1024
# A packed file may unpack to `_MAX_RATIO` times its size, or to `_FREE_BYTES` if that is more.
_MAX_RATIO = 200
_FREE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class RawFile:
    """A file on disk.

    Attributes
    ----------
    packing : "gzip", "bz2", "zstd" or "zip", None where nothing has to be unpacked.
    inner : the name of what is packed, for its ending.
    """

    path: Path
    packing: str | None
    inner: str

    @property
    def name(self) -> str:
        """The file's name as the person knows it."""
        return self.path.name

    def open(self) -> io.BufferedReader:
        """The unpacked bytes. Reading raises `InputError` where the file is damaged or unpacks to too much."""
        return io.BufferedReader(_Bounded(self), _CHUNK)

    def head(self, size: int = _HEAD) -> bytes:
        """The first unpacked bytes. Raises `InputError` where there are none."""
        with self.open() as stream:
            head = stream.read(size)
        if not head:
            raise InputError("the file is empty. Export it again.", file=self.name)
        return head

    def unpacked(self, directory: Path) -> Path:
        """The file itself, or a copy in `directory` if it is packed, for readers that jump about in it."""
        if self.packing is None:
            return self.path
        target = directory / f"unpacked-{len(list(directory.iterdir()))}"
        with self.open() as stream, target.open("wb") as copy:
            shutil.copyfileobj(stream, copy, _CHUNK)
        return target


def raw_file(path: Path) -> RawFile:
    """The file with its packing, told by its content. Raises `InputError` for a zip that holds not just one file."""
    with path.open("rb") as stream:
        head = stream.read(4)
    packing = next((name for magic, name in _PACKINGS.items() if head.startswith(magic)), None)
    if packing is None and head == _ZIP:
        member = _only_member(path)
        return RawFile(path, "zip" if member else None, member or path.name)
    inner = path.stem if path.suffix.lower() in _ENDINGS else path.name
    return RawFile(path, packing, inner)


def most_unpacked(path: Path) -> int:
    """The bytes that a file may come to in memory: 200 times its size, and 256 MB in any case."""
    return max(_FREE_BYTES, path.stat().st_size * _MAX_RATIO)


def _only_member(path: Path) -> str | None:
    """The one file in a zip, None for a workbook."""
    with _damage(path.name), zipfile.ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
    if any(name.lower() in _OFFICE for name in names):
        return None
    files = [name for name in names if not _of_a_mac(name)]
    if len(files) != 1:
        raise InputError(
            f"the zip holds {len(files):,} files. Unpack it and name the one that holds the table.", file=path.name
        )
    return files[0]


def _of_a_mac(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and (parts[0] == "__MACOSX" or parts[-1].startswith("."))


@contextmanager
def _damage(name: str) -> Iterator[None]:
    try:
        yield
    except (
        OSError, EOFError, zlib.error, zipfile.BadZipFile, pa.ArrowException, RuntimeError, NotImplementedError, ValueError,
    ) as exc:  # fmt: skip
        raise InputError(f"the file is damaged ({exc}). Copy it again, or unpack it yourself.", file=name) from exc


def _opened(raw: RawFile) -> BinaryIO:
    if raw.packing is None:
        return raw.path.open("rb")
    if raw.packing == "zip":
        archive = zipfile.ZipFile(raw.path)
        return cast(BinaryIO, archive.open(next(one for one in archive.infolist() if one.filename == raw.inner)))
    return cast(BinaryIO, pa.input_stream(str(raw.path), compression=raw.packing))


class _Bounded(io.RawIOBase):
    """Hands on the unpacked bytes, up to a limit."""

    def __init__(self, raw: RawFile) -> None:
        self._name, self._packed = raw.name, raw.packing is not None
        with _damage(self._name):
            self._stream: Any = _opened(raw)
            self._left = most_unpacked(raw.path)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _damage(self._name):
            data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._packed and self._left < 0:
            raise InputError(
                f"the file unpacks to more than {_MAX_RATIO} times its size. Unpack it yourself first.", file=self._name
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
