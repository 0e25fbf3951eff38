"""A stranger's table of products as text: CSV, Excel or Parquet, recognised by its content and read in a bounded child."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from engine.core.errors import SheetError
from engine.untrusted.bounded import BoundedChildren, BreachError

__all__ = ["MAX_SHEET_BYTES", "UNREAD", "read_sheet", "sheet_children"]

MAX_SHEET_BYTES = 64 * 1024 * 1024
# The key in a table's `attrs` for the cells that could not be read.
UNREAD = "unread"


def sheet_children(most: int = 1) -> BoundedChildren:
    """Children for `read_sheet`, of which at most `most` work at a time."""
    return BoundedChildren("engine.untrusted.sheet_decoder", most=most)


def read_sheet(
    source: Path | bytes, name: str | None = None, *, children: BoundedChildren | None = None, seconds: float = 5.0
) -> pd.DataFrame:
    """The sheet's filled rows as strings; the index holds their 1-based numbers below the header line.

    Empty cells are "", columns without a name are left out. `attrs["unread"]` lists the cells that cannot be read, such
    as a formula without a stored result or an error like #N/A: [row, column, what to do]. Of a workbook, the sheet
    "Products" is read, or else its first. At most 100,000 rows, 200 columns and 64 MB, in a child of at most 512 MB and
    `seconds`. Raises `SheetError`.
    """
    title = name or (source.name if isinstance(source, Path) else "the table")
    content = _content(source, title)
    if children is not None:
        answer, body = _ask(children, content, title, seconds)
    else:
        with sheet_children() as own:
            answer, body = _ask(own, content, title, seconds)
    with pa.ipc.open_stream(pa.BufferReader(body)) as reader:
        table: pd.DataFrame = reader.read_all().to_pandas()
    table.columns = [str(column) for column in answer["columns"]]
    table.index = pd.Index(answer["rows"], dtype="int64", name="row")
    table.attrs[UNREAD] = json.loads(json.dumps(answer["unread"]))
    return table


def _ask(children: BoundedChildren, content: bytes, title: str, seconds: float) -> tuple[dict[str, Any], bytes]:
    try:
        answer, body = children.ask({}, content, seconds=seconds)
    except BreachError as exc:
        what = "takes too long to read" if exc.late else "needs too much memory to be read, or is damaged"
        raise SheetError(f"the table {what}. Save it as CSV, or split it.", file=title) from exc
    if "error" in answer:
        raise SheetError(str(answer["error"]), file=title, row=answer.get("row"), field=answer.get("field"))
    return answer, body


def _content(source: Path | bytes, title: str) -> bytes:
    if isinstance(source, Path):
        try:
            size = source.stat().st_size
            data = source.read_bytes() if size <= MAX_SHEET_BYTES else b""
        except OSError as exc:
            raise SheetError(f"it cannot be opened ({exc.strerror}). Check the path.", file=title) from exc
    else:
        data, size = source, len(source)
    if size > MAX_SHEET_BYTES:
        raise SheetError(
            f"{size / 1e6:.0f} MB is too large (at most {MAX_SHEET_BYTES / 1e6:.0f} MB). Split the table.", file=title
        )
    if not data.strip():
        raise SheetError("the file is empty. Export it again.", file=title)
    return data
