"""Tables for other programs and spreadsheets: CSV, Parquet or JSON Lines, written atomically.

A spreadsheet executes a CSV cell that begins like a formula, and titles come from strangers. Text cells and column names
that begin with = + - @ (or their full-width forms), a tab or a line break therefore get an apostrophe in front, as OWASP
advises ("CSV injection"). Parquet and JSON Lines, which programs read, contain every value unchanged.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.errors import InputError
from engine.core.storage import atomic_write

__all__ = ["FORMATS", "Format", "neutralised", "table_bytes", "write_table"]

Format = Literal["csv", "parquet", "jsonl"]
FORMATS: dict[str, Format] = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_FORMULA = r"^[=+\-@＝＋－＠\t\r\n]"


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write `table` to `path` in the format of its ending: .csv, .parquet, .jsonl or .ndjson.

    A reader of `path` sees the old file or the new one. Raises `InputError` naming the file if the ending is another, or
    the file cannot be written.
    """
    format_ = FORMATS.get(path.suffix.lower())
    if format_ is None:
        raise InputError(f"the name must end in {', '.join(FORMATS)}.", file=str(path))
    try:
        atomic_write(path, table_bytes(table, format_))
    except OSError as exc:
        raise InputError(f"cannot be written ({exc.strerror or exc}).", file=str(path)) from exc


def table_bytes(table: pd.DataFrame, format_: Format) -> bytes:
    """`table` as the bytes of a file, without its index, e.g. for a download button."""
    if format_ == "csv":
        # Line ends as in RFC 4180; with "\n" alone a cell that contains "\r" would not be quoted and break into two rows.
        text: str = neutralised(table).to_csv(index=False, lineterminator="\r\n")
        return text.encode("utf-8", "replace")
    if format_ == "jsonl":
        lines: str = table.to_json(
            orient="records", lines=True, force_ascii=False, date_format="iso", double_precision=15
        )
        return lines.encode("utf-8", "replace")
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), buffer, compression="zstd")
    return buffer.getvalue()


def neutralised(table: pd.DataFrame) -> pd.DataFrame:
    """A copy in which a spreadsheet takes no text cell and no column name for a formula."""
    safe = table.copy()
    for name in safe.columns:
        column = safe[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(column.cat.categories.dtype)
        if column.dtype == object:
            safe[name] = column.map(lambda value: _cell(value) if isinstance(value, str) else value)
        elif pd.api.types.is_string_dtype(column.dtype):
            safe[name] = column.where(~column.str.contains(_FORMULA, na=False), "'" + column)
    safe.columns = [_cell(str(name)) for name in safe.columns]
    return safe


def _cell(text: str) -> str:
    return f"'{text}" if re.match(_FORMULA, text) else text
