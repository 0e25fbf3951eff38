"""Parquet of any size: texts, numbers, times and lists of texts keep their types, nested values become JSON text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.core.errors import InputError
from engine.ingest.sources.packed import RawFile, most_unpacked
from engine.ingest.sources.tables import ROW, Batches, FileTable, name_columns, numbered

__all__ = ["read_parquet"]

_BATCH = 65_536
# A batch is taken apart where its values would need more than this, each written out.
_BATCH_BYTES = 64 * 1024 * 1024
_CELL_BYTES = 1024 * 1024
_TRIED = 50
_INT64_DIGITS = 18
_TOO_MUCH = "the file's values come to more than 200 times its size. Export it again."


def read_parquet(raw: RawFile, directory: Path) -> FileTable:
    """The table in a Parquet file, which is unpacked to `directory` if it is packed.

    A text that repeats is stored once, so a small file may hold far more than memory does: rows are written out a few at a
    time. Columns of bytes that are no text are left out. Raises `InputError` for a cell of more than 1 MB, and for a file
    whose values come to more than 200 times its size (256 MB are always allowed).
    """
    path = raw.unpacked(directory)
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        stored = sum(file.metadata.row_group(group).total_byte_size for group in range(file.metadata.num_row_groups))
        if stored > most_unpacked(path):
            raise InputError(_TOO_MUCH, file=raw.name)
        kept = [field for field in schema if not _is_bytes(file, field)]
    columns, notes = name_columns([field.name for field in kept], raw.name)
    left_out = [field.name for field in schema if field not in kept]
    if left_out:
        notes = (*notes, f"columns of bytes are left out: {', '.join(left_out)}")
    staged = pa.schema([(ROW, pa.int64()), *((f"c{i}", _plain_type(field.type)) for i, field in enumerate(kept))])
    return FileTable(columns, staged, _batches(raw.name, path, kept, staged), notes)


def _batches(name: str, path: Path, fields: Sequence[pa.Field], schema: pa.Schema) -> Batches:
    row, left = 0, most_unpacked(path)
    with _opened(path) as file, duckdb.connect(config={"threads": 1}) as connection:
        wanted = list(dict.fromkeys(field.name for field in fields))
        for whole in file.iter_batches(batch_size=_batch_rows(file.metadata), columns=wanted):
            for batch in _small_batches(whole):
                _require_room(batch, row, name)
                texts = [column.cast(field.type) for column, field in zip(batch.columns, fields, strict=True)]
                plain = [_plain(column, connection) for column in texts]
                for field, column in zip(fields, plain, strict=True):
                    _require_short_cells(column, field.name, row, name)
                result = pa.RecordBatch.from_arrays(plain, names=schema.names[1:])
                left -= result.nbytes
                if left < 0:
                    raise InputError(
                        "the file's values come to more than 200 times its size. Export it again.", file=name
                    )
                yield numbered(result, range(row + 1, row + 1 + batch.num_rows)), []
                row += batch.num_rows


def _opened(path: Path) -> pq.ParquetFile:
    """The file, whose texts stay numbers into a dictionary where they are stored so."""
    with pq.ParquetFile(path) as file:
        metadata = file.metadata
        coded = {
            file.schema.column(leaf).path
            for group in range(metadata.num_row_groups)
            for leaf in range(len(file.schema))
            if file.schema.column(leaf).physical_type == "BYTE_ARRAY"
            and metadata.row_group(group).column(leaf).has_dictionary_page
        }
    return pq.ParquetFile(path, read_dictionary=sorted(coded))


def _batch_rows(metadata: pq.FileMetaData) -> int:
    """So many rows as need little memory where every value is stored by itself."""
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    longest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    return min(max(_BATCH_BYTES // max(longest, 1), 1), _BATCH)


def _small_batches(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in pieces that can be written out; a single row is never taken apart."""
    if batch.num_rows <= 1 or sum(map(_bytes, batch.columns)) <= _BATCH_BYTES:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _small_batches(batch.slice(0, half))
    yield from _small_batches(batch.slice(half))


