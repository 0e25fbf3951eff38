"""What every reader of a form returns: the columns of one file and its rows in batches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute

from engine.core.errors import InputError
from engine.ingest.report import Problem

__all__ = [
    "ROW",
    "Batches",
    "FileForm",
    "FileTable",
    "as_text",
    "empty_batch",
    "name_columns",
    "numbered",
    "text_schema",
]

ROW = "__row"
_MAX_COLUMNS = 2_000

Batches = Iterator[tuple[pa.RecordBatch, list[Problem]]]
"""Rows with their numbers (`ROW`, c0, c1, ...), and the problems of rejected rows before or among them."""


@dataclass(frozen=True)
class FileForm:
    """What is known about a file beforehand; everything else is found out.

    Attributes
    ----------
    encoding : of its text, e.g. "cp1252".
    delimiter : between the cells of a line.
    header : the columns' names, for a file whose first line is data.
    """

    encoding: str | None = None
    delimiter: str | None = None
    header: tuple[str, ...] | None = None


@dataclass(frozen=True)
class FileTable:
    """One file, open for reading.

    Attributes
    ----------
    columns : the file's own names by position; unnamed ones are "".
    schema : of the batches: `ROW` (int64) and c0, c1, ...
    batches : the rows, to be read once.
    notes : what was decided about the file, one sentence each.
    headerless : the file names no columns; they are "1", "2", ...
    """

    columns: tuple[str, ...]
    schema: pa.Schema
    batches: Batches
    notes: tuple[str, ...] = ()
    headerless: bool = False


def text_schema(n_columns: int) -> pa.Schema:
    """The schema of `n_columns` columns of text."""
    return pa.schema([(ROW, pa.int64()), *((f"c{position}", pa.string()) for position in range(n_columns))])


def numbered(batch: pa.RecordBatch, rows: Sequence[int] | pa.Array) -> pa.RecordBatch:
    """The batch of c0, c1, ... with its row numbers, its texts trimmed."""
    columns = [
        pa.compute.utf8_trim_whitespace(column) if pa.types.is_string(column.type) else column
        for column in batch.columns
    ]
    numbers = rows if isinstance(rows, pa.Array) else pa.array(rows, pa.int64())
    return pa.RecordBatch.from_arrays([numbers, *columns], names=[ROW, *batch.schema.names])


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """No rows, for problems that come after the last of them."""
    return pa.RecordBatch.from_pylist([], schema=schema)


def name_columns(names: Sequence[str], file: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names without blanks around them and line ends in them, each once ("Image", "Image (2)"), and a note on those that came twice.

    Raises `InputError` where there are more than 2,000.
    """
    if len(names) > _MAX_COLUMNS:
        raise InputError(f"{len(names):,} columns are too many (at most {_MAX_COLUMNS:,}).", file=file)
    names = [" ".join(name.strip("\ufeff\u200b").split()) for name in names]
    taken = set(names)
    chosen: list[str] = []
    renamed: list[str] = []
    for name in names:
        if name and name in chosen:
            name = next(one for turn in range(2, len(names) + 2) if (one := f"{name} ({turn})") not in taken)
            taken.add(name)
            renamed.append(name)
        chosen.append(name)
    if not renamed:
        return tuple(chosen), ()
    listed = ", ".join(f'"{name}"' for name in renamed[:5]) + (", ..." if len(renamed) > 5 else "")
    return tuple(chosen), (f"several columns have the same name; the later ones are called {listed}",)


def as_text(column: pa.Array) -> pa.Array:
    """Any column as text; lists become JSON."""
    if pa.types.is_nested(column.type):
        values = [None if value is None else json.dumps(value, ensure_ascii=False) for value in column.to_pylist()]
        return pa.array(values, pa.string())
    return column.cast(pa.string())
