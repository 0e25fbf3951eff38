"""CSV, Parquet and JSON Lines of any size -> one staged Parquet file with numbered rows and columns c0, c1, ...

Files come from strangers: their content must agree with their name, text must be UTF-8 unless another encoding is declared,
and a row that cannot be parsed is reported and left out. Memory holds one batch at a time. Columns are staged by position,
so no name that a stranger chose ever reaches SQL.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet as pq

from engine.core.errors import InputError
from engine.ingest.report import Problem, ProblemLog
from engine.ingest.textfiles import open_text, require_content, text_format

__all__ = ["ROW", "Source", "stage"]

ROW = "__row"
_BLOCK = 8 * 1024 * 1024
_BATCH = 65_536
_MAX_COLUMNS = 2_000
# Keys of JSON objects are collected from this many leading rows.
_KEY_ROWS = 20_000
_DELIMITERS = (",", ";", "\t", "|")
# CASE, because AND would evaluate json_type of invalid JSON, which is an error.
_IS_OBJECT = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"


Batches = Iterator[tuple[pa.RecordBatch, list[Problem]]]
"""Rows with their numbers, and the problems of rejected rows before or among them."""


@dataclass(frozen=True)
class Source:
    """A staged file.

    Attributes
    ----------
    name : the file's name as the person knows it.
    columns : the file's own column names; the column at position i is staged as `c<i>`. Unnamed ones are "".
    path : Parquet with `ROW` (int64, 1-based) and the staged columns.
    n_rows : rows read, including rejected ones.
    """

    name: str
    columns: tuple[str, ...]
    path: Path
    n_rows: int
    n_rejected: int

    def staged(self, column: str) -> str:
        """The staged name of one of the file's columns."""
        return f"c{self.columns.index(column)}"


def stage(
    path: Path, directory: Path, problems: ProblemLog, *, encoding: str | None = None, limit: int | None = None
) -> Source:
    """Read `path` into `directory`; with `limit`, only so many leading rows, or slightly more.

    Raises `InputError` naming the file if it is empty, is not what its name says, or cannot be decoded.
    """
    if not path.is_file():
        raise InputError("there is no such file. Check the path.", file=str(path))
    if path.stat().st_size == 0:
        raise InputError("the file is empty. Export it again.", file=path.name)
    form = text_format(path)
    require_content(path, form)
    reader = {"csv": _read_csv, "jsonl": _read_json_lines, "parquet": _read_parquet}[form]
    target = directory / f"staged-{len(list(directory.iterdir()))}.parquet"
    try:
        columns, batches = reader(path, encoding)
        n_rows, n_rejected = _write(batches, target, problems, limit)
    except (pa.ArrowException, duckdb.Error, EOFError, OSError, UnicodeError, csv.Error) as exc:
        raise InputError(f"the file cannot be read: {_first_line(exc)}. Export it again.", file=path.name) from exc
    if n_rows == 0:
        raise InputError("the file has no rows. Export it again.", file=path.name)
    return Source(path.name, tuple(columns), target, n_rows, n_rejected)


def _write(batches: Batches, target: Path, problems: ProblemLog, limit: int | None) -> tuple[int, int]:
    """Write batches to `target` up to `limit` rows; the number of rows read, and of rejected ones among them."""
    writer: pq.ParquetWriter | None = None
    n_rows = n_rejected = 0
    try:
        for batch, rejected in batches:
            writer = writer or pq.ParquetWriter(target, batch.schema, compression="lz4")
            writer.write_batch(batch)
            problems.extend(rejected, {"broken_row": len(rejected)} if rejected else {})
            n_rejected += len(rejected)
            n_rows += batch.num_rows + len(rejected)
            if limit is not None and n_rows >= limit:
                break
    finally:
        if writer:
            writer.close()
    return n_rows, n_rejected


