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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from glob import has_magic
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.fs
from fsspec.implementations.arrow import ArrowFSWrapper
from fsspec.utils import glob_translate

from engine.core.errors import InputError
from engine.core.settings import environment_variable
from engine.ingest.locations.local import folder_files

__all__ = ["fetch_objects"]

_PORTION = 32 * 1024 * 1024
_TRIES = 4
_PAUSE = 0.5
_PATIENCE = timedelta(seconds=30)
_HINTS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN",
}
# By words in what the store said; the first that fits is taken.
_SENTENCES = (
    (("access_denied", "access denied", "forbidden", "invalidaccesskeyid", "signaturedoesnotmatch", "credential",
      "unauthenticated", "permission_denied", "authenticationfailed", "http status 403", "http status 401", "expiredtoken"),
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
    try:
        store = ArrowFSWrapper(_file_system(scheme.lower()), skip_instance_cache=True)
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


def _file_system(scheme: str) -> Any:
    if scheme == "s3":
        endpoint = environment_variable("AWS_ENDPOINT_URL_S3") or environment_variable("AWS_ENDPOINT_URL")
        region = environment_variable("AWS_REGION") or environment_variable("AWS_DEFAULT_REGION")
        return pyarrow.fs.S3FileSystem(endpoint_override=endpoint, region=region)
    if scheme == "gs":
        return pyarrow.fs.GcsFileSystem(retry_time_limit=_PATIENCE)
    account = environment_variable("AZURE_STORAGE_ACCOUNT") or environment_variable("AZURE_STORAGE_ACCOUNT_NAME")
    if account is None:
        raise InputError("az:// needs the storage account. Set AZURE_STORAGE_ACCOUNT to its name.")
    key, token = environment_variable("AZURE_STORAGE_KEY"), environment_variable("AZURE_STORAGE_SAS_TOKEN")
    return pyarrow.fs.AzureFileSystem(account, account_key=key, sas_token=None if key else token)


def _find(store: ArrowFSWrapper, path: str) -> tuple[list[_Object], bool]:
    """The objects that a path names, sorted, and whether it is a folder."""
    if has_magic(path):
        pattern = re.compile(glob_translate(path))
        parts = path.split("/")
        base = "/".join(itertools.takewhile(lambda part: not has_magic(part), parts))
        depth = None if "**" in path else len(parts) - base.count("/") - 1
        found = store.find(base, maxdepth=depth, detail=True)
        return [_object(one, base) for name, one in sorted(found.items()) if pattern.fullmatch(name)], False
    info = store.info(path)
    if info["type"] == "directory":
        found = store.find(path, detail=True)
        return [_object(one, path) for _, one in sorted(found.items())], True
    return [_object(info, str(PurePosixPath(path).parent))], False


def _object(info: Mapping[str, Any], base: str) -> _Object:
    local = PurePosixPath(info["name"]).relative_to(base)
    if ".." in local.parts:  # an object's name may hold anything
        raise InputError("the file's name leads out of its folder. Rename it.", file=info["name"])
    return _Object(info["name"], int(info["size"]), info["mtime"], local)


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
    now = store.info(one.path)
    if part.stat().st_size != one.size or (now["size"], now["mtime"]) != (one.size, one.changed):
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
            return f"{sentence.format(hint=_HINTS[scheme])} ({said})."
    return f"the store could not be read ({said})."
