"""Events that arrived -> those that the shop does not have yet, in a file of their own.

Events count as a multiset of whole rows: where a row arrived n times and the shop holds it m times already, n - m are added.
So what is appended twice counts once, and three equal clicks in one file stay three. Events without a time cannot be told
from repeats: they are the same event where everything else is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from engine.catalogue.snapshot import EVENT_COLUMNS
from engine.ingest.event_files import write_events
from engine.ingest.staged_sql import quoted

__all__ = ["AddedEvents", "add_events"]

# The new file takes in earlier ones of up to so many times its rows, so that there are never many.
_ALIKE = 2
# Ids are never null, so a hash join finds the pairs; the other columns may be.
_SAME = " AND ".join(
    f"a.{name} {'=' if name in ('user_id', 'item_id') else 'IS NOT DISTINCT FROM'} h.{name}" for name in EVENT_COLUMNS
)
_COLUMNS = ", ".join(EVENT_COLUMNS)


@dataclass(frozen=True)
class AddedEvents:
    """The files of all events, the new ones last; and how many of those that arrived were new, and how many not."""

    files: list[Path]
    n_new: int = 0
    n_known: int = 0


def add_events(
    connection: duckdb.DuckDBPyConnection, held: Sequence[Path], arrived: Path, directory: Path
) -> AddedEvents:
    """Write what is new to `directory`.

    Parameters
    ----------
    held, arrived : the shop's files of events, and the file of those that arrived, in `EVENT_SCHEMA`.
    """
    fresh = directory / "fresh.parquet"
    n_new, n_known = _write_fresh(connection, held, arrived, fresh)
    if not n_new:
        return AddedEvents(list(held), 0, n_known)
    kept, taken_in = _split(held, n_new)
    if taken_in:
        joined = directory / "joined.parquet"
        write_events(connection, _relation([*taken_in, fresh]), joined)
        fresh = joined
    return AddedEvents([*kept, fresh], n_new, n_known)


def _write_fresh(
    connection: duckdb.DuckDBPyConnection, held: Sequence[Path], arrived: Path, target: Path
) -> tuple[int, int]:
    """Write the rows that arrived more often than they are held; their number, and that of all others."""
    connection.execute(
        f"CREATE TEMP TABLE arrived AS SELECT {_COLUMNS}, count(*) AS n FROM {_relation([arrived])} GROUP BY ALL"
    )
    connection.execute(
        f"CREATE TEMP TABLE held AS SELECT {_COLUMNS}, count(*) AS n FROM {_relation(held)} h"
        f" SEMI JOIN arrived a ON {_SAME} WHERE {_when(connection)} GROUP BY ALL"
    )
    more = f"SELECT a.*, a.n - coalesce(h.n, 0) AS more FROM arrived a LEFT JOIN held h ON {_SAME}"
    write_events(
        connection, f"(SELECT *, unnest(range(more)) FROM ({more}) WHERE more > 0) ORDER BY {_COLUMNS}", target
    )
    counted = f"SELECT sum(n)::BIGINT, sum(greatest(more, 0))::BIGINT FROM ({more})"
    total, new = connection.execute(counted).fetchall()[0]
    connection.execute("DROP TABLE arrived; DROP TABLE held")
    return int(new), int(total - new)


def _when(connection: duckdb.DuckDBPyConnection) -> str:
    """SQL for when held events `h` are that may equal those that `arrived`: Parquet's statistics pass over all others."""
    first, last, untimed = connection.execute(
        "SELECT min(timestamp), max(timestamp), count(*) > count(timestamp) FROM arrived"
    ).fetchall()[0]
    when = ["h.timestamp IS NULL"] if untimed else []
    if first is not None:
        when.append(f"h.timestamp BETWEEN {first} AND {last}")
    return f"({' OR '.join(when) or 'false'})"


def _split(files: Sequence[Path], n_new: int) -> tuple[list[Path], list[Path]]:
    """The files that stay, and the last ones, which are so small that they are written again with the new events.

    The first file, in which the shop was loaded, always stays.
    """
    kept, n_rows = list(files), n_new
    taken_in: list[Path] = []
    while len(kept) > 1 and (size := pq.read_metadata(kept[-1]).num_rows) <= _ALIKE * n_rows:
        taken_in.insert(0, kept.pop())
        n_rows += size
    return kept, taken_in


def _relation(files: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(quoted(str(file)) for file in files)}])"
