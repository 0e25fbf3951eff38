"""Paths, globs and folders on this machine -> the files that they stand for."""

from __future__ import annotations

import glob
from pathlib import Path

from engine.core.errors import InputError
from engine.ingest.locations.partitions import join_parts, partition_keys

__all__ = ["folder_files", "local_files"]


def local_files(place: str, directory: Path) -> list[Path]:
    """The files of a path, a glob (`orders-*.csv.gz`, `**` for folders below) or a folder, sorted by name.

    Parameters
    ----------
    directory : where the one table that a partitioned folder holds is written; made only then.

    Raises `InputError` where there is no such file or the folder is empty.
    """
    path = Path(place).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        return folder_files(path, directory, place)
    if glob.has_magic(place):
        found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
        files = [one for one in found if one.is_file()]
        if not files:
            raise InputError("no file has a name like this. Check the path, and quote the pattern.", file=place)
        return files
    raise InputError("there is no such file. Check the path.", file=place)


def folder_files(folder: Path, directory: Path, name: str) -> list[Path]:
    """The files of a folder and those below, without hidden ones and what programs leave beside data (`_SUCCESS`).

    Where folders are called `column=value`, as Spark and Hive write them, the files are read as one table with these
    columns, which is written to `directory`. `name` is what to call the folder.
    """
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and not _is_beside_data(path.relative_to(folder))
    )
    if (folder / "_delta_log").is_dir() or list(folder.glob("metadata/*.metadata.json")):
        raise InputError(
            "this is a Delta or Iceberg table, whose folder also holds rows that were deleted. Export it as Parquet.",
            file=name,
        )
    if not files:
        raise InputError("the folder has no files. Check the path.", file=name)
    if partition_keys(folder, files, name):
        return [join_parts(files, folder, directory, partitioned=True)]
    return files


def _is_beside_data(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)
