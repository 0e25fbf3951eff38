"""A folder of partitioned Parquet -> one Parquet file, with the columns that the folders' names hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from engine.catalogue.interactions import open_duckdb
from engine.core.errors import InputError
from engine.ingest.staged_sql import quoted

__all__ = ["partition_keys", "read_partitions"]


def partition_keys(folder: Path, files: Sequence[Path], name: str) -> tuple[str, ...]:
    """The columns that folders named `column=value` hold, outermost first; empty where no folder is called so.

    Raises `InputError` where the files have different ones, or are not Parquet.
    """
    keys = {file: _keys(file.relative_to(folder)) for file in files}
    if not any(keys.values()):
        return ()
    first = keys[files[0]]
    for file in files:
        if keys[file] != first:
            raise InputError(
                f"{file.relative_to(folder)} lies in folders for {_listed(keys[file])}, and {files[0].relative_to(folder)}"
                f" in folders for {_listed(first)}. Name one of the folders inside.",
                file=name,
            )
        if file.suffix.lower() not in {".parquet", ".pq"}:
            raise InputError(
                f"folders called {first[0]}=... are read if they hold Parquet, but {file.relative_to(folder)} is"
                " something else. Name the files with a pattern.",
                file=name,
            )
    return first


def read_partitions(folder: Path, files: Sequence[Path], keys: Sequence[str], directory: Path) -> Path:
    """All rows of the files, in their order, as `directory/<folder>.parquet`; a column that a file lacks is null there.

    Raises `InputError` where a file is damaged, or the files hold different types.
    """
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{folder.resolve().name.removesuffix('.parquet')}.parquet"
    listed = ", ".join(quoted(str(file)) for file in files)
    # What a folder's name says stays the text that it is: 007 is no 7.
    types = "hive_types_autocast = false"
    try:
        with open_duckdb(str(directory)) as connection:
            connection.execute("SET preserve_insertion_order = true")
            connection.execute(
                f"COPY (SELECT * FROM read_parquet([{listed}], hive_partitioning = true, {types}, union_by_name = true))"
                f" TO {quoted(str(target))} (FORMAT parquet, COMPRESSION lz4)"
            )
    except duckdb.Error as exc:
        said = str(exc).splitlines()[0].replace(f"{folder}/", "")
        raise InputError(f"the folder cannot be read as one table: {said}", file=folder.name) from exc
    return target


def _keys(path: Path) -> tuple[str, ...]:
    return tuple(part.partition("=")[0] for part in path.parts[:-1] if "=" in part)


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(keys) or "no column"
