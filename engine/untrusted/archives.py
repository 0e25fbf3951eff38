"""Reads the pictures in a stranger's zip, one at a time, in memory; no file is ever written under a name from the zip."""

from __future__ import annotations

import stat
import struct
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from engine.catalogue.images import MAX_BYTES
from engine.catalogue.picture_formats import PICTURE_NAMES
from engine.catalogue.picture_headers import read_header
from engine.core.errors import ArchiveError

__all__ = ["ArchiveLimits", "count_archive", "read_archive"]

_END, _END_64 = b"PK\x05\x06", b"PK\x06\x06"
_NESTED = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_FREE_BYTES = 1024 * 1024
_NOT_A_ZIP = "it is not a zip, or it is cut off or damaged. Pack the pictures again and upload all of it."


@dataclass(frozen=True)
class ArchiveLimits:
    """The most a zip may contain: `members`, bytes of each picture and of all, and the compression `ratio` of one."""

    members: int = 20_000
    member_bytes: int = MAX_BYTES
    total_bytes: int = 4 * 1024**3
    ratio: int = 100


def read_archive(
    source: Path | IO[bytes],
    *,
    name: str | None = None,
    on_skip: Callable[[str, str], None] | None = None,
    limits: ArchiveLimits | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Yield the path in the zip and the bytes of every picture, in the zip's order; memory holds one at a time.

    Parameters
    ----------
    source : the zip, a path or an open, seekable binary file.
    name : the zip's name as the person knows it.
    on_skip : called with the path and the reason, in a person's words, for each member that is skipped: paths that lead
        out of the zip, links, encrypted and nested files, repeated names, and files that are not a picture, too large or
        damaged. Folders and the files that a Mac adds are ignored.

    Raises `ArchiveError`, before anything is unpacked, if the file is not a zip, is cut off, or exceeds the limits.
    """
    allowed = limits or ArchiveLimits()
    skip = on_skip or (lambda path, reason: None)
    with _opened(source, name, allowed) as archive:
        seen: set[str] = set()
        for member in _files(archive):
            if not member.filename:
                skip("a file without a name", "it has no name. Pack the pictures again.")
                continue
            path = member.filename.replace("\\", "/")
            key = unicodedata.normalize("NFC", path).casefold()
            reason = _refusal(member, path, allowed)
            if not reason and key in seen:
                reason = "two files have this name; only the first was read. Rename one."
            picture = reason or _picture(archive, member, allowed)
            if isinstance(picture, str):
                skip(_shown(path), picture)
            else:
                seen.add(key)
                yield path, picture


def count_archive(source: Path | IO[bytes], *, name: str | None = None, limits: ArchiveLimits | None = None) -> int:
    """The number of files that `read_archive` will yield or skip, read from the zip's list. Raises `ArchiveError`."""
    with _opened(source, name, limits or ArchiveLimits()) as archive:
        return sum(1 for _ in _files(archive))


@contextmanager
def _opened(source: Path | IO[bytes], name: str | None, allowed: ArchiveLimits) -> Iterator[zipfile.ZipFile]:
    """The zip, with a list of members that is within the limits."""
    title = name or (source.name if isinstance(source, Path) else "the zip")
    try:
        stream = source.open("rb") if isinstance(source, Path) else source
    except OSError as exc:
        raise ArchiveError(f"it cannot be opened ({exc.strerror}). Choose it again.", file=title) from exc
    try:
        _check_directory(stream, title, allowed)
        with _zip(stream, title) as archive:
            _check_members(archive.infolist(), title, allowed)
            yield archive
    finally:
        if isinstance(source, Path):
            stream.close()


def _zip(stream: IO[bytes], title: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except Exception as exc:
        # zipfile lets struct.error, UnicodeDecodeError and others through.
        raise ArchiveError(_NOT_A_ZIP, file=title) from exc


def _check_members(members: list[zipfile.ZipInfo], title: str, allowed: ArchiveLimits) -> None:
    if len(members) > allowed.members:
        raise ArchiveError(f"{len(members):,} files are too many (at most {allowed.members:,}). Split it.", file=title)
    if sum(member.file_size for member in members) > allowed.total_bytes:
        raise ArchiveError(f"it unpacks to more than {allowed.total_bytes / 1024**3:.0f} GB. Split it.", file=title)


def _files(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """The members without folders and the files that a Mac adds; zipfile cannot classify one without a name."""
    for member in archive.infolist():
        if not member.filename or not (member.is_dir() or _of_a_mac(member.filename)):
            yield member


def _check_directory(stream: IO[bytes], title: str, allowed: ArchiveLimits) -> None:
    """Refuse a zip whose list of members is too long in itself; zipfile reads the whole list at once."""
    try:
        size = stream.seek(0, 2)
        stream.seek(max(size - 66_000, 0))
        tail = stream.read(66_000)
        stream.seek(0)
    except (OSError, ValueError) as exc:
        raise ArchiveError(f"it cannot be read ({exc}). Choose it again.", file=title) from exc
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + 22:
        raise ArchiveError(_NOT_A_ZIP, file=title)
    listed = struct.unpack("<I", tail[end + 12 : end + 16])[0]
    before = tail.rfind(_END_64, 0, end)
    if listed == 0xFFFFFFFF and before >= 0 and len(tail) >= before + 48:
        listed = struct.unpack("<Q", tail[before + 40 : before + 48])[0]
    # Generous: 46 bytes and a long path each.
    if listed > allowed.members * 600:
        raise ArchiveError(f"it lists too many files (at most {allowed.members:,}). Split it.", file=title)


def _of_a_mac(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and (parts[0] == "__MACOSX" or parts[-1] == ".DS_Store" or parts[-1].startswith("._"))


def _refusal(member: zipfile.ZipInfo, path: str, allowed: ArchiveLimits) -> str | None:
    """Why a member must not be read, judging by the zip's list; None for a good one."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    if path.startswith("/") or ".." in path.split("/") or ":" in path or not path.isprintable():
        return "its path leads out of the zip or cannot be shown. Rename it and pack again."
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "it is a link or a special file. Pack the picture itself."
    if member.flag_bits & 0x1:
        return "it is encrypted. Pack without a password."
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "it uses a compression that is not supported. Pack it as an ordinary zip."
    if member.file_size > allowed.member_bytes:
        return f"it is larger than {allowed.member_bytes / 1e6:.0f} MB. Save it smaller."
    if member.file_size > _FREE_BYTES and member.file_size > allowed.ratio * max(member.compress_size, 1):
        return f"it is packed more than {allowed.ratio} times, which no picture is."
    return None


def _picture(archive: zipfile.ZipFile, member: zipfile.ZipInfo, allowed: ArchiveLimits) -> bytes | str:
    """The member's bytes, or why they are not a readable picture."""
    try:
        with archive.open(member) as stream:
            data = stream.read(allowed.member_bytes + 1)
    except Exception:
        # zlib.error, BadZipFile, EOFError, struct.error, RuntimeError, NotImplementedError, OSError, ...
        return "it is damaged. Pack it again."
    if len(data) > allowed.member_bytes:
        return f"it is larger than {allowed.member_bytes / 1e6:.0f} MB. Save it smaller."
    if read_header(data):
        return data
    if data.startswith(_NESTED):
        return "an archive within the zip is not opened. Pack its pictures directly."
    return f"it is not a {PICTURE_NAMES} picture."


def _shown(path: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in path)[:200]
