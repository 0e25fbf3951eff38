"""Excel and OpenDocument workbooks, read in a bounded child process: the largest sheet, with all that have its header."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from engine.core.errors import InputError
from engine.ingest.sources.packed import RawFile
from engine.ingest.sources.tables import Batches, FileForm, FileTable, name_columns, text_schema
from engine.ingest.sources.textfiles import survey
from engine.untrusted.bounded import BoundedChildren, BreachError

__all__ = ["read_workbook"]

_CHILD = "engine.ingest.sources.workbook_child"
_SECONDS = 300.0
_EMPTY = {"page": "this is a web page without a table. Save the table as CSV, Excel, JSON, XML or Parquet."}


def read_workbook(
    kind: str, raw: RawFile, directory: Path, form: FileForm, limit: int | None
) -> list[tuple[str, FileTable]]:
    """The sheets that make up the table, each with the file's name and its own.

    Parameters
    ----------
    kind : "workbook", "xml_workbook" (Excel's XML of 2003) or "page" (a web page with tables).

    Raises `InputError` where there is no table, and for what is damaged, has a password, or needs more than 1.5 GB or 5
    minutes to be read.
    """
    encoding = survey(raw, form.encoding, whole=True).encoding if kind == "page" else ""
    path = raw.unpacked(directory)
    target = directory / f"sheets-{len(list(directory.iterdir()))}"
    target.mkdir()
    question = {"path": str(path), "form": kind, "encoding": encoding, "target": str(target), "limit": limit}
    with BoundedChildren(_CHILD, seconds=_SECONDS) as children:
        try:
            answer, _ = children.ask(question, b"")
        except BreachError as exc:
            what = "takes too long to read" if exc.late else "needs too much memory to be read, or is damaged"
            raise InputError(f"the workbook {what}. Save its table as CSV.", file=raw.name) from exc
    if "error" in answer:
        raise InputError(str(answer["error"]), file=raw.name)
    sheets = answer["sheets"]
    if not sheets:
        raise InputError(_EMPTY.get(kind, "the workbook has no rows. Save it again."), file=raw.name)
    largest = max(sheets, key=lambda sheet: int(sheet["n_rows"]))
    chosen = [sheet for sheet in sheets if sheet["named"] and sheet["columns"] == largest["columns"]] or [largest]
    notes = _notes(chosen, sheets)
    return [
        (
            raw.name if len(chosen) == 1 else f"{raw.name}, sheet {sheet['name']}",
            _table(sheet, raw.name, form, notes if sheet is chosen[0] else ()),
        )
        for sheet in chosen
    ]


def _notes(chosen: Sequence[dict[str, Any]], sheets: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    names = ", ".join(f'"{sheet["name"]}"' for sheet in chosen)
    if len(chosen) > 1:
        return (f"the sheets {names} have the same header and are one table",)
    return (f"of {len(sheets)} sheets, {names} was read: it has the most rows",) if len(sheets) > 1 else ()


def _table(sheet: dict[str, Any], name: str, form: FileForm, notes: tuple[str, ...]) -> FileTable:
    columns, renamed = name_columns(sheet["columns"], name)
    notes = (*notes, *renamed)
    if sheet["skipped"]:
        notes = (*notes, f"rows above the table that are left out: {sheet['skipped']:,}")
    if not sheet["named"]:
        columns = (*(form.header or ())[: len(columns)], *columns[len(form.header or ()) :])
        notes = (*notes, f"the file has no header: its columns are called {columns[0]} to {columns[-1]}")
    batches = _batches(Path(sheet["path"]))
    return FileTable(columns, text_schema(len(columns)), batches, notes, not sheet["named"] and form.header is None)


def _batches(path: Path) -> Batches:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield batch, []
