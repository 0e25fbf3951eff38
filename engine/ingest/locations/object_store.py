"""Addresses in an object store (s3://, gs://, az://) -> downloaded files.

fsspec stands on the file systems of pyarrow here, and not on s3fs, gcsfs and adlfs: those would bring some 50 more packages
(a botocore among them that refuses today's python-dateutil), and 200 MB from a server on loopback took 2.6 s with pyarrow in
portions of 32 MB and 2.9 s with s3fs. Credentials are found as every program for these stores finds them: in the
environment, in ~/.aws, or from the machine's own role.
"""

from __future__ import annotations

import errno
import itertools
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
from fsspec.implementations.arrow import ArrowFSWrapper
from fsspec.utils import glob_translate
from pyarrow.fs import FileSelector, FileType

from engine.core.errors import InputError
from engine.ingest.locations.local import folder_files
from engine.ingest.locations.stores import CREDENTIALS, open_store

__all__ = ["fetch_objects"]

_PORTION = 32 * 1024 * 1024
_TRIES = 4
_PAUSE = 0.5
# key:secret@bucket, and what other programs take after a question mark
_CREDENTIALS = re.compile(r"^[^/]*@|[?&][\w-]*(key|secret|token|sig|password)[\w-]*=", re.IGNORECASE)
# By words in what the store said; the first that fits is taken.
_SENTENCES = (
    (("access_denied", "access denied", "forbidden", "invalidaccesskeyid", "signaturedoesnotmatch", "credential",
      "unauthenticated", "access token", "permission_denied", "authenticationfailed", "http status 403", "http status 401", "expiredtoken"),
     "the store refused. Check the credentials ({hint})"),
    (("permanentredirect", "http status 301", "authorizationheadermalformed"), "the bucket lies in another region. Set AWS_REGION to it"),
    (("nosuchbucket", "no such bucket", "bucket does not exist", "containernotfound"), "there is no such bucket. Check the name"),
    (("network", "resolve", "connect", "timed out", "timeout", "unavailable"), "the store cannot be reached. Check the network and, if you set one, the endpoint"),
)  # fmt: skip


@dataclass(frozen=True)
class _Object:
    """A file in the store; `path` is with its bucket, `local` below the folder that was asked for."""

    path: str
    size: int
    changed: object
    local: PurePosixPath


def fetch_objects(address: str, directory: Path, tell: Callable[[float, str], None]) -> list[Path]:
    """Download what an address names (a file, a pattern, or all files of a folder) to `directory`; the files in order.

    A download that breaks off goes on where it stopped; a file counts once it is whole, and as long as it was not
    replaced in the store meanwhile. Raises `InputError` naming the address.
    """
    scheme, _, path = address.partition("://")
    if _CREDENTIALS.search(path):
        raise InputError(
            f"credentials do not belong in an address, which the report names. Set {CREDENTIALS[scheme.lower()]}.",
            file=f"{scheme}://...",
        )
    try:
        store = open_store(scheme.lower())
        objects, is_folder = _find(store, path.rstrip("/"))
        if not objects:
            raise InputError("there is no such file. Check the address.", file=address)
        directory.mkdir(parents=True, exist_ok=True)
        _require_space(directory, sum(one.size for one in objects), address)
        files = _download_all(store, objects, directory, tell)
    except (OSError, pa.ArrowException, ValueError) as exc:
        raise InputError(_sentence(scheme.lower(), exc), file=address) from exc
    if not is_folder:
        return files
    joined = directory.with_name(f"{directory.name}-joined")
    return folder_files(directory, joined, address)


