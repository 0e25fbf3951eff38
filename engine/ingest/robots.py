"""Robots and staff: shoppers with implausibly many events, named in the report.

Programs and people at work ask for far more, and far more different, products than shoppers do (Tan and Kumar, Discovery of
Web Robot Sessions Based on their Navigational Patterns, 2002, tell robots by the number and breadth of their requests).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from engine.ingest.staged_sql import quoted

__all__ = ["count_shoppers", "robots_note"]

_TIMES_EVENTS, _GAP, _FEWEST_EVENTS, _FEWEST_SHOPPERS = 5, 2, 200, 20
_COMPARED, _SHOWN = 1_000, 5


def count_shoppers(connection: duckdb.DuckDBPyConnection, events: Path) -> int:
    """Create the table `activity` (user_id, n events) of a file of events; the number of shoppers."""
    connection.execute(
        f"CREATE OR REPLACE TABLE activity AS SELECT user_id, count(*) AS n FROM read_parquet({quoted(str(events))})"
        " GROUP BY user_id"
    )
    return int(connection.execute("SELECT count(*) FROM activity").fetchall()[0][0])


def robots_note(connection: duckdb.DuckDBPyConnection, events: Path, n_shoppers: int) -> str | None:
    """A sentence that names shoppers with implausibly many events, None where there are none.

    Such shoppers have at least 200 events, over 5 times those of the 99.9th percentile (in small shops: of the sixth
    busiest), at least twice those of the busiest other, and over twice as many different products as any other. The gaps tell
    them from the busiest of a shop whose activity falls off as a power. `activity` must be there.
    """
    if n_shoppers < _FEWEST_SHOPPERS:
        return None
    rank = max(n_shoppers // 1000, min(5, n_shoppers // 10))
    usual = connection.execute(f"SELECT n FROM activity ORDER BY n DESC LIMIT 1 OFFSET {rank}").fetchall()[0][0]
    connection.execute(
        f"CREATE OR REPLACE TABLE busy AS SELECT user_id, n FROM activity ORDER BY n DESC, user_id LIMIT {_COMPARED}"
    )
    least = connection.execute(f"""
        SELECT min(n) FROM (SELECT n, lead(n) OVER (ORDER BY n DESC) AS next FROM busy)
        WHERE n > {_TIMES_EVENTS * usual} AND n >= {_FEWEST_EVENTS} AND n >= {_GAP} * next
    """).fetchall()[0][0]
    if least is None:
        return None
    found = connection.execute(f"""
        WITH broad AS (
            SELECT user_id, any_value(n) AS n, count(DISTINCT item_id) AS products
            FROM read_parquet({quoted(str(events))}) JOIN busy USING (user_id) GROUP BY user_id
        )
        SELECT user_id, n, products FROM broad WHERE n >= {least}
            AND products > {_GAP} * (SELECT coalesce(max(products), 0) FROM broad WHERE n < {least})
        ORDER BY n DESC, user_id
    """).fetchall()
    if not found:
        return None
    shown = ", ".join(f"{user!r} ({n:,} events, {products:,} products)" for user, n, products in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    return (
        f"implausibly many events, as of robots or staff: {shown}{more}. They stay, and the Longtail list counts every"
        " shopper less, the more products they have; leave them out of the file if they are not shoppers"
    )
