"""JSON Lines of any size: every key of an object is a column, nested values are JSON text."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from engine.core.errors import InputError
from engine.ingest.report import Problem
from engine.ingest.sources.tables import (
    ROW,
    Batches,
    FileForm,
    FileTable,
    empty_batch,
    name_columns,
    numbered,
    text_schema,
)
from engine.ingest.sources.textfiles import open_text

__all__ = ["read_json_lines"]

_BLOCK = 8 * 1024 * 1024
_BATCH = 16_384
# Keys of JSON objects are collected from this many leading rows.
_KEY_ROWS = 20_000
# CASE, because AND would evaluate json_type of invalid JSON, which is an error.
_IS_OBJECT = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"


def read_json_lines(path: Path, form: FileForm) -> FileTable:
    """The objects in a text file, one a line. Raises `InputError` where no line is an object."""
    keys: dict[str, None] = {}
    with duckdb.connect(config={"threads": 1}) as connection, open_text(path, form.encoding) as stream:
        lines = [line for line in itertools.islice(_lines(stream, path.name), _KEY_ROWS) if line]
        connection.register("lines", pa.table({"line": pa.array(lines, pa.string())}))
        found = connection.execute(f"SELECT json_keys(line) FROM lines WHERE {_IS_OBJECT}").fetchall()
    for (names,) in found:
        keys.update(dict.fromkeys(names))
    columns = [name for name in keys if name.strip()]
    if not columns:
        raise InputError(
            'no line is a JSON object. Write one object per line, e.g. {"item_id": "a1", "title": "Dress"}.',
            file=path.name,
            row=1,
        )
    _, notes = name_columns(columns, path.name)
    return FileTable(tuple(columns), text_schema(len(columns)), _batches(path, form.encoding, columns), notes)


def _batches(path: Path, encoding: str | None, columns: list[str]) -> Batches:
    pointers = {f"c{i}": "/" + name.replace("~", "~0").replace("/", "~1") for i, name in enumerate(columns)}
    chosen = ", ".join(f"json_extract_string(line, $c{i}) AS c{i}" for i in range(len(columns)))
    with duckdb.connect(config={"threads": 2}) as connection, open_text(path, encoding) as stream:
        counted = enumerate(_lines(stream, path.name), 1)
        while block := list(itertools.islice(counted, _BATCH)):
            connection.register("lines", _lines_table([(row, line) for row, line in block if line.strip()]))
            bad = connection.execute(f"SELECT {ROW}, line FROM lines WHERE NOT ({_IS_OBJECT}) ORDER BY 1").fetchall()
            objects = f"SELECT {ROW}, {chosen} FROM (SELECT * FROM lines WHERE {_IS_OBJECT}) ORDER BY {ROW}"
            table: pa.Table = connection.sql(objects, params=pointers).to_arrow_table()
            yield from ((numbered(batch.drop_columns([ROW]), batch.column(ROW)), []) for batch in table.to_batches())
            if bad:
                message = "this line is not a JSON object. Correct or remove it."
                rejected = [Problem(path.name, row, None, "broken_row", message, text) for row, text in bad]
                yield empty_batch(text_schema(len(columns))), rejected


def _lines_table(lines: Sequence[tuple[int, str]]) -> pa.Table:
    rows, texts = [row for row, _ in lines], [line for _, line in lines]
    return pa.table({ROW: pa.array(rows, pa.int64()), "line": pa.array(texts, pa.string())})


def _lines(stream: io.BufferedReader, name: str) -> Iterator[str]:
    for number in itertools.count(1):
        line = stream.readline(_BLOCK)
        if not line:
            return
        if len(line) == _BLOCK:
            raise InputError(
                f"a line is longer than {_BLOCK:,} bytes. Write one object per line.", file=name, row=number
            )
        yield line.decode("utf-8").strip()
