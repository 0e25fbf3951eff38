"""Many Parquet files that are parts of one table -> one file, with the columns that the names of folders hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from engine.catalogue.interactions import open_duckdb
from engine.core.errors import InputError
from engine.ingest.staged_sql import quoted

__all__ = ["are_parts", "join_parts", "partition_keys"]

_PARQUET = {".parquet", ".pq"}
_MANY = 20


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
        if file.suffix.lower() not in _PARQUET:
            raise InputError(
                f"folders called {first[0]}=... are read if they hold Parquet, but {file.relative_to(folder)} is"
                " something else. Name the files with a pattern.",
                file=name,
            )
    return first


def join_parts(files: Sequence[Path], folder: Path, directory: Path, *, partitioned: bool) -> Path:
    """All rows of Parquet files in `folder` and below, in their order, as `directory/<folder>.parquet`.

    Where they are `partitioned`, what folders named `column=value` say becomes a column of texts: 007 is no 7. A column that a
    file lacks is null there.
    Raises `InputError` where a file is damaged, or the files hold different types.
    """
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{folder.resolve().name.removesuffix('.parquet') or 'table'}.parquet"
    listed = ", ".join(quoted(str(file)) for file in files)
    options = f"hive_partitioning = {str(partitioned).lower()}, hive_types_autocast = false, union_by_name = true"
    try:
        with open_duckdb(str(directory)) as connection:
            connection.execute("SET preserve_insertion_order = true")
            connection.execute(
                f"COPY (SELECT * FROM read_parquet([{listed}], {options}))"
                f" TO {quoted(str(target))} (FORMAT parquet, COMPRESSION lz4)"
            )
    except duckdb.Error as exc:
        said = str(exc).splitlines()[0].replace(f"{folder}/", "")
        raise InputError(f"the files cannot be read as one table: {said}", file=folder.name) from exc
    return target


def are_parts(files: Sequence[Path]) -> bool:
    """Whether these are so many Parquet files with the same columns that they are parts of one table, as Spark writes them."""
    if len(files) <= _MANY or any(file.suffix.lower() not in _PARQUET for file in files):
        return False
    try:
        columns = set(pq.read_schema(files[0]).names)
        return all(set(pq.read_schema(file).names) == columns for file in files)
    except (OSError, pa.ArrowException):  # said by whoever reads the files one by one
        return False


def _keys(path: Path) -> tuple[str, ...]:
    return tuple(part.partition("=")[0] for part in path.parts[:-1] if "=" in part)


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(keys) or "no column"
