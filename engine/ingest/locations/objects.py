"""Objects of a store: listed, downloaded so that what broke off goes on, and what a store said as a sentence."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import FileSelector, FileType

from engine.core.errors import InputError
from engine.ingest.locations.stores import CREDENTIALS

__all__ = ["PORTION", "StoredObject", "download", "listed", "refuse_credentials", "store_sentence", "stored_object"]

PORTION = 32 * 1024 * 1024
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
class StoredObject:
    """A file in the store; `path` is with its bucket, `local` below the folder that was asked for."""

    path: str
    size: int
    changed: object
    local: PurePosixPath


def refuse_credentials(address: str) -> None:
    """Raise `InputError` where an address, which reports name, holds what should stay secret."""
    scheme, _, path = address.partition("://")
    if _CREDENTIALS.search(path):
        raise InputError(
            f"credentials do not belong in an address, which the report names. Set {CREDENTIALS.get(scheme.lower(), 'them in the environment')}.",
            file=f"{scheme}://...",
        )


def listed(store: ArrowFSWrapper, folder: str, *, below: bool, may_lack: bool = False) -> list[StoredObject]:
    """The files of a folder, and of those below it, by name; one listing, because some stores have no folders to walk. None where `may_lack` says that there may be no such folder."""
    found = store.fs.get_file_info(FileSelector(folder, recursive=below, allow_not_found=may_lack))
    return sorted(
        (stored_object(info, folder) for info in found if info.type == FileType.File), key=lambda one: one.path
    )


def stored_object(info: Any, base: str) -> StoredObject:
    """A file that the store described, below a folder; `InputError` where its name leads out of that."""
    local = PurePosixPath(info.path).relative_to(base)
    if ".." in local.parts:  # an object's name may hold anything
        raise InputError("the file's name leads out of its folder. Rename it.", file=info.path)
    return StoredObject(info.path, int(info.size), info.mtime_ns, local)


def download(store: ArrowFSWrapper, one: StoredObject, target: Path, progress: Callable[[int], None]) -> None:
    """Write one object to `target`, which appears when it is whole. Raises `InputError` where it was replaced meanwhile, else what the store raised the last time."""
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


def _continue(store: ArrowFSWrapper, one: StoredObject, part: Path, progress: Callable[[int], None]) -> None:
    """Read from where `part` ends to the end of the object."""
    with store.open(one.path, "rb") as source, part.open("ab") as stream:
        done = stream.tell()
        source.seek(done)
        while portion := source.read(PORTION):
            stream.write(portion)
            done += len(portion)
            progress(done)


def store_sentence(scheme: str, exc: BaseException) -> str:
    """What is wrong, as the end of a sentence, with what to do."""
    if isinstance(exc, FileNotFoundError):
        return "there is no such file. Check the address."
    if isinstance(exc, OSError) and exc.errno == errno.ENOSPC:
        return "the workspace's disk is full. Free some space."
    said = (str(exc).splitlines() or [type(exc).__name__])[0][:300].rstrip(". ")
    for words, sentence in _SENTENCES:
        if any(word in said.lower() for word in words):
            return f"{sentence.format(hint=CREDENTIALS.get(scheme, 'of your account'))} ({said})."
    return f"the store could not be read ({said})."
