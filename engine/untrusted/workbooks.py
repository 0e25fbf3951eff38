"""Rows of a stranger's Excel workbook: values only; no macro, link or formula is ever evaluated."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import defusedxml  # noqa: F401  (openpyxl uses it if it is installed, so XML entities are not expanded)
import openpyxl
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from engine.core.errors import SheetError

__all__ = ["Unreadable", "workbook_rows"]

_MAX_PARTS = 2_000
_MAX_UNPACKED = 400 * 1024 * 1024
_MAX_RATIO = 200
_FREE_BYTES = 4 * 1024 * 1024
# Rows that are read: a workbook may claim a million.
_LAST_ROW = 110_000
_PREFERRED = "products"
_FORMULA = re.compile(rb"<(?:\w{1,12}:)?f[\s/>]")


@dataclass(frozen=True)
class Unreadable:
    """A cell whose content cannot be read; `message` says what to do."""

    message: str


def workbook_rows(data: bytes, most_columns: int) -> Iterator[list[Any]]:
    """Every row's values, the header first, at most `most_columns` + 1 each; `Unreadable` for cells without a value.

    The sheet called Products, or else the first visible one. A formula has the value that was saved with it. Raises
    `SheetError` for macros and for workbooks that unpack to too much.
    """
    _check(data)
    values = _open(data, data_only=True)
    # A second pass for the cells' types, only if there are formulas: it takes as long as the first.
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
    """Whether any part of the workbook may contain a formula, found without parsing the XML."""
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
        raise SheetError("the workbook contains macros. Save it as .xlsx or CSV.")
    if not any(name.endswith("workbook.xml") for name in names):
        raise SheetError("this is a zip, not an Excel workbook. Upload CSV, Excel (.xlsx) or Parquet.")
    _check_parts(parts)


def _check_parts(parts: list[zipfile.ZipInfo]) -> None:
    packed = max(sum(part.compress_size for part in parts), 1)
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > _MAX_PARTS or unpacked > _MAX_UNPACKED or unpacked > max(_FREE_BYTES, packed * _MAX_RATIO):
        raise SheetError("the workbook unpacks to far more than its size. Save the products alone as CSV.")
    if any(part.flag_bits & 1 or part.compress_type not in {0, 8} for part in parts):
        raise SheetError("the workbook is locked or uses an unsupported compression. Save it without a password.")


def _open(data: bytes, *, data_only: bool) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=data_only, keep_links=False)


def _rows(workbook: Any, most_columns: int, values_only: bool) -> Iterator[tuple[Any, ...]]:
    sheets = [sheet for sheet in workbook.worksheets if isinstance(sheet, ReadOnlyWorksheet)]
    shown = [sheet for sheet in sheets if sheet.sheet_state == "visible"] or sheets
    if not shown:
        raise SheetError("the workbook has no sheet. Save it again.")
    sheet: Any = next((sheet for sheet in shown if str(sheet.title).strip().lower() == _PREFERRED), shown[0])
    # The size that the sheet claims cannot be trusted. The limit lies above the allowed rows, so that a row too many is
    # noticed; openpyxl fills gaps between rows, and a gap costs as much as rows do.
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