def _read_csv(path: Path, encoding: str | None) -> tuple[list[str], Batches]:
    with open_text(path, encoding) as stream:
        sample = stream.read(256 * 1024).decode("utf-8", errors="ignore")
    delimiter = _sniff_delimiter(sample)
    header = next(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), [])
    names = [name.strip() for name in header]
    if not any(names):
        raise InputError("the first line names no columns. Add a header line.", file=path.name, row=0)
    _require_distinct(names, path.name)
    return names, _csv_batches(path, encoding, delimiter, len(names))


def _csv_batches(path: Path, encoding: str | None, delimiter: str, width: int) -> Batches:
    rejected: list[Problem] = []
    broken: list[int] = []

    def reject(row: pa.csv.InvalidRow) -> str:
        number = row.number - 1  # the header is record 1
        message = f"{row.actual_columns} values, but the header names {row.expected_columns} columns. Check its quotes."
        rejected.append(Problem(path.name, number, None, "broken_row", message, row.text))
        broken.append(number)
        return "skip"

    with open_text(path, encoding) as stream:
        table = _open_csv(stream, delimiter, width, reject)
        row = 0
        for batch in table:
            numbers = _next_rows(row, batch.num_rows, broken)
            row = numbers[-1] if len(numbers) else row
            yield _numbered(batch, numbers), rejected.copy()
            rejected.clear()
        if rejected:
            yield _numbered(pa.RecordBatch.from_pylist([], schema=table.schema), []), rejected.copy()


def _open_csv(
    stream: io.BufferedReader, delimiter: str, width: int, reject: Callable[[pa.csv.InvalidRow], str]
) -> pa.csv.CSVStreamingReader:
    """A reader of `width` text columns c0, c1, ... that skips the header."""
    staged = [f"c{i}" for i in range(width)]
    return pa.csv.open_csv(
        pa.PythonFile(stream, mode="r"),
        read_options=pa.csv.ReadOptions(
            use_threads=False, block_size=_BLOCK, column_names=staged, skip_rows_after_names=1
        ),
        parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=reject),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(staged, pa.string()), strings_can_be_null=False
        ),
    )


def _next_rows(row: int, count: int, broken: list[int]) -> Sequence[int]:
    """The numbers of the `count` good rows after `row`, without `broken` ones, which are taken off the list."""
    ahead = set(broken)
    if not ahead:
        return range(row + 1, row + 1 + count)
    numbers = list(itertools.islice((number for number in itertools.count(row + 1) if number not in ahead), count))
    broken[:] = [number for number in broken if not numbers or number > numbers[-1]]
    return numbers


def _sniff_delimiter(sample: str) -> str:
    """The delimiter that gives the header the most columns, if most of the first rows have as many."""
    best, most = ",", 1
    for delimiter in _DELIMITERS:
        rows = list(itertools.islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), 51))
        body = [row for row in rows[1:-1] or rows[1:] if row]
        width = len(rows[0]) if rows else 0
        agreeing = sum(len(row) == width for row in body)
        if width > most and agreeing * 2 >= len(body):
            best, most = delimiter, width
    return best


def _read_json_lines(path: Path, encoding: str | None) -> tuple[list[str], Batches]:
    keys: dict[str, None] = {}
    with duckdb.connect(config={"threads": 1}) as connection, open_text(path, encoding) as stream:
        lines = [line for line in itertools.islice(_lines(stream, path.name), _KEY_ROWS) if line]
        connection.register("lines", pa.table({"line": pa.array(lines, pa.string())}))
        found = connection.execute(f"SELECT json_keys(line) FROM lines WHERE {_IS_OBJECT}").fetchall()
    for (names,) in found:
        keys.update(dict.fromkeys(names))
    columns = [name for name in keys if name.strip()]
    if not columns:
        raise InputError(
            'no line is a JSON object. Write one object per line, e.g. {"item_id": "a1", "title": "Dress"}.',
            file=path.name,
            row=1,
        )
    _require_distinct(columns, path.name)
    return columns, _json_batches(path, encoding, columns)