def _find(store: ArrowFSWrapper, path: str) -> tuple[list[_Object], bool]:
    """The objects that a path names, sorted, and whether it is a folder."""
    if has_magic(path):
        parts = path.split("/")
        base = "/".join(itertools.takewhile(lambda part: not has_magic(part), parts))
        if not base:
            raise InputError("the bucket's name must not be a pattern. Name it.", file=path)
        pattern = re.compile(glob_translate(path))
        found = _listed(store, base, below=len(parts) > base.count("/") + 2 or "**" in path)
        return [one for one in found if pattern.fullmatch(one.path)], False
    info = store.fs.get_file_info([path])[0]
    if info.type == FileType.Directory:
        return _listed(store, path, below=True), True
    return [_object(info, str(PurePosixPath(path).parent))] if info.type == FileType.File else [], False


def _listed(store: ArrowFSWrapper, folder: str, *, below: bool) -> list[_Object]:
    """The files of a folder, and of those below it, by name; one listing, because some stores have no folders to walk."""
    found = store.fs.get_file_info(FileSelector(folder, recursive=below))
    return sorted((_object(info, folder) for info in found if info.type == FileType.File), key=lambda one: one.path)


def _object(info: Any, base: str) -> _Object:
    local = PurePosixPath(info.path).relative_to(base)
    if ".." in local.parts:  # an object's name may hold anything
        raise InputError("the file's name leads out of its folder. Rename it.", file=info.path)
    return _Object(info.path, int(info.size), info.mtime_ns, local)


def _require_space(directory: Path, needed: int, address: str) -> None:
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise InputError(
            f"the files need {needed / 1e9:.1f} GB, and the workspace's disk has {free / 1e9:.1f} GB left. Free some.",
            file=address,
        )


def _download_all(
    store: ArrowFSWrapper, objects: list[_Object], directory: Path, tell: Callable[[float, str], None]
) -> list[Path]:
    total = max(sum(one.size for one in objects), 1)
    before = 0
    paths = []
    for one in objects:
        path = directory / one.local
        path.parent.mkdir(parents=True, exist_ok=True)
        so_far = before

        def progress(done: int, so_far: int = so_far, name: str = path.name) -> None:
            tell((so_far + done) / total, f"{name}: {(so_far + done) / 1e6:,.0f} of {total / 1e6:,.0f} MB")

        _download(store, one, path, progress)
        before += one.size
        paths.append(path)
    return paths


def _download(store: ArrowFSWrapper, one: _Object, target: Path, progress: Callable[[int], None]) -> None:
    """Write one object to `target`, which appears when it is whole."""
    part = target.with_name(f".{target.name}.part")
    part.touch()
    for attempt in range(_TRIES):
        try:
            _continue(store, one, part, progress)
            break
        except OSError as exc:
            if attempt == _TRIES - 1 or exc.errno == errno.ENOSPC or isinstance(exc, FileNotFoundError):
                raise
            time.sleep(_PAUSE * 2**attempt)
    now = store.fs.get_file_info([one.path])[0]
    if part.stat().st_size != one.size or (now.size, now.mtime_ns) != (one.size, one.changed):
        raise InputError("the file was replaced in the store while it was read. Load it again.", file=one.local.name)
    part.rename(target)


def _continue(store: ArrowFSWrapper, one: _Object, part: Path, progress: Callable[[int], None]) -> None:
    """Read from where `part` ends to the end of the object."""
    with store.open(one.path, "rb") as source, part.open("ab") as stream:
        done = stream.tell()
        source.seek(done)
        while portion := source.read(_PORTION):
            stream.write(portion)
            done += len(portion)
            progress(done)


def _sentence(scheme: str, exc: BaseException) -> str:
    if isinstance(exc, FileNotFoundError):
        return "there is no such file. Check the address."
    if isinstance(exc, OSError) and exc.errno == errno.ENOSPC:
        return "the workspace's disk is full. Free some space."
    said = (str(exc).splitlines() or [type(exc).__name__])[0][:300].rstrip(". ")
    for words, sentence in _SENTENCES:
        if any(word in said.lower() for word in words):
            return f"{sentence.format(hint=CREDENTIALS[scheme])} ({said})."
    return f"the store could not be read ({said})."
