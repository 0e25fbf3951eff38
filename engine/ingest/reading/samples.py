"""A fair sample of a staged column's texts, for deciding how the column is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import duckdb
import pyarrow as pa

from engine.ingest.sources import ROW
from engine.ingest.staged_sql import with_texts

__all__ = ["counted_texts", "sampled_rows", "sampled_texts"]

# Forms are decided from about so many rows, taken evenly.
_ROWS = 200_000
_DISTINCT = 20_000


def sampled_texts(connection: duckdb.DuckDBPyConnection, table: str, column: str, kind: pa.DataType) -> dict[str, int]:
    """The texts of a staged column -> how often they occur in the sampled rows; at most 20,000 of them, the most frequent or,
    among equally frequent ones, any."""
    relation = with_texts(sampled_rows(connection, table), {"sample": column}, {column: kind})
    found = connection.execute(f"""
        SELECT sample_text, count(*) FROM {relation} WHERE sample_text IS NOT NULL
        GROUP BY 1 ORDER BY 2 DESC, hash(sample_text), 1 LIMIT {_DISTINCT}
    """).fetchall()
    return dict(found)


def sampled_rows(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """A relation of about 200,000 rows of `table`, taken evenly; a table of more rows than that has the column `ROW`."""
    n_rows = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    step = max(n_rows // _ROWS, 1)
    return f"(SELECT * FROM {table} WHERE {ROW} % {step} = 0)" if step > 1 else table


def counted_texts(values: Iterable[Any]) -> Counter[str]:
    """The texts among the values -> how often they occur."""
    return Counter(value for value in values if isinstance(value, str))