def _bytes(column: pa.Array) -> int:
    """The bytes of a column's values, each written out; an upper bound where that is small."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        lengths = pc.fill_null(pc.binary_length(column.dictionary), 0)
        longest = pc.max(lengths).as_py() or 0
        if longest * len(column) <= _CELL_BYTES:
            return int(longest * len(column))
        return int(pc.sum(pc.take(lengths, column.indices)).as_py() or 0)
    if pa.types.is_struct(kind):
        return sum(map(_bytes, column.flatten()))
    if pa.types.is_map(kind):
        return sum(_bytes(_inner(column, part)) for part in (column.keys, column.items))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _bytes(_inner(column, column.values))
    return int(column.nbytes)


def _inner(column: pa.Array, values: pa.Array) -> pa.Array:
    """The values in the column's lists."""
    if len(column) == 0:
        return values.slice(0, 0)
    start, end = column.offsets[0].as_py(), column.offsets[-1].as_py()
    return values.slice(start, end - start)


def _require_room(batch: pa.RecordBatch, row: int, name: str) -> None:
    """Refuse a single row that could not even be written out."""
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if batch.num_rows == 1 and (size := _bytes(column)) > _BATCH_BYTES:
            raise _too_long(size, name, row + 1, field.name)


def _require_short_cells(column: pa.Array, field: str, row: int, name: str) -> None:
    if not pa.types.is_string(column.type) or column.nbytes <= _CELL_BYTES:
        return
    lengths = pc.fill_null(pc.binary_length(column), 0)
    size = pc.max(lengths).as_py() or 0
    if size > _CELL_BYTES:
        place = pc.index(lengths, size).as_py()
        raise _too_long(size, name, row + place + 1, field)


def _too_long(size: int, name: str, row: int, field: str) -> InputError:
    message = f"this cell holds {size:,} bytes (at most {_CELL_BYTES:,}). Shorten it, or leave the column out."
    return InputError(message, file=name, row=row, field=field)


def _is_bytes(file: pq.ParquetFile, field: pa.Field) -> bool:
    """Whether the column holds bytes that are no text: a picture, a hash."""
    if pa.types.is_nested(field.type):
        return _has_binary(field.type)
    if not _is_binary(field.type):
        return False
    try:
        first = next(file.iter_batches(batch_size=_TRIED, columns=[field.name]), None)
        if first is not None:
            first.column(0).cast(pa.string())
    except pa.ArrowInvalid:
        return True
    return False


def _has_binary(kind: pa.DataType) -> bool:
    inner = [kind.field(position).type for position in range(kind.num_fields)]
    return any(_has_binary(one) if pa.types.is_nested(one) else _is_binary(one) for one in inner)


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Texts, numbers, times and lists of texts; anything nested deeper is text."""
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_decimal(kind) and kind.scale == 0:
        # Ids in warehouses, which a float would round.
        return pa.int64() if kind.precision <= _INT64_DIGITS else pa.string()
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return pa.float64()
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.string() if pa.types.is_nested(kind.value_type) else pa.list_(pa.string())
    texts = _is_binary(kind) or pa.types.is_large_string(kind)
    if texts or pa.types.is_string_view(kind) or pa.types.is_nested(kind) or pa.types.is_null(kind):
        return pa.string()
    return kind


def _plain(column: pa.Array, connection: duckdb.DuckDBPyConnection) -> pa.Array:
    """The column in its plain type."""
    if pa.types.is_dictionary(column.type):
        return _plain(column.dictionary_decode(), connection)
    kind = _plain_type(column.type)
    if pa.types.is_nested(column.type) and pa.types.is_string(kind):
        connection.register("nested", pa.table({"value": column}))
        texts: pa.Table = connection.sql("SELECT to_json(value)::VARCHAR AS value FROM nested").to_arrow_table()
        return texts.column(0).combine_chunks()
    return column if column.type == kind else column.cast(kind)
