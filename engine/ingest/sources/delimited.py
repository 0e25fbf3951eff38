"""Delimited text (CSV and its relatives) of any size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from engine.core.errors import InputError
from engine.ingest.report import Problem
from engine.ingest.sources.csv_blocks import csv_batches, next_rows
from engine.ingest.sources.dialects import Dialect, find_dialect, length_of_first_row, parse
from engine.ingest.sources.headers import first_row_names
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
from engine.ingest.sources.textfiles import Text, open_text

__all__ = ["read_delimited"]

_REPEATED = "this row is the header once more; it was left out."
# A column is needed where more than this share of the rows fills it.
_OFTEN = 0.7
_MARKS = {'="': '^="(.*)"$', "'": r"^'([0-9]+)$"}


@dataclass(frozen=True)
class _Layout:
    """Which rows and columns the text has.

    Attributes
    ----------
    start : characters before the first row of data.
    header : the first row as the text has it, () without one.
    needed : cells that a row must have; the columns after them are often empty, and rows may end before those.
    """

    columns: tuple[str, ...]
    start: int
    header: tuple[str, ...]
    needed: int
    notes: tuple[str, ...]
    headerless: bool


def read_delimited(text: Text, form: FileForm) -> FileTable:
    """The table in a text. Raises `InputError` where the first line names no columns."""
    name = text.raw.name
    if form.delimiter is not None and (not form.delimiter or form.delimiter in ('"', "\n", "\r")):
        raise InputError(f"{form.delimiter!r} separates no cells. Try , or ; or tab.", file=name, field="delimiter")
    dialect = find_dialect(text.head, text.escaped, cut=text.cut, name=text.raw.inner, delimiter=form.delimiter)
    layout = _layout(text, dialect, form)
    batches = _batches(text, dialect, layout)
    return FileTable(layout.columns, text_schema(len(layout.columns)), batches, layout.notes, layout.headerless)


def _layout(text: Text, dialect: Dialect, form: FileForm) -> _Layout:
    name, body = text.raw.name, text.head[dialect.start :]
    rows = parse(body, dialect, cut=text.cut)
    if not rows or not any(map(str.strip, rows[0])):
        raise InputError("the first line names no columns. Add a header line.", file=name, row=0)
    width = Counter(map(len, rows[1:] or rows)).most_common(1)[0][0]
    first = [cell.strip() for cell in rows[0]]
    known = form.header is not None and tuple(first) == form.header[: len(first)]
    notes = _start_notes(text.head[: dialect.start])
    # With known names, the first line is data unless it is plainly a header.
    named = known or first_row_names(rows)
    if named is False or (named is None and form.header):
        columns, more = _without_header(max(width, len(first)), form)
        return _Layout(columns, dialect.start, (), len(columns), (*notes, *more), form.header is None)
    names, more = _completed(first, rows[1:], width)
    columns, renamed = name_columns(names, name)
    start = dialect.start + length_of_first_row(body, dialect)
    return _Layout(columns, start, tuple(names), _needed(rows[1:], len(columns)), (*notes, *more, *renamed), False)


def _needed(rows: Sequence[Sequence[str]], width: int) -> int:
    """The number of cells up to the last column that most rows fill; Excel may end rows before empty cells."""
    whole = [row for row in rows if len(row) == width]
    for needed in range(width, 1, -1):
        filled = sum(bool(row[needed - 1].strip()) for row in whole)
        if filled > _OFTEN * len(whole) or not whole:
            return needed
    return 1


def _start_notes(skipped: str) -> tuple[str, ...]:
    lines = [
        line for line in skipped.splitlines() if line.strip() and not line.lower().lstrip('\ufeff"').startswith("sep=")
    ]
    return (f"lines above the table that are left out: {len(lines):,}, e.g. {lines[0][:60]!r}",) if lines else ()


def _without_header(width: int, form: FileForm) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns' known names, or their numbers, and a note."""
    names = (form.header or ())[:width]
    numbers = tuple(str(number) for number in range(len(names) + 1, width + 1))
    if names:
        return names + numbers, ()
    return numbers, (f"the file has no header: its columns are called 1 to {width}",)


def _completed(first: list[str], body: Sequence[Sequence[str]], width: int) -> tuple[list[str], tuple[str, ...]]:
    """The header with as many names as rows have cells, where programs write an end of line or a row's number unnamed."""
    while len(first) > width and not first[-1]:
        first = first[:-1]
    rows = [row for row in body if len(row) == width]
    if len(first) != width - 1 or not rows:
        return first, ()
    if not any(row[-1].strip() for row in rows):
        return [*first, ""], ()
    if _are_counted([row[0].strip() for row in rows]):
        return ["", *first], ("the first column has no name: it numbers the rows",)
    return first, ()


