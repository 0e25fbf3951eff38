"""The child process that reads a stranger's workbook: .xlsx, .xls or .ods in, a Parquet file of texts a sheet out (see `workbooks`)."""

from __future__ import annotations

import datetime
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from defusedxml import DefusedXmlException
from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from engine.ingest.sources.headers import first_row_names
from engine.ingest.sources.tables import text_schema
from engine.ingest.sources.web_tables import Sheets, page_tables, xml_sheets
from engine.untrusted.bounded import serve

__all__ = ["write_sheets"]

MEMORY_BYTES = 1536 * 1024**2
_FILE_BYTES = 1024**3
_SAMPLE = 500
_BATCH = 16_384
_WHOLE = 1e18


def write_sheets(path: Path, form: str, encoding: str, target: Path, limit: int | None) -> list[dict[str, Any]]:
    """Write each sheet that is shown and not empty to `target/<position>.parquet`, at most `limit` rows of it.

    Returns, a sheet each: its name, columns, number of rows, whether it names its columns, and the file's path. Rows are
    numbered from the first below the header; empty ones are left out.
    """
    readers: dict[str, Callable[[Path], Sheets]] = {
        "workbook": _sheets,
        "xml_workbook": xml_sheets,
        "page": partial(page_tables, encoding=encoding),
    }
    written = []
    for position, (name, rows) in enumerate(readers[form](path)):
        file = target / f"{position}.parquet"
        found = _write_sheet(rows, file, limit)
        if found:
            written.append({"name": name, "path": str(file)} | found)
    return written


def _sheets(path: Path) -> Sheets:
    """The sheets of a workbook, without hidden ones unless all are."""
    workbook = CalamineWorkbook.from_path(str(path))
    tables = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    for sheet in [sheet for sheet in tables if sheet.visible == SheetVisibleEnum.Visible] or tables:
        yield sheet.name, ([_text(cell) for cell in row] for row in workbook.get_sheet_by_name(sheet.name).iter_rows())


def _write_sheet(texts: Iterator[list[str]], target: Path, limit: int | None) -> dict[str, Any] | None:
    filled = ((number, row) for number, row in enumerate(texts) if any(row))
    sample = list(itertools.islice(filled, _SAMPLE))
    if not sample:
        return None
    start = _first_row([row for _, row in sample])
    sample = sample[start:]
    left = min(position for _, row in sample for position, cell in enumerate(row) if cell)
    right = 1 + max(position for _, row in sample for position, cell in enumerate(row) if cell)
    cells = [[*row, *[""] * (right - len(row))][left:right] for _, row in sample]
    named = first_row_names(cells) is not False
    before = sample[0][0] + named
    body = itertools.chain(sample[named:], filled)
    n_rows = _write(((number - before + 1, row[left:right]) for number, row in body), right - left, target, limit)
    columns = cells[0] if named else [str(number) for number in range(1, right - left + 1)]
    return {"columns": columns, "n_rows": n_rows, "named": named, "skipped": start}


def _first_row(rows: Sequence[Sequence[str]]) -> int:
    """The position of the first row with more than half as many filled cells as most have: titles stand above it."""
    counts = [sum(map(bool, row)) for row in rows]
    usual = Counter(counts).most_common(1)[0][0]
    return next((position for position, count in enumerate(counts) if count * 2 > usual), 0)


def _write(rows: Iterator[tuple[int, Sequence[str]]], width: int, target: Path, limit: int | None) -> int:
    schema, n_rows = text_schema(width), 0
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:
        while block := list(itertools.islice(rows, _BATCH if limit is None else min(limit - n_rows, _BATCH))):
            numbers = pa.array([number for number, _ in block], pa.int64())
            padded = [[*row, *[""] * (width - len(row))] for _, row in block]
            texts = [pa.array(column, pa.string()) for column in zip(*padded, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays([numbers, *texts], schema=schema))
            n_rows += len(block)
    return n_rows


def _text(cell: Any) -> str:
    """A cell as text: dates in ISO 8601, whole numbers without a point."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _WHOLE else repr(cell)
    return cell.isoformat(sep=" ") if isinstance(cell, datetime.datetime) else str(cell)


def _work(head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        path, target = Path(head["path"]), Path(head["target"])
        return {"sheets": write_sheets(path, head["form"], head["encoding"], target, head["limit"])}, b""
    except DefusedXmlException:
        return {"error": "the XML declares entities, which are not read. Save it as .xlsx."}, b""
    except PasswordError:
        return {"error": "the workbook has a password. Save it without one."}, b""
    except MemoryError:
        return {"error": "reading the workbook needs too much memory. Save its table as CSV."}, b""
    except Exception as exc:
        # calamine raises nearly every kind of error on damaged files; its messages may be long.
        reason = (str(exc).splitlines() or [""])[0][:200].rstrip(".") or type(exc).__name__
        return {"error": f"the workbook is damaged ({reason}). Save it again."}, b""


if __name__ == "__main__":
    serve(_work, memory_bytes=MEMORY_BYTES, file_bytes=_FILE_BYTES)
