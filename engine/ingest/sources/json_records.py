"""JSON of any size: lines, an array, or an object that holds an array. Every key is a column, nested values are JSON text."""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BufferedReader
from pathlib import Path
from typing import Any

import duckdb
import ijson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from engine.core.errors import InputError
from engine.ingest.report import Problem
from engine.ingest.sources.csv_blocks import csv_batches, next_rows
from engine.ingest.sources.dialects import Dialect
from engine.ingest.sources.json_shapes import records_of
from engine.ingest.sources.rewriting import rewritten
from engine.ingest.sources.tables import ROW, Batches, FileTable, empty_batch, name_columns, numbered, text_schema
from engine.ingest.sources.textfiles import Text, open_text

__all__ = ["read_json", "read_records"]

Opener = Callable[[], BufferedReader]

# Lines as they are: JSON has no such character, and no quotes as CSV means them.
_LINES = Dialect("\x1f", quoted=False)
# CASE, because AND would evaluate json_type of invalid JSON, which is an error.
_IS_OBJECT = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"
_LINE_NAMES = (".jsonl", ".ndjson")
# For a first look, so many parts of a JSON text are searched for its longest array.
_PARTS = 200_000
# An array of arrays, or an object whose first value is an object or an array of no objects.
_MAY_BE_WHOLE = re.compile(r"\[\s*\[|\{\s*\"[^\"]*\"\s*:\s*(\{|\[\s*[^{\s])")
_MOST_WHOLE = 64 * 1024 * 1024
# Numbers that are none, where a value stands.
_NO_NUMBER = re.compile(rb"([:\[,]\s{0,8})(?:-?Infinity|NaN)(?=\s{0,8}[,\]}])")
_LONGEST_VALUE = 32
# Python's own way to write an object, as in some published data sets.
_LITERAL = re.compile(r"\s*\{u?'")
_LITERAL_NOTE = "the lines are objects as Python writes them"
_MOST_LITERAL = 1024 * 1024


def read_json(text: Text, directory: Path, limit: int | None) -> FileTable:
    """The objects in a JSON text; what is not written one a line is rewritten so in `directory`.

    Raises `InputError` where there are none, or where the JSON breaks off.
    """
    if _LITERAL.match(text.head):
        with open_text(text.raw, text.encoding) as stream:
            return read_records(_literals(stream), directory, text.raw.name, (_LITERAL_NOTE,), limit)
    if whole := _whole_table(text):
        table = read_records(whole[0], directory, text.raw.name, (whole[1],), limit)
        return replace(table, headerless=all(map(str.isdigit, table.columns)))
    prefix, note = _place(text, limit)
    if prefix is None:
        return _read_lines(lambda: open_text(text.raw, text.encoding), text.raw.name, (), limit)
    with open_text(text.raw, text.encoding) as stream:
        found = ijson.items(_without_nan(stream), prefix, use_float=True, multiple_values=True)
        return read_records(_sound(found, text.raw.name), directory, text.raw.name, note, limit)


def read_records(
    records: Iterator[Any], directory: Path, name: str, notes: tuple[str, ...], limit: int | None
) -> FileTable:
    """The records, each a dict of JSON values, as a table; they are written to `directory` on the way."""
    target = directory / f"records-{len(list(directory.iterdir()))}.jsonl"
    with target.open("w", encoding="utf-8") as lines:
        for record in itertools.islice(records, limit):
            lines.write(json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str))
            lines.write("\n")
    return _read_lines(lambda: target.open("rb"), name, notes, limit)


def _place(text: Text, limit: int | None) -> tuple[str | None, tuple[str, ...]]:
    """Where the objects are, in ijson's words ("products.item"), and a note on it; None for one object a line."""
    start = text.head.lstrip()
    if start.startswith("["):
        return "item", ()
    lines = [line.strip() for line in start.split("\n", 2)]
    first, more = lines[0], any(lines[1:])
    begins = first == "{" or (first.endswith(("{", "[", ",")) and not first.endswith("},"))
    if text.raw.inner.lower().endswith(_LINE_NAMES) or (more and not begins):
        return None, ()
    with open_text(text.raw, text.encoding) as stream:
        path = _longest_array(
            _sound(ijson.basic_parse(_without_nan(stream), multiple_values=True), text.raw.name), limit
        )
    if path is None:
        return "", ()
    return _within(text, ".".join([*path, "item"])), (f'the rows are the objects in "{".".join(path)}"',)


def _whole_table(text: Text) -> tuple[Iterator[Any], str] | None:
    """The rows of a text that is a table in another way, with a note; only a text of up to 64 MB is read for that."""
    start = text.head.lstrip()
    if text.raw.inner.lower().endswith(_LINE_NAMES) or not _MAY_BE_WHOLE.match(start):
        return None
    with open_text(text.raw, text.encoding) as stream:
        content = stream.read(_MOST_WHOLE + 1)
    try:
        return records_of(json.loads(content)) if len(content) <= _MOST_WHOLE else None
    except (ValueError, RecursionError):
        return None


def _within(text: Text, prefix: str) -> str:
    """The prefix, or the one key that leads on, where each object holds just another: `{"node": {...}}` in GraphQL."""
    with open_text(text.raw, text.encoding) as stream:
        first = next(_sound(ijson.items(_without_nan(stream), prefix, multiple_values=True), text.raw.name), None)
    if isinstance(first, dict) and len(first) == 1:
        key, value = next(iter(first.items()))
        return f"{prefix}.{key}" if isinstance(value, dict) else prefix
    return prefix


