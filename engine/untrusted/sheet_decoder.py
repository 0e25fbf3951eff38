"""The child process that reads a stranger's table: CSV, Excel workbook or Parquet in, clean text out (see `sheets`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.errors import SheetError
from engine.untrusted.bounded import serve
from engine.untrusted.delimited import delimited_rows
from engine.untrusted.workbooks import Unreadable, workbook_rows

__all__ = ["decode_sheet"]

MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_TEXT = 20_000
_MAX_UNREAD = 1_000
_MAX_CHARACTERS = 100_000_000
# Control characters, marks that change the direction of the text after them, line separators and halves of surrogate
# pairs. Marks that only join letters or emoji are not removed.
_DROPPED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]+")


def decode_sheet(data: bytes) -> tuple[dict[str, Any], pa.Table]:
    """The head of the answer (columns, rows, unread) and a table of strings. Raises `SheetError`."""
    rows = iter(_rows(data))
    header: list[Any] = next((list(row) for row in rows if any(map(_text, row))), [])
    named = [(position, name[:200]) for position, name in enumerate(map(_text, header)) if name]
    if not named:
        raise SheetError("the first line names no columns. Add a header line, or start from the template.")
    if len(named) > MAX_COLUMNS:
        raise SheetError(f"{len(named):,} columns are too many (at most {MAX_COLUMNS}). Remove some.")
    names = [name for _, name in named]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SheetError("two columns have this name. Rename one.", field=twice)
    table = _Table([position for position, _ in named], names)
    for number, row in enumerate(rows, 1):
        table.add(number, list(row))
    return table.answer()


class _Table:
    """The filled rows below the header; `positions` are the columns that have a name."""

    def __init__(self, positions: list[int], names: list[str]):
        self._positions, self._names = positions, names
        self._columns: list[list[str]] = [[] for _ in positions]
        self._numbers: list[int] = []
        self._unread: list[list[Any]] = []
        self._characters = 0

    def add(self, number: int, row: list[Any]) -> None:
        """Add the row unless it is empty. Raises `SheetError` where the table grows too large."""
        cells = [row[position] if position < len(row) else None for position in self._positions]
        texts = [_text(cell) for cell in cells]
        named = zip(self._names, cells, strict=True)
        bad = [[number, name, cell.message] for name, cell in named if isinstance(cell, Unreadable)]
        if not bad and not any(texts):
            return
        if len(self._numbers) == MAX_ROWS:
            raise SheetError(f"it has more than {MAX_ROWS:,} rows. Split it.", row=number)
        self._characters += sum(map(len, texts))
        if self._characters > _MAX_CHARACTERS:
            raise SheetError("its texts are too long in all. Split it.", row=number)
        self._unread += bad[: max(_MAX_UNREAD - len(self._unread), 0)]
        self._numbers.append(number)
        for column, text in zip(self._columns, texts, strict=True):
            column.append(text)

    def answer(self) -> tuple[dict[str, Any], pa.Table]:
        """The head and the table. Raises `SheetError` without rows."""
        if not self._numbers:
            raise SheetError("it has a header but no rows. Fill in a product per row.")
        arrays = [pa.array(column, pa.string()) for column in self._columns]
        table = pa.Table.from_arrays(arrays, names=[f"c{position}" for position in range(len(arrays))])
        return {"columns": self._names, "rows": self._numbers, "unread": self._unread}, table


def _rows(data: bytes) -> Iterable[Iterable[Any]]:
    if data.startswith(b"PK\x03\x04"):
        return workbook_rows(data, MAX_COLUMNS)
    if data.startswith(b"PAR1"):
        return _parquet_rows(data)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise SheetError("this is an old Excel workbook (.xls) or one with a password. Save it as .xlsx or CSV.")
    return delimited_rows(data)


def _parquet_rows(data: bytes) -> Iterator[list[Any]]:
    file = pq.ParquetFile(
        pa.BufferReader(data), thrift_string_size_limit=16 * 1024**2, thrift_container_size_limit=1_000_000
    )
    if file.metadata.num_columns > 10 * MAX_COLUMNS or file.metadata.num_rows > MAX_ROWS:
        raise SheetError(f"it is too large (at most {MAX_ROWS:,} rows and {MAX_COLUMNS} columns). Split it.")
    yield list(file.schema_arrow.names)
    for batch in file.iter_batches(batch_size=1_000, use_threads=False):
        columns = [column.to_pylist() for column in batch.columns]
        yield from (list(row) for row in zip(*columns, strict=True))


def _text(value: Any) -> str:
    if type(value) is str and value.isprintable():  # as nearly all are; nothing in them is removed
        return value.strip()[:MAX_TEXT]
    if value is None or isinstance(value, Unreadable) or value != value:
        return ""
    if isinstance(value, (list, tuple)):
        return "; ".join(filter(None, map(_text, value)))[:MAX_TEXT]
    if isinstance(value, (dict, bytes)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return _DROPPED.sub(" ", str(value)).strip()[:MAX_TEXT]


def _work(head: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        answer, table = decode_sheet(data)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return answer, sink.getvalue().to_pybytes()
    except SheetError as exc:
        return {"error": exc.message, "row": exc.row, "field": exc.field}, b""
    except MemoryError:
        return {"error": "reading it needs too much memory. Split it."}, b""
    except Exception as exc:
        # The libraries raise nearly every kind of error on damaged files; their messages may be long.
        reason = (str(exc).splitlines() or [""])[0][:200].rstrip(".") or type(exc).__name__
        return {"error": f"the table is damaged ({reason}). Export it again."}, b""


if __name__ == "__main__":
    serve(_work)
