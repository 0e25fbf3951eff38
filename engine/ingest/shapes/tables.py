"""What all shapes share: cells as text in SQL, and writing a query as a staged table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from engine.ingest.sources import Source
from engine.ingest.staged_sql import quoted

__all__ = ["cell_text", "relation", "write_staged"]


def relation(source: Source) -> str:
    """SQL for the staged rows."""
    return f"read_parquet({quoted(str(source.path))})"


def cell_text(column: str) -> str:
    """SQL for a staged column as trimmed text, null where empty; 44.0 becomes 44."""
    plain = f"nullif(trim({column}::VARCHAR), '')"
    return rf"regexp_replace({plain}, '^([0-9]+)\.0$', '\1')"


def write_staged(
    connection: duckdb.DuckDBPyConnection, query: str, source: Source, columns: Sequence[str], name: str
) -> Source:
    """Write a query (ROW, c0, c1, ...) beside the staged file as the table that takes its place; `columns` are its names."""
    target = _free(source.path.parent, name)
    connection.execute(f"COPY ({query}) TO {quoted(str(target))} (FORMAT parquet, COMPRESSION lz4)")
    return replace(source, columns=tuple(columns), path=target)


def _free(directory: Path, name: str) -> Path:
    taken = sum(path.name.startswith(f"{name}-") for path in directory.iterdir())
    return directory / f"{name}-{taken}.parquet"