def _longest_array(parts: Iterator[tuple[str, Any]], limit: int | None) -> tuple[str, ...] | None:
    """The keys that lead to the array with the most objects in it, no other array on the way; None without one."""
    counts: Counter[tuple[str, ...]] = Counter()
    keys: list[str] = []
    kinds: list[str] = []
    for event, value in itertools.islice(parts, _PARTS if limit else None):
        if event == "map_key":
            keys[-1] = value
        elif event in ("start_map", "start_array"):
            if event == "start_map" and kinds and kinds[-1] == "start_array" and kinds.count("start_array") == 1:
                counts[tuple(keys[:-1])] += 1
            kinds.append(event)
            keys.append("")
        elif event in ("end_map", "end_array"):
            kinds.pop()
            keys.pop()
    return counts.most_common(1)[0][0] if counts else None


def _literals(stream: BufferedReader) -> Iterator[Any]:
    """The value of each line as Python writes it; the line itself where it is none."""
    while line := stream.readline(_MOST_LITERAL):
        text = line.decode()
        try:
            yield ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            yield text


def _without_nan(stream: BufferedReader) -> BufferedReader:
    """JSON with null for what Python and others write for a number that is none, against the standard."""
    return rewritten(stream, lambda text: _NO_NUMBER.sub(rb"\1null", text), _begun_value)


def _begun_value(text: bytes) -> int:
    """How many bytes at the end may begin a value."""
    start = max(text.rfind(mark, len(text) - _LONGEST_VALUE) for mark in (b":", b",", b"["))
    return len(text) - start if start >= 0 else 0


def _sound(parts: Iterator[Any], name: str) -> Iterator[Any]:
    """The parts; where the JSON is broken, an `InputError` that says behind which."""
    count = 0
    try:
        for part in parts:
            yield part
            count += 1
    except ijson.JSONError as exc:
        what = (str(exc).splitlines() or ["it breaks off"])[0].rstrip(". ")
        raise InputError(
            f"the JSON cannot be read here: {what}. Export it again, or write one object per line.",
            file=name,
            row=count + 1,
        ) from exc


def _read_lines(opened: Opener, name: str, notes: tuple[str, ...], limit: int | None) -> FileTable:
    columns = _keys(opened, name, limit)
    if not columns:
        raise InputError(
            'there are no JSON objects. Write one object per line, e.g. {"item_id": "a1", "title": "Dress"}.',
            file=name,
            row=1,
        )
    name_columns(columns, name)
    return FileTable(tuple(columns), text_schema(len(columns)), _batches(opened, name, columns), notes)


def _keys(opened: Opener, name: str, limit: int | None) -> list[str]:
    """The keys of all objects, or of about so many first ones, in the order in which they appear."""
    keys: dict[str, None] = {}
    n_rows = 0
    with duckdb.connect(config={"threads": 1}) as connection, opened() as stream:
        for batch in csv_batches(stream, _LINES, 1, lambda row: "skip", name, blank_lines=True):
            connection.register("lines", pa.table({"line": _objects(batch)}))
            found = connection.execute(f"""
                SELECT key FROM (
                    SELECT unnest(json_keys(line)) AS key, row_number() OVER () AS turn FROM lines WHERE {_IS_OBJECT}
                ) GROUP BY key ORDER BY min(turn)
            """).fetchall()
            keys.update(dict.fromkeys(key for (key,) in found if key.strip()))
            n_rows += batch.num_rows
            if limit is not None and n_rows >= limit:
                break
    return list(keys)


def _batches(opened: Opener, name: str, columns: list[str]) -> Batches:
    rejected: list[Problem] = []
    broken: list[int] = []

    def reject(row: pa.csv.InvalidRow) -> str:
        rejected.append(_no_object(name, row.number, row.text))
        broken.append(row.number)
        return "skip"

    pointers = ["/" + name.replace("~", "~0").replace("/", "~1") for name in columns]
    chosen = ", ".join(f"cells[{i}] AS c{i - 1}" for i in range(1, len(columns) + 1))
    with duckdb.connect(config={"threads": 1}) as connection, opened() as stream:
        row = 0
        for batch in csv_batches(stream, _LINES, 1, reject, name, blank_lines=True):
            numbers = next_rows(row, batch.num_rows, broken)
            row = numbers[-1] if len(numbers) else row
            lines = pa.table({ROW: pa.array(numbers, pa.int64()), "line": _objects(batch)})
            connection.register("lines", lines)
            found = connection.execute(
                f"SELECT {ROW}, line FROM lines WHERE trim(line) <> '' AND NOT ({_IS_OBJECT}) ORDER BY 1"
            ).fetchall()
            rejected += [_no_object(name, number, line) for number, line in found]
            cells = f"SELECT {ROW}, json_extract_string(line, $paths) AS cells FROM lines WHERE {_IS_OBJECT}"
            table = connection.sql(f"SELECT {ROW}, {chosen} FROM ({cells}) ORDER BY {ROW}", params={"paths": pointers})
            for part in table.to_arrow_table().to_batches():
                yield numbered(part.drop_columns([ROW]), part.column(ROW)), []
            yield empty_batch(text_schema(len(columns))), rejected.copy()
            rejected.clear()


def _objects(batch: pa.RecordBatch) -> pa.Array:
    """The lines without the commas that programs write between objects."""
    return pc.utf8_rtrim(batch.column(0), characters=", \t\r")


def _no_object(name: str, row: int, line: str) -> Problem:
    return Problem(name, row, None, "broken_row", "this line is not a JSON object. Correct or remove it.", line)
