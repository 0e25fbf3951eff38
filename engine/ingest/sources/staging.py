"""Files of any form and size -> one staged Parquet file with numbered rows and columns c0, c1, ...

Files come from strangers: a row that cannot be parsed is reported and left out. Memory holds one batch at a time. Columns
are staged by position, so no name that a stranger chose ever reaches SQL.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.errors import InputError
from engine.ingest.report import ProblemLog
from engine.ingest.sources.delimited import read_delimited
from engine.ingest.sources.feeds import read_feed
from engine.ingest.sources.forms import form_of
from engine.ingest.sources.json_records import read_json
from engine.ingest.sources.packed import RawFile, raw_file
from engine.ingest.sources.parquet import read_parquet
from engine.ingest.sources.tables import Batches, FileForm, FileTable
from engine.ingest.sources.textfiles import survey
from engine.ingest.sources.union import joined_name, unite
from engine.ingest.sources.workbooks import read_workbook

__all__ = ["Source", "stage"]

_UNKNOWN = FileForm()


@dataclass(frozen=True)
class Source:
    """A staged file, or several staged as one table.

    Attributes
    ----------
    name : the file's name as the person knows it.
    columns : the file's own column names; the column at position i is staged as `c<i>`. Unnamed ones are "".
    path : Parquet with `ROW` (int64, 1-based) and the staged columns. Rows of several files are numbered on; problems that
        are logged under `name` are placed in their own file.
    n_rows : rows read, including rejected ones.
    notes : what was decided about the file: its encoding, that it has no header, ...
    headerless : the file names no columns; they are "1", "2", ...
    """

    name: str
    columns: tuple[str, ...]
    path: Path
    n_rows: int
    n_rejected: int
    notes: tuple[str, ...] = ()
    headerless: bool = False

    def staged(self, column: str) -> str:
        """The staged name of one of the file's columns."""
        return f"c{self.columns.index(column)}"


def stage(
    paths: Path | Sequence[Path],
    directory: Path,
    problems: ProblemLog,
    *,
    form: FileForm = _UNKNOWN,
    limit: int | None = None,
) -> Source:
    """Read a file, or several with the same columns as one table, into `directory`.

    With `limit`, only so many leading rows are read, or slightly more. Raises `InputError` naming the file if it is empty,
    is of no form that is known, or cannot be decoded.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    for path in files:
        _require_content(path)
    name = joined_name([path.name for path in files])
    target = directory / f"staged-{len(list(directory.iterdir()))}.parquet"
    table, parts = unite([one for path in files for one in _open(path, directory, form, limit)])
    n_rows, n_rejected = _write(table.batches, table.schema, target, problems, limit)
    if n_rows == 0:
        raise InputError("the file has no rows. Export it again.", file=name)
    if len(parts) > 1:
        problems.place(name, parts)
    return Source(name, table.columns, target, n_rows, n_rejected, table.notes, table.headerless)


def _require_content(path: Path) -> None:
    if not path.is_file():
        raise InputError("there is no such file. Check the path.", file=str(path))
    if path.stat().st_size == 0:
        raise InputError("the file is empty. Export it again.", file=path.name)


def _open(path: Path, directory: Path, form: FileForm, limit: int | None) -> list[tuple[str, FileTable]]:
    """The tables in a file, one but for a workbook of several sheets, each with its name."""
    with _translated(path.name):
        raw = raw_file(path)
        kind, note = form_of(raw)
        tables = _READERS[kind](raw, directory, form, limit)
    return [
        (name, replace(table, batches=_batches(path.name, table.batches), notes=(*filter(None, [note]), *table.notes)))
        for name, table in tables
    ]


def _read_text(raw: RawFile, directory: Path, form: FileForm, limit: int | None) -> FileTable:
    text = survey(raw, form.encoding, whole=limit is None)
    is_json = form_of(raw)[0] == "json"
    table = read_json(text, directory, limit) if is_json else read_delimited(text, form)
    return replace(table, notes=(text.note, *table.notes)) if text.note else table


_Reader = Callable[[RawFile, Path, FileForm, int | None], list[tuple[str, FileTable]]]


def _one(read: Callable[[RawFile, Path, FileForm, int | None], FileTable]) -> _Reader:
    return lambda raw, directory, form, limit: [(raw.name, read(raw, directory, form, limit))]


_READERS: dict[str, _Reader] = {
    "delimited": _one(_read_text),
    "json": _one(_read_text),
    "xml": _one(read_feed),
    "parquet": _one(lambda raw, directory, form, limit: read_parquet(raw, directory)),
    "workbook": partial(read_workbook, "workbook"),
    "xml_workbook": partial(read_workbook, "xml_workbook"),
    "page": partial(read_workbook, "page"),
}


def _batches(name: str, batches: Batches) -> Batches:
    with _translated(name):
        yield from batches


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """What libraries raise on damaged files, as an `InputError` that names the file."""
    try:
        yield
    except (pa.ArrowException, duckdb.Error, EOFError, OSError, LookupError, ValueError, csv.Error) as exc:
        what = (str(exc).splitlines() or [type(exc).__name__])[0].rstrip(".")
        raise InputError(f"the file cannot be read: {what}. Export it again.", file=name) from exc


def _write(
    batches: Batches, schema: pa.Schema, target: Path, problems: ProblemLog, limit: int | None
) -> tuple[int, int]:
    """Write batches to `target` up to `limit` rows; the number of rows read, and of rejected ones among them."""
    n_rows = n_rejected = 0
    # Dictionaries and statistics cost more to write than they save: the file is read a few times and deleted.
    with pq.ParquetWriter(target, schema, compression="lz4", use_dictionary=False, write_statistics=False) as writer:
        for batch, rejected in batches:
            if batch.num_rows:
                writer.write_batch(batch)
            problems.extend(rejected, {"broken_row": len(rejected)} if rejected else {})
            n_rejected += len(rejected)
            n_rows += batch.num_rows + len(rejected)
            if limit is not None and n_rows >= limit:
                break
    return n_rows, n_rejected
