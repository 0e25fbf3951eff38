"""Delimited text (CSV and its relatives) of any size."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from engine.core.errors import InputError
from engine.ingest.report import Problem
from engine.ingest.sources.tables import Batches, FileForm, FileTable, empty_batch, name_columns, numbered, text_schema
from engine.ingest.sources.textfiles import open_text

__all__ = ["read_delimited"]

_BLOCK = 8 * 1024 * 1024
_DELIMITERS = (",", ";", "\t", "|")


def read_delimited(path: Path, form: FileForm) -> FileTable:
    """The table in a text file. Raises `InputError` where the first line names no columns."""
    with open_text(path, form.encoding) as stream:
        sample = stream.read(256 * 1024).decode("utf-8", errors="ignore")
    delimiter = form.delimiter or _sniff_delimiter(sample)
    first = next(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), [])
    if not any(map(str.strip, first)):
        raise InputError("the first line names no columns. Add a header line.", file=path.name, row=0)
    skipped = 0 if form.header and tuple(map(str.strip, first)) != form.header else 1
    columns, notes = name_columns(form.header or first, path.name)
    batches = _batches(path, form.encoding, delimiter, len(columns), skipped)
    return FileTable(columns, text_schema(len(columns)), batches, notes)


def _batches(path: Path, encoding: str | None, delimiter: str, width: int, skipped: int) -> Batches:
    rejected: list[Problem] = []
    broken: list[int] = []

    def reject(row: pa.csv.InvalidRow) -> str:
        number = row.number - skipped  # the header is record 1
        message = f"{row.actual_columns} values, but the header names {row.expected_columns} columns. Check its quotes."
        rejected.append(Problem(path.name, number, None, "broken_row", message, row.text))
        broken.append(number)
        return "skip"

    with open_text(path, encoding) as stream:
        table = _open_csv(stream, delimiter, width, skipped, reject)
        row = 0
        for batch in table:
            numbers = _next_rows(row, batch.num_rows, broken)
            row = numbers[-1] if len(numbers) else row
            yield numbered(batch, numbers), rejected.copy()
            rejected.clear()
        if rejected:
            yield empty_batch(text_schema(width)), rejected.copy()


def _open_csv(
    stream: io.BufferedReader, delimiter: str, width: int, skipped: int, reject: Callable[[pa.csv.InvalidRow], str]
) -> pa.csv.CSVStreamingReader:
    """A reader of `width` text columns c0, c1, ... that skips the header."""
    staged = [f"c{i}" for i in range(width)]
    return pa.csv.open_csv(
        pa.PythonFile(stream, mode="r"),
        read_options=pa.csv.ReadOptions(
            use_threads=False, block_size=_BLOCK, column_names=staged, skip_rows_after_names=skipped
        ),
        parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=reject),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(staged, pa.string()), strings_can_be_null=False
        ),
    )


def _next_rows(row: int, count: int, broken: list[int]) -> Sequence[int]:
    """The numbers of the `count` good rows after `row`, without `broken` ones, which are taken off the list."""
    ahead = set(broken)
    if not ahead:
        return range(row + 1, row + 1 + count)
    numbers = list(itertools.islice((number for number in itertools.count(row + 1) if number not in ahead), count))
    broken[:] = [number for number in broken if not numbers or number > numbers[-1]]
    return numbers


def _sniff_delimiter(sample: str) -> str:
    """The delimiter that gives the header the most columns, if most of the first rows have as many."""
    best, most = ",", 1
    for delimiter in _DELIMITERS:
        rows = list(itertools.islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), 51))
        body = [row for row in rows[1:-1] or rows[1:] if row]
        width = len(rows[0]) if rows else 0
        agreeing = sum(len(row) == width for row in body)
        if width > most and agreeing * 2 >= len(body):
            best, most = delimiter, width
    return best
