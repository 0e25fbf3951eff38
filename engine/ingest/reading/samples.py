"""A fair sample of a staged column's texts, for deciding how the column is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import duckdb
import pyarrow as pa

from engine.ingest.sources import ROW
from engine.ingest.staged_sql import with_texts

__all__ = ["counted_texts", "sampled_texts"]

# Forms are decided from about so many rows, taken evenly.
_ROWS = 200_000
_DISTINCT = 50_000


def sampled_texts(connection: duckdb.DuckDBPyConnection, table: str, column: str, kind: pa.DataType) -> dict[str, int]:
    """The texts of a staged column -> how often they occur in about 200,000 rows, taken evenly; at most the 50,000 most
    frequent. A `table` of more rows than that has the column `ROW`."""
    n_rows = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    step = max(n_rows // _ROWS, 1)
    rows = f"(SELECT {column} FROM {table} WHERE {ROW} % {step} = 0)"
    relation = with_texts(rows if step > 1 else table, {"sample": column}, {column: kind})
    found = connection.execute(f"""
        SELECT sample_text, count(*) FROM {relation} WHERE sample_text IS NOT NULL
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_DISTINCT}
    """).fetchall()
    return dict(found)


def counted_texts(values: Iterable[Any]) -> Counter[str]:
    """The texts among the values -> how often they occur."""
    return Counter(value for value in values if isinstance(value, str))
