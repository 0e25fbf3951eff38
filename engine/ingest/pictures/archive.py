"""A folder or zip of pictures: which files in it are pictures, and their bytes.

A zip is never extracted. Its members are read one by one under caps on their number, size and ratio; absolute paths,
"..", links and encrypted members are refused.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from engine.catalogue.images import MAX_BYTES
from engine.catalogue.picture_formats import PICTURE_ENDINGS
from engine.catalogue.picture_headers import read_header
from engine.core.errors import ImageError
from engine.ingest.report import Problem, ProblemLog

__all__ = ["list_pictures", "opened"]

MAX_MEMBERS = 500_000
MAX_TOTAL = 64 * 1024**3
# Members of more than `_FREE_BYTES` must not be packed more than this many times; pictures hardly pack at all.
MAX_RATIO = 100
_FREE_BYTES = 1024 * 1024
# What begins a file tells its format.
_BEGINNING = 64
_DAMAGED = (OSError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, NotImplementedError)


def list_pictures(source: Path, problems: ProblemLog) -> list[str]:
    """The paths of all pictures in a folder or zip, with slashes, in order; by their endings, else by their content.

    Members of a zip that must not be read are reported. Raises `ImageError` when `source` is neither a folder nor a
    readable zip, or a zip exceeds its caps.
    """
    if source.is_dir():
        return list(_folder_members(source))
    if source.is_file():
        return list(_zip_members(source, problems))
    raise ImageError("there is no such folder or zip of pictures. Check the path.", file=str(source))


@contextmanager
def opened(source: Path) -> Iterator[Callable[[str], bytes]]:
    """A function that reads a picture by its path: at most one byte more than a picture may have.

    It raises `ImageError` for a file that is damaged or gone.
    """
    archive = None if source.is_dir() else _open_zip(source)

    def read(path: str) -> bytes:
        try:
            with archive.open(path) if archive else (source / path).open("rb") as stream:
                return stream.read(MAX_BYTES + 1)
        except _DAMAGED as exc:
            raise ImageError(f"the file is damaged ({exc}). Pack it again.", file=path) from exc

    try:
        yield read
    finally:
        if archive:
            archive.close()


def _folder_members(folder: Path) -> Iterator[str]:
    for directory, names, files in os.walk(folder, followlinks=False):
        names.sort()
        for name in sorted(files):
            path = Path(directory, name)
            if name.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            if path.suffix.lower() in PICTURE_ENDINGS or _begins_like_a_picture(partial(_open, path)):
                yield path.relative_to(folder).as_posix()


def _zip_members(source: Path, problems: ProblemLog) -> Iterator[str]:
    with _open_zip(source) as archive:
        for member in sorted(_directory(archive, source), key=lambda member: member.filename):
            path = PurePosixPath(member.filename)
            if member.is_dir() or member.filename.startswith("__MACOSX/"):
                continue
            if refusal := _refusal(member):
                message = f"{refusal}; it was not read."
                problems.add(Problem(source.name, None, None, "refused_file", message, member.filename))
            elif path.name.startswith("."):
                continue
            elif path.suffix.lower() in PICTURE_ENDINGS or _begins_like_a_picture(partial(archive.open, member)):
                yield member.filename


def _begins_like_a_picture(open_file: Callable[[], IO[bytes]]) -> bool:
    try:
        with open_file() as stream:
            return read_header(stream.read(_BEGINNING)) is not None
    except _DAMAGED:
        return False


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def _open_zip(source: Path) -> zipfile.ZipFile:
    try:
        try:
            # Macs write UTF-8 without saying so.
            return zipfile.ZipFile(source, metadata_encoding="utf-8")
        except UnicodeDecodeError:
            return zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise ImageError(f"the zip cannot be read ({exc}). Pack the pictures again.", file=source.name) from exc


def _directory(archive: zipfile.ZipFile, source: Path) -> list[zipfile.ZipInfo]:
    """The members of a zip, if there are not too many and they are not too large together."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise ImageError(f"{len(members):,} files are too many (at most {MAX_MEMBERS:,}). Split it.", file=source.name)
    if sum(member.file_size for member in members) > MAX_TOTAL:
        raise ImageError(f"it unpacks to more than {MAX_TOTAL / 1024**3:.0f} GB. Split it.", file=source.name)
    return members


def _refusal(member: zipfile.ZipInfo) -> str | None:
    """Why a member must not be read, judging by its entry in the zip's directory; None for a good one."""
    path = member.filename.replace("\\", "/")
    if path.startswith("/") or ".." in path.split("/") or ":" in path.split("/")[0] or "\x00" in path:
        return "its path leads out of the zip"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "it is a link or a special file"
    if member.flag_bits & 0x1:
        return "it is encrypted"
    if member.file_size > MAX_BYTES and PurePosixPath(path.lower()).suffix in PICTURE_ENDINGS:
        return f"it is larger than {MAX_BYTES / 1e6:.0f} MB"
    if member.file_size > _FREE_BYTES and member.file_size > MAX_RATIO * max(member.compress_size, 1):
        return f"it is packed more than {MAX_RATIO} times"
    return None