def _json_batches(path: Path, encoding: str | None, columns: list[str]) -> Batches:
    pointers = {f"c{i}": "/" + name.replace("~", "~0").replace("/", "~1") for i, name in enumerate(columns)}
    chosen = ", ".join(f"json_extract_string(line, $c{i}) AS c{i}" for i in range(len(columns)))
    with duckdb.connect(config={"threads": 2}) as connection, open_text(path, encoding) as stream:
        numbered = enumerate(_lines(stream, path.name), 1)
        while block := list(itertools.islice(numbered, _BATCH // 4)):
            connection.register("lines", _lines_table([(row, line) for row, line in block if line.strip()]))
            bad = connection.execute(f"SELECT {ROW}, line FROM lines WHERE NOT ({_IS_OBJECT}) ORDER BY 1").fetchall()
            objects = f"SELECT {ROW}, {chosen} FROM (SELECT * FROM lines WHERE {_IS_OBJECT}) ORDER BY {ROW}"
            table: pa.Table = connection.sql(objects, params=pointers).to_arrow_table()
            yield from ((_numbered(batch.drop_columns([ROW]), batch.column(ROW)), []) for batch in table.to_batches())
            if bad:
                message = "this line is not a JSON object. Correct or remove it."
                rejected = [Problem(path.name, row, None, "broken_row", message, text) for row, text in bad]
                yield pa.RecordBatch.from_pylist([], schema=table.schema), rejected


def _lines_table(lines: Sequence[tuple[int, str]]) -> pa.Table:
    rows, texts = [row for row, _ in lines], [line for _, line in lines]
    return pa.table({ROW: pa.array(rows, pa.int64()), "line": pa.array(texts, pa.string())})


def _lines(stream: io.BufferedReader, name: str) -> Iterator[str]:
    for number in itertools.count(1):
        line = stream.readline(_BLOCK)
        if not line:
            return
        if len(line) == _BLOCK:
            raise InputError(
                f"a line is longer than {_BLOCK:,} bytes. Write one object per line.", file=name, row=number
            )
        yield line.decode("utf-8").strip()


def _read_parquet(path: Path, encoding: str | None) -> tuple[list[str], Batches]:
    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    _require_distinct(schema.names, path.name)
    return list(schema.names), _parquet_batches(path)


def _parquet_batches(path: Path) -> Batches:
    row = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BATCH):
            columns = [_plain(column) for column in batch.columns]
            plain = pa.RecordBatch.from_arrays(columns, names=[f"c{i}" for i in range(len(columns))])
            yield _numbered(plain, list(range(row + 1, row + 1 + batch.num_rows))), []
            row += batch.num_rows


def _plain(column: pa.Array) -> pa.Array:
    """Strings, numbers, times and lists of strings; columns of other types become null."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.string())
    is_list = pa.types.is_large_list(kind) or pa.types.is_list(kind)
    if is_list and not pa.types.is_nested(kind.value_type):
        return column.cast(pa.list_(pa.string()))
    if pa.types.is_nested(kind) or pa.types.is_null(kind):
        return pa.nulls(len(column), pa.string())
    return column


def _numbered(batch: pa.RecordBatch, rows: Sequence[int] | pa.Array) -> pa.RecordBatch:
    """The batch with its row numbers, its texts trimmed."""
    columns = [
        pa.compute.utf8_trim_whitespace(column) if pa.types.is_string(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(
        [rows if isinstance(rows, pa.Array) else pa.array(rows, pa.int64()), *columns], names=[ROW, *batch.schema.names]
    )


def _require_distinct(names: list[str], file: str) -> None:
    if len(names) > _MAX_COLUMNS:
        raise InputError(f"{len(names):,} columns are too many (at most {_MAX_COLUMNS:,}).", file=file)
    for name in names:
        if name and names.count(name) > 1:
            raise InputError("two columns have this name; rename one.", file=file, field=name)


def _first_line(exc: BaseException) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0].rstrip(".")