def _are_counted(cells: Sequence[str]) -> bool:
    """Whether cells number the rows from 0 or 1; other numbers are ids, in rows that an unquoted comma made longer."""
    start = {"0": 0, "1": 1}.get(cells[0])
    return start is not None and list(cells) == [str(number) for number in range(start, start + len(cells))]


def _batches(text: Text, dialect: Dialect, layout: _Layout) -> Batches:
    odd = _OddRows(text.raw.name, dialect, layout)
    width = len(layout.columns)
    with open_text(text.raw, text.encoding) as stream:
        stream.read(len(text.head[: layout.start].encode()))
        if not stream.peek(1):
            return
        row = 0
        for batch in csv_batches(stream, dialect, width, odd.take, text.raw.name):
            numbers = next_rows(row, batch.num_rows, odd.numbers)
            row = numbers[-1] if len(numbers) else row
            staged = numbered(_without_marks(batch) if text.marked else batch, numbers)
            if repeated := _header_rows(staged, layout.header):
                staged = staged.filter(pc.invert(pc.is_in(staged.column(ROW), pa.array(repeated, pa.int64()))))
                odd.rejected += [Problem(text.raw.name, number, None, "broken_row", _REPEATED) for number in repeated]
            yield staged, []
            yield odd.completed(), odd.reported()
        yield odd.completed(), odd.reported()


class _OddRows:
    """Rows with fewer or more cells than there are columns: some can be completed, the others are reported.

    `numbers` are those of all odd rows; `next_rows` takes off what it has passed.
    """

    def __init__(self, name: str, dialect: Dialect, layout: _Layout) -> None:
        self._name, self._dialect, self._layout = name, dialect, layout
        self._width = len(layout.columns)
        self._complete: list[tuple[int, list[str]]] = []
        self.numbers: list[int] = []
        self.rejected: list[Problem] = []

    def take(self, row: pa.csv.InvalidRow) -> str:
        """Keep the row here; the reader passes over it."""
        self.numbers.append(row.number)
        if self._layout.needed <= row.actual_columns < self._width:
            self._complete.append((row.number, parse(row.text, self._dialect)[0]))
        elif row.actual_columns == 1 and len(cells := _unwrapped(row.text, self._dialect)) == self._width:
            self._complete.append((row.number, cells))
        else:
            self.rejected.append(Problem(self._name, row.number, None, "broken_row", self._fault(row), row.text))
        return "skip"

    def _fault(self, row: pa.csv.InvalidRow) -> str:
        if (lines := row.text.count("\n")) and row.text.count('"') % 2:
            return f"a quote in this row is not closed, so that it goes on for {lines + 1:,} lines. Close it."
        named = "but there are" if self._layout.headerless else "but the header names"
        return f"{row.actual_columns} values, {named} {row.expected_columns} columns. Check its quotes."

    def completed(self) -> pa.RecordBatch:
        """The numbered rows that could be completed since the last call, with empty cells at their ends."""
        if not self._complete:
            return empty_batch(text_schema(self._width))
        cells = [[*row, *[""] * (self._width - len(row))] for _, row in self._complete]
        columns = [pa.array(column, pa.string()) for column in zip(*cells, strict=True)]
        batch = pa.RecordBatch.from_arrays(columns, names=[f"c{position}" for position in range(self._width)])
        numbers = [number for number, _ in self._complete]
        self._complete.clear()
        return numbered(_without_marks(batch), numbers)

    def reported(self) -> list[Problem]:
        """The problems since the last call."""
        problems = self.rejected.copy()
        self.rejected.clear()
        return problems


def _unwrapped(text: str, dialect: Dialect) -> list[str]:
    """The cells of a row that stands in quotes as a whole."""
    rows = parse(text, replace(dialect, wrapped=True))
    return rows[0] if len(rows) == 1 else []


def _header_rows(batch: pa.RecordBatch, header: Sequence[str]) -> list[int]:
    """The numbers of rows that are the header once more, as where files were put together."""
    place = next((place for place, name in enumerate(header) if name), None)
    if place is None:
        return []
    alike = batch.filter(pc.equal(batch.column(place + 1), header[place]))
    return [row[0] for row in zip(*alike.to_pydict().values(), strict=True) if list(row[1:]) == list(header)]


def _without_marks(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch without what keeps spreadsheets from taking a text for a number: `="0012"` and `'0012` are 0012."""
    columns = batch.columns
    for start, pattern in _MARKS.items():
        columns = [
            pc.replace_substring_regex(column, pattern, r"\1")
            if pc.any(pc.starts_with(column, start)).as_py()
            else column
            for column in columns
        ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
