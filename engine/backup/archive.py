"""The archive: a plain tar, or one packed with Zstandard, whose first member is the manifest.

Read strictly, a header at a time: plain files alone, each with the name and size that the manifest gives, in its order. So a hostile
archive can name no place of its own, hold no link, and unpack to no more than its manifest says, which is compared with the free
disk before anything is written.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from engine.backup.manifest import MANIFEST_NAME, BackupManifest, FileEntry
from engine.core.errors import BackupError
from engine.core.storage import atomic_file

__all__ = ["ENDINGS", "ArchiveReader", "open_archive", "write_archive"]

ENDINGS = (".tar", ".tar.zst")
MOST_MANIFEST_BYTES = 1024**3
# A list of checksums packs to a third; a few kilobytes that unpack to gigabytes are no list of files.
MOST_UNPACKED, SMALL_MANIFEST_BYTES = 20, 1024 * 1024
_BLOCK, _CHUNK = 512, 1024 * 1024


def write_archive(
    target: Path, manifest: BackupManifest, sources: dict[str, Path | bytes], done: Callable[[int], None]
) -> None:
    """Write the archive, mode 600, whole or not at all.

    Parameters
    ----------
    sources : path of an entry -> where its bytes are, or the bytes. done : told how many bytes have been written so far.

    Raises `BackupError` where a file is not what the manifest says any more.
    """
    written = 0
    with atomic_file(target, mode=0o600) as raw, _packing(raw, target) as stream:
        _add(stream, MANIFEST_NAME, io.BytesIO(data := manifest.to_bytes()), len(data))
        for entry in manifest.files:
            if entry.same_as is not None:
                continue
            source = sources[entry.path]
            with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as opened:
                digest = _add(stream, entry.name, opened, entry.bytes)
            if digest != entry.sha256:
                raise BackupError(f"{entry.path} changed while it was backed up. Try again.")
            written += entry.bytes
            done(written)
        stream.write(b"\0" * 2 * _BLOCK)


class ArchiveReader:
    """An open archive; made by `open_archive`.

    Attributes
    ----------
    manifest : read and checked already.
    """

    def __init__(self, stream: IO[bytes], name: str, packed_bytes: int) -> None:
        self._stream, self._name = stream, name
        found, size = self._header()
        if found != MANIFEST_NAME:
            raise self._damaged(f"it does not begin with {MANIFEST_NAME}")
        if size > min(MOST_MANIFEST_BYTES, max(MOST_UNPACKED * packed_bytes, SMALL_MANIFEST_BYTES)):
            raise self._damaged("its list of files unpacks to far more than the whole backup")
        data = self._exactly(size)
        self._exactly(-size % _BLOCK)
        self.manifest = BackupManifest.from_bytes(data, name)

    def extract(self, folder: Path, done: Callable[[int], None]) -> None:
        """Write every file of the manifest under `folder`, which is empty, and check it. Raises `BackupError`."""
        written = 0
        for entry in self.manifest.files:
            if entry.same_as is not None:
                continue
            if self._header() != (entry.name, entry.bytes):
                raise self._damaged(f"{entry.path} is not where the list of files has it")
            self._one(entry, folder / entry.path)
            written += entry.bytes
            done(written)
        if self._exactly(2 * _BLOCK).strip(b"\0"):
            raise self._damaged("it holds more than its list of files says")
        for entry in self.manifest.files:
            if entry.same_as is not None:
                _link(folder / entry.same_as, folder / entry.path)

    def _one(self, entry: FileEntry, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, left = hashlib.sha256(), entry.bytes
        with target.open("xb") as stream:
            while left:
                chunk = self._exactly(min(left, _CHUNK))
                digest.update(chunk)
                stream.write(chunk)
                left -= len(chunk)
        if digest.hexdigest() != entry.sha256:
            raise self._damaged(f"{entry.path} does not match its checksum")
        self._exactly(-entry.bytes % _BLOCK)

    def _header(self) -> tuple[str, int]:
        block = self._exactly(_BLOCK)
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.TarError, ValueError, OverflowError) as exc:
            raise self._damaged("it is no archive of plain files") from exc
        if info.type != tarfile.REGTYPE or info.size < 0:
            raise self._damaged(f"{info.name[:200]!r} is no plain file")
        return info.name, info.size

    def _exactly(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except (OSError, ValueError, pa.ArrowException) as exc:
            raise self._damaged(f"it cannot be read ({exc})") from exc
        if len(data) != size:
            raise self._damaged("its end is missing")
        return bytes(data)

    def _damaged(self, why: str) -> BackupError:
        return BackupError(f"{self._name} is damaged or no backup of Longtail: {why}. Nothing was changed.")


@contextmanager
def open_archive(file: Path) -> Iterator[ArchiveReader]:
    """A backup, open for reading; what it is packed with is told by content. Raises `BackupError`."""
    try:
        raw: Any = file.open("rb")
    except OSError as exc:
        raise BackupError(f"{file} cannot be opened ({exc.strerror}). Check its name and who may read it.") from exc
    with raw:
        packed = raw.read(4) == b"\x28\xb5\x2f\xfd"
        raw.seek(0)
        with pa.input_stream(raw, compression="zstd") if packed else raw as stream:
            yield ArchiveReader(stream, file.name, os.fstat(raw.fileno()).st_size)


@contextmanager
def _packing(raw: IO[bytes], target: Path) -> Iterator[IO[bytes]]:
    if not target.name.endswith(".zst"):
        yield raw
        return
    # A file of its own for the packer, which closes it at its end.
    with os.fdopen(os.dup(raw.fileno()), "wb") as own, pa.CompressedOutputStream(own, "zstd") as packed:
        yield packed


def _add(stream: IO[bytes], name: str, source: IO[bytes], size: int) -> str:
    """A member; the SHA-256 of what was written."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    stream.write(info.tobuf(tarfile.GNU_FORMAT, "ascii", "strict"))
    digest, left = hashlib.sha256(), size
    while chunk := source.read(min(left, _CHUNK)):
        digest.update(chunk)
        stream.write(chunk)
        left -= len(chunk)
    if left:
        raise BackupError(f"{name} became shorter while it was backed up. Try again.")
    stream.write(b"\0" * (-size % _BLOCK))
    return digest.hexdigest()


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, target)
