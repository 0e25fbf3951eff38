"""Addresses in an object store (s3://, gs://, az://) -> downloaded files.

fsspec stands on the file systems of pyarrow here, and not on s3fs, gcsfs and adlfs: those would bring some 50 more packages
(a botocore among them that refuses today's python-dateutil), and 200 MB from a server on loopback took 2.6 s with pyarrow in
portions of 32 MB and 2.9 s with s3fs. Credentials are found as every program for these stores finds them: in the
environment, in ~/.aws, or from the machine's own role.
"""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable
from glob import has_magic
from pathlib import Path, PurePosixPath

import pyarrow as pa
from fsspec.implementations.arrow import ArrowFSWrapper
from fsspec.utils import glob_translate
from pyarrow.fs import FileType

from engine.core.errors import InputError
from engine.ingest.locations.local import folder_files
from engine.ingest.locations.objects import (
    StoredObject,
    download,
    listed,
    refuse_credentials,
    store_sentence,
    stored_object,
)
from engine.ingest.locations.stores import open_store

__all__ = ["fetch_objects"]


def fetch_objects(address: str, directory: Path, tell: Callable[[float, str], None]) -> list[Path]:
    """Download what an address names (a file, a pattern, or all files of a folder) to `directory`; the files in order.

    A download that breaks off goes on where it stopped; a file counts once it is whole, and as long as it was not
    replaced in the store meanwhile. Raises `InputError` naming the address.
    """
    refuse_credentials(address)
    scheme, _, path = address.partition("://")
    try:
        store = open_store(scheme.lower())
        objects, is_folder = _find(store, path.rstrip("/"))
        if not objects:
            raise InputError("there is no such file. Check the address.", file=address)
        directory.mkdir(parents=True, exist_ok=True)
        _require_space(directory, sum(one.size for one in objects), address)
        files = _download_all(store, objects, directory, tell)
    except (OSError, pa.ArrowException, ValueError) as exc:
        raise InputError(store_sentence(scheme.lower(), exc), file=address) from exc
    if not is_folder:
        return files
    joined = directory.with_name(f"{directory.name}-joined")
    return folder_files(directory, joined, address)


def _find(store: ArrowFSWrapper, path: str) -> tuple[list[StoredObject], bool]:
    """The objects that a path names, sorted, and whether it is a folder."""
    if has_magic(path):
        parts = path.split("/")
        base = "/".join(itertools.takewhile(lambda part: not has_magic(part), parts))
        if not base:
            raise InputError("the bucket's name must not be a pattern. Name it.", file=path)
        pattern = re.compile(glob_translate(path))
        found = listed(store, base, below=len(parts) > base.count("/") + 2 or "**" in path)
        return [one for one in found if pattern.fullmatch(one.path)], False
    info = store.fs.get_file_info([path])[0]
    if info.type == FileType.Directory:
        return listed(store, path, below=True), True
    return [stored_object(info, str(PurePosixPath(path).parent))] if info.type == FileType.File else [], False


def _require_space(directory: Path, needed: int, address: str) -> None:
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise InputError(
            f"the files need {needed / 1e9:.1f} GB, and the workspace's disk has {free / 1e9:.1f} GB left. Free some.",
            file=address,
        )


def _download_all(
    store: ArrowFSWrapper, objects: list[StoredObject], directory: Path, tell: Callable[[float, str], None]
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

        download(store, one, path, progress)
        before += one.size
        paths.append(path)
    return paths
