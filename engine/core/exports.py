"""Tables for other programs and spreadsheets: every file format, listed once.

The command line, download buttons and the endings of file names follow `FORMATS`: to add a format, add it there.

In CSV files, text cells and column names that a spreadsheet would execute are guarded (`core.spreadsheet_text`): titles come from
strangers. Parquet and JSON Lines, which programs read, contain every value unchanged.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.core.errors import InputError
from engine.core.spreadsheet_text import MAY_RUN, guarded
from engine.core.storage import atomic_write

__all__ = ["CSV", "FORMATS", "TableFormat", "file_name", "format_of", "neutralised", "write_table"]

_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # no names of files on Windows


@dataclass(frozen=True)
class TableFormat:
    """One format.

    Attributes
    ----------
    name : on buttons.
    endings : of file names in this format, the usual one first.
    mime : its media type.
    to_bytes : a table as the bytes of a file, without its index.
    """

    name: str
    endings: tuple[str, ...]
    mime: str
    to_bytes: Callable[[pd.DataFrame], bytes]


def _csv(table: pd.DataFrame) -> bytes:
    # Line ends as in RFC 4180; with "\n" alone, a cell that contains "\r" would not be quoted and break into two rows.
    text: str = neutralised(table).to_csv(index=False, lineterminator="\r\n")
    return text.encode("utf-8", "replace")


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), buffer, compression="zstd")
    return buffer.getvalue()


def _json_lines(table: pd.DataFrame) -> bytes:
    lines: str = table.to_json(orient="records", lines=True, force_ascii=False, date_format="iso", double_precision=15)
    return lines.encode("utf-8", "replace")


CSV = TableFormat("CSV", (".csv",), "text/csv", _csv)
FORMATS = (
    CSV,
    TableFormat("Parquet", (".parquet",), "application/vnd.apache.parquet", _parquet),
    TableFormat("JSON Lines", (".jsonl", ".ndjson"), "application/jsonl", _json_lines),
)


def format_of(path: Path) -> TableFormat:
    """The format for the ending of a file's name; `InputError` naming the file and the known endings."""
    for one in FORMATS:
        if path.suffix.lower() in one.endings:
            return one
    endings = ", ".join(ending for one in FORMATS for ending in one.endings)
    raise InputError(f"the name must end in {endings}.", file=str(path))


def file_name(words: str, ending: str) -> str:
    """A name for a file to download that every system takes, made of letters and digits of `words`."""
    parts = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", words).lower())
    stem = "-".join(parts)[:60].strip("-")
    return f"{'longtail-' if not stem or _RESERVED.fullmatch(stem) else ''}{stem or 'file'}{ending}"


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write `table` to `path` in the format of its ending.

    A reader of `path` sees the old file or the new one. Raises like `format_of`, and `InputError` naming the file if it
    cannot be written.
    """
    form = format_of(path)
    try:
        atomic_write(path, form.to_bytes(table))
    except OSError as exc:
        raise InputError(f"cannot be written ({exc.strerror or exc}).", file=str(path)) from exc


def neutralised(table: pd.DataFrame) -> pd.DataFrame:
    """A copy in which a spreadsheet takes no text cell and no column name for a formula."""
    safe = table.copy()
    for name in safe.columns:
        column = safe[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(column.cat.categories.dtype)
        if column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
            safe[name] = _guarded(column)
    safe.columns = [guarded(str(name)) for name in safe.columns]
    return safe


def _guarded(column: pd.Series) -> pd.Series:
    if column.dtype == object:
        return column.map(guarded)
    texts = pa.array(column, from_pandas=True)
    suspects = np.asarray(pc.fill_null(pc.match_substring_regex(texts, MAY_RUN), False), dtype=bool)
    if not suspects.any():
        return column
    column = column.copy()
    column[suspects] = column[suspects].map(guarded)
    return column
