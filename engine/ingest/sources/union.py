"""Several files with the same columns -> one table: columns by name, rows numbered on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from engine.ingest.sources.tables import ROW, Batches, FileTable, as_text

__all__ = ["joined_name", "unite"]


def joined_name(names: Sequence[str]) -> str:
    """What people call the files together."""
    if len(names) < 3:
        return " and ".join(names)
    return f"{names[0]} and {len(names) - 1} more files"


def unite(files: Sequence[tuple[str, FileTable]]) -> tuple[FileTable, list[tuple[str, int]]]:
    """The files as one table, and each file's name with the number of rows before it, known once all batches are read.

    A column that a file lacks is null there; a column whose type differs between files becomes text.
    """
    if len(files) == 1:
        return files[0][1], [(files[0][0], 0)]
    files = _with_header_of_others(files)
    tables = [table for _, table in files]
    columns = tuple(dict.fromkeys(name for table in tables for name in table.columns))
    schema = pa.schema([(ROW, pa.int64()), *((f"c{i}", _type(name, tables)) for i, name in enumerate(columns))])
    parts: list[tuple[str, int]] = []
    notes = [f"{name}: {note}" for name, table in files for note in table.notes]
    notes += [
        f"{name} has no column {', '.join(repr(column) for column in columns if column not in table.columns)}"
        for name, table in files
        if set(columns) - set(table.columns)
    ]
    united = FileTable(columns, schema, _chained(files, columns, schema, parts), tuple(notes), tables[0].headerless)
    return united, parts


def _with_header_of_others(files: Sequence[tuple[str, FileTable]]) -> Sequence[tuple[str, FileTable]]:
    """Parts of a file that was split have no header, all but the first: theirs is the first's."""
    header = next((table.columns for _, table in files if not table.headerless), None)
    return [
        (name, replace(table, columns=header, headerless=False, notes=()))
        if header and table.headerless and len(table.columns) == len(header)
        else (name, table)
        for name, table in files
    ]


def _type(name: str, tables: Sequence[FileTable]) -> pa.DataType:
    types = {table.schema.field(f"c{table.columns.index(name)}").type for table in tables if name in table.columns}
    return types.pop() if len(types) == 1 else pa.string()


def _chained(
    files: Sequence[tuple[str, FileTable]], columns: tuple[str, ...], schema: pa.Schema, parts: list[tuple[str, int]]
) -> Batches:
    last = 0
    for name, table in files:
        before = last
        parts.append((name, before))
        for batch, rejected in table.batches:
            rows = batch.column(ROW)
            numbers = [problem.row for problem in rejected if problem.row is not None]
            last = max([last, *(before + number for number in numbers), *(before + row.as_py() for row in rows[-1:])])
            arrays = [
                _column(batch, table.columns, column, schema.field(f"c{i}").type) for i, column in enumerate(columns)
            ]
            moved = pa.compute.add(rows, before)
            yield pa.RecordBatch.from_arrays([moved, *arrays], schema=schema), rejected


def _column(batch: pa.RecordBatch, columns: tuple[str, ...], name: str, kind: pa.DataType) -> pa.Array:
    if name not in columns:
        return pa.nulls(batch.num_rows, kind)
    column = batch.column(f"c{columns.index(name)}")
    return column if column.type == kind else as_text(column)
