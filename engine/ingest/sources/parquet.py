"""Parquet of any size: texts, numbers, times and lists of texts keep their types, nested values become JSON text."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from engine.ingest.sources.packed import RawFile
from engine.ingest.sources.tables import ROW, Batches, FileTable, name_columns, numbered

__all__ = ["read_parquet"]

_BATCH = 65_536


def read_parquet(raw: RawFile, directory: Path) -> FileTable:
    """The table in a Parquet file, which is unpacked to `directory` if it is packed."""
    path = raw.unpacked(directory)
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
    columns, notes = name_columns(schema.names, raw.name)
    staged = pa.schema([(ROW, pa.int64()), *((f"c{i}", _plain_type(kind)) for i, kind in enumerate(schema.types))])
    return FileTable(columns, staged, _batches(path, staged), notes)


def _batches(path: Path, schema: pa.Schema) -> Batches:
    row = 0
    with pq.ParquetFile(path) as file, duckdb.connect(config={"threads": 1}) as connection:
        for batch in file.iter_batches(batch_size=_BATCH):
            columns = [_plain(column, connection) for column in batch.columns]
            plain = pa.RecordBatch.from_arrays(columns, names=schema.names[1:])
            yield numbered(plain, range(row + 1, row + 1 + batch.num_rows)), []
            row += batch.num_rows


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Texts, numbers, times and lists of texts; anything nested deeper is text."""
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.string() if pa.types.is_nested(kind.value_type) else pa.list_(pa.string())
    texts = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_large_string(kind)
    if texts or pa.types.is_string_view(kind) or pa.types.is_nested(kind) or pa.types.is_null(kind):
        return pa.string()
    return kind


def _plain(column: pa.Array, connection: duckdb.DuckDBPyConnection) -> pa.Array:
    """The column in its plain type."""
    if pa.types.is_dictionary(column.type):
        return _plain(column.dictionary_decode(), connection)
    kind = _plain_type(column.type)
    if pa.types.is_nested(column.type) and pa.types.is_string(kind):
        table = pa.table({"value": column})
        connection.register("nested", table)
        return (
            connection.sql("SELECT to_json(value)::VARCHAR AS value FROM nested")
            .to_arrow_table()
            .column(0)
            .combine_chunks()
        )
    return column if column.type == kind else column.cast(kind)
