"""Lines of text as batches of text columns, at the speed of pyarrow's CSV reader."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.csv

from engine.core.errors import InputError
from engine.ingest.sources.dialects import Dialect
from engine.ingest.sources.entities import LONGEST_ENTITY, SEMICOLON, guard_entities, restore_entities
from engine.ingest.sources.rewriting import rewritten

__all__ = ["csv_batches", "next_rows"]

_BLOCK = 8 * 1024 * 1024
# Stands for a delimiter of several characters; no text holds it.
_UNIT = b"\x1f"


def csv_batches(
    stream: io.BufferedReader,
    dialect: Dialect,
    width: int,
    reject: Callable[[pa.csv.InvalidRow], str],
    name: str,
    *,
    blank_lines: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Batches of `width` text columns c0, c1, ...; `reject` is asked about rows of another width.

    With `blank_lines`, a blank line is a row. Raises `InputError` where a row is longer than 8 MB.
    """
    n_rows = 0

    def counted(row: pa.csv.InvalidRow) -> str:
        nonlocal n_rows
        n_rows += 1
        return reject(row)

    staged = [f"c{i}" for i in range(width)]
    delimiter = dialect.delimiter
    if delimiter == ";":
        stream = rewritten(stream, guard_entities, _begun_entity)
    elif len(mark := delimiter.encode()) > 1:
        stream = rewritten(stream, lambda text: text.replace(mark, _UNIT), lambda text: _begun(text, mark))
        delimiter = _UNIT.decode()
    try:
        batches = pa.csv.open_csv(
            pa.PythonFile(stream, mode="r"),
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=staged),
            parse_options=pa.csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if dialect.quoted else False,
                escape_char="\\" if dialect.escaped else False,
                newlines_in_values=dialect.quoted,
                ignore_empty_lines=not blank_lines,
                invalid_row_handler=counted,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(staged, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
        for batch in map(restore_entities, batches) if delimiter == ";" else batches:
            n_rows += batch.num_rows
            yield batch
    except pa.ArrowInvalid as exc:
        if "straddling" in str(exc):
            message = f"the row is longer than {_BLOCK / 1024**2:.0f} MB. Check its quotes."
            raise InputError(message, file=name, row=n_rows + 1) from exc
        if "Empty CSV" not in str(exc):
            raise


def next_rows(row: int, count: int, broken: list[int]) -> Sequence[int]:
    """The numbers of the `count` good rows after `row`, without `broken` ones, which are taken off the list."""
    ahead = set(broken)
    if not ahead:
        return range(row + 1, row + 1 + count)
    numbers = list(itertools.islice((number for number in itertools.count(row + 1) if number not in ahead), count))
    broken[:] = [number for number in broken if not numbers or number > numbers[-1]]
    return numbers


def _begun(text: bytes, mark: bytes) -> int:
    """How many bytes at the end of the text begin `mark`."""
    return next((size for size in range(len(mark) - 1, 0, -1) if text.endswith(mark[:size])), 0)


def _begun_entity(text: bytes) -> int:
    start = text.rfind(b"&", max(len(text) - LONGEST_ENTITY, 0))
    return 0 if start < 0 or SEMICOLON in text[start:] or b";" in text[start:] else len(text) - start
