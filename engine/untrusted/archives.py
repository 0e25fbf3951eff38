"""The pictures in a stranger's zip, one after another, in memory; nothing is ever written under a name from the zip."""

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
from engine.catalogue.picture_headers import read_header
from engine.core.errors import ArchiveError

__all__ = ["ArchiveLimits", "count_archive", "read_archive"]

_END, _END_64 = b"PK\x05\x06", b"PK\x06\x06"
_NESTED = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_FREE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ArchiveLimits:
    """What a zip may hold: `members`, bytes of each picture and of all, and how tightly one may be packed."""

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
    """Path in the zip and bytes of every picture, in the zip's order; one is held at a time.

    Parameters
    ----------
    source : the zip, a path or an open binary file that can seek.
    name : what the person calls it.
    on_skip : told the path and the reason, in a person's words, of each member that is not given: paths that lead out of the
        zip, links, encrypted and nested ones, names that come twice, what is no picture, too large or damaged.
        Folders and what a Mac adds of its own are passed over in silence.

    Raises `ArchiveError` for what is no zip, is cut off, or holds more than the limits allow, before any of it is unpacked.
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
            data = b"" if reason else _read(archive, member, allowed)
            if isinstance(data, str):
                reason = data
            elif not reason:
                reason = _not_a_picture(data)
            if reason or isinstance(data, str):
                skip(_shown(path), str(reason))
                continue
            seen.add(key)
            yield path, data


def count_archive(source: Path | IO[bytes], *, name: str | None = None, limits: ArchiveLimits | None = None) -> int:
    """How many files `read_archive` will give or tell of; read off the zip's list. Raises `ArchiveError`."""
    with _opened(source, name, limits or ArchiveLimits()) as archive:
        return sum(1 for _ in _files(archive))


@contextmanager
def _opened(source: Path | IO[bytes], name: str | None, allowed: ArchiveLimits) -> Iterator[zipfile.ZipFile]:
    """The zip, with a list of members that is within bounds."""
    title = name or (source.name if isinstance(source, Path) else "the zip")
    try:
        stream = source.open("rb") if isinstance(source, Path) else source
    except OSError as exc:
        raise ArchiveError(f"it cannot be opened ({exc.strerror}). Choose it again.", file=title) from exc
    try:
        _check_directory(stream, title, allowed)
        try:
            archive = zipfile.ZipFile(stream)
        except Exception as exc:
            # zipfile lets struct.error, UnicodeDecodeError and more through.
            raise ArchiveError(
                "it is not a zip, or it is cut off or damaged. Pack the pictures again and upload all of it.",
                file=title,
            ) from exc
        with archive:
            members = archive.infolist()
            if len(members) > allowed.members:
                raise ArchiveError(
                    f"{len(members):,} files are too many (at most {allowed.members:,}). Split it.", file=title
                )
            if sum(member.file_size for member in members) > allowed.total_bytes:
                raise ArchiveError(
                    f"it unpacks to more than {allowed.total_bytes / 1024**3:.0f} GB. Split it.", file=title
                )
            yield archive
    finally:
        if isinstance(source, Path):
            stream.close()


def _files(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """Its members without folders and what a Mac adds; of one without a name zipfile cannot say which it is."""
    for member in archive.infolist():
        if not member.filename or not (member.is_dir() or _of_a_mac(member.filename)):
            yield member


def _check_directory(stream: IO[bytes], title: str, allowed: ArchiveLimits) -> None:
    """Refuse a zip whose list of members alone would not fit; zipfile reads the whole list at once."""
    try:
        size = stream.seek(0, 2)
        stream.seek(max(size - 66_000, 0))
        tail = stream.read(66_000)
        stream.seek(0)
    except (OSError, ValueError) as exc:
        raise ArchiveError(f"it cannot be read ({exc}). Choose it again.", file=title) from exc
    place = tail.rfind(_END)
    if place < 0 or len(tail) < place + 22:
        raise ArchiveError(
            "it is not a zip, or it is cut off or damaged. Pack the pictures again and upload all of it.", file=title
        )
    listed = struct.unpack("<I", tail[place + 12 : place + 16])[0]
    before = tail.rfind(_END_64, 0, place)
    if listed == 0xFFFFFFFF and before >= 0 and len(tail) >= before + 48:
        listed = struct.unpack("<Q", tail[before + 40 : before + 48])[0]
    # Generous: 46 bytes and a long path each.
    if listed > allowed.members * 600:
        raise ArchiveError(f"it lists too many files (at most {allowed.members:,}). Split it.", file=title)


def _of_a_mac(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and (parts[0] == "__MACOSX" or parts[-1] == ".DS_Store" or parts[-1].startswith("._"))


def _refusal(member: zipfile.ZipInfo, path: str, allowed: ArchiveLimits) -> str | None:
    """Why a member is not read, by what the list of the zip says."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    if path.startswith("/") or ".." in path.split("/") or ":" in path or not path.isprintable():
        return "its path leads out of the zip or cannot be shown. Rename it and pack again."
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "it is a link or a special file. Pack the picture itself."
    if member.flag_bits & 0x1:
        return "it is encrypted. Pack without a password."
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "it is packed in a way that is not read here. Pack it as an ordinary zip."
    if member.file_size > allowed.member_bytes:
        return f"it is larger than {allowed.member_bytes / 1e6:.0f} MB. Save it smaller."
    if member.file_size > _FREE_BYTES and member.file_size > allowed.ratio * max(member.compress_size, 1):
        return f"it is packed more than {allowed.ratio} times, which no picture is."
    return None


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, allowed: ArchiveLimits) -> bytes | str:
    """The member's bytes, or why they cannot be had."""
    try:
        with archive.open(member) as stream:
            data = stream.read(allowed.member_bytes + 1)
    except Exception:
        # zlib.error, BadZipFile, EOFError, struct.error, RuntimeError, NotImplementedError, OSError, ...
        return "it is damaged. Pack it again."
    if len(data) > allowed.member_bytes:
        return f"it is larger than {allowed.member_bytes / 1e6:.0f} MB. Save it smaller."
    return data


def _not_a_picture(data: bytes) -> str | None:
    if read_header(data):
        return None
    if data.startswith(_NESTED):
        return "an archive within the zip is not opened. Pack its pictures directly."
    return "it is not a JPEG, PNG or WebP picture."


def _shown(path: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in path)[:200]
