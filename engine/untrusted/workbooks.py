"""Rows out of a stranger's Excel workbook: values only, never a macro, a link or a formula of its own."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import defusedxml  # noqa: F401  (openpyxl reads its XML through it where it is there: no entities)
import openpyxl
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from engine.core.errors import SheetError

__all__ = ["Unreadable", "workbook_rows"]

_MAX_PARTS = 2_000
_MAX_UNPACKED = 400 * 1024 * 1024
_MAX_RATIO = 200
_FREE_BYTES = 4 * 1024 * 1024
# Rows that are looked at: a workbook may claim a million.
_LAST_ROW = 110_000
_PREFERRED = "products"
_FORMULA = re.compile(rb"<(?:\w{1,12}:)?f[\s/>]")


@dataclass(frozen=True)
class Unreadable:
    """A cell that holds something, but nothing that can be read; what to do about it."""

    message: str


def workbook_rows(data: bytes, most_columns: int) -> Iterator[list[Any]]:
    """Every row's values, the header first, at most `most_columns` + 1 of each; `Unreadable` where there is none.

    The sheet called Products, or else the first that is shown. Of a formula the result that was saved is taken. Raises `SheetError`
    for macros and for what would unpack without bounds.
    """
    _check(data)
    values = _open(data, data_only=True)
    # A second look, for what each formula is: only where there are any, since it takes as long as the first.
    formulas = _open(data, data_only=False) if _has_formulas(data) else None
    try:
        if formulas is None:
            for cells in _rows(values, most_columns, False):
                yield [_value(cell.value, cell) for cell in cells]
            return
        pairs = zip(_rows(values, most_columns, True), _rows(formulas, most_columns, False), strict=False)
        for results, cells in pairs:
            yield [_value(result, cell) for result, cell in zip(results, cells, strict=True)]
    finally:
        values.close()
        if formulas is not None:
            formulas.close()


def _has_formulas(data: bytes) -> bool:
    """Whether any part of the workbook holds what may be a formula's element; told without reading the XML."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for part in archive.infolist():
            with archive.open(part) as stream:
                before = b""
                while block := stream.read(1 << 20):
                    if _FORMULA.search(before + block):
                        return True
                    before = block[-16:]
    return False


def _check(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except Exception as exc:
        raise SheetError("the workbook is cut off or damaged. Save it again.") from exc
    names = {part.filename.lower() for part in parts}
    if any(name.endswith("vbaproject.bin") or "macrosheets/" in name for name in names):
        raise SheetError("the workbook holds macros. Save it as .xlsx or CSV.")
    if not any(name.endswith("workbook.xml") for name in names):
        raise SheetError("this is a zip, not an Excel workbook. Upload CSV, Excel (.xlsx) or Parquet.")
    packed = max(sum(part.compress_size for part in parts), 1)
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > _MAX_PARTS or unpacked > _MAX_UNPACKED or unpacked > max(_FREE_BYTES, packed * _MAX_RATIO):
        raise SheetError("the workbook unpacks to far more than its size. Save the products alone as CSV.")
    if any(part.flag_bits & 1 or part.compress_type not in {0, 8} for part in parts):
        raise SheetError("the workbook is packed or locked in a way that is not read. Save it without a password.")


def _open(data: bytes, *, data_only: bool) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=data_only, keep_links=False)


def _rows(workbook: Any, most_columns: int, values_only: bool) -> Iterator[tuple[Any, ...]]:
    sheets = [sheet for sheet in workbook.worksheets if isinstance(sheet, ReadOnlyWorksheet)]
    shown = [sheet for sheet in sheets if sheet.sheet_state == "visible"] or sheets
    if not shown:
        raise SheetError("the workbook holds no sheet. Save it again.")
    sheet: Any = next((sheet for sheet in shown if str(sheet.title).strip().lower() == _PREFERRED), shown[0])
    # What the sheet says of its own size is not believed. One row past the bound is asked for, so that a row too many
    # is seen; a gap above it is filled, and costs as much as rows do.
    sheet.reset_dimensions()
    yield from sheet.iter_rows(max_row=_LAST_ROW, max_col=most_columns + 1, values_only=values_only)


def _value(result: Any, cell: Any) -> Any:
    kind = getattr(cell, "data_type", "n")
    if kind == "f" and result is None:
        return Unreadable("the formula has no result. Type the value itself.")
    if isinstance(result, str) and (kind == "e" or (kind == "f" and result.startswith("#"))):
        return Unreadable(f"the cell shows {result[:20]}. Type the value itself.")
    if isinstance(result, datetime.datetime) and not (result.hour or result.minute or result.second):
        return result.date().isoformat()
    if isinstance(result, bool):
        return "yes" if result else "no"
    return result
