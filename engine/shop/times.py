"""SQL that turns a staged column of times into whole seconds since 1970, UTC."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from engine.shop.staged_sql import quoted, text_sql

__all__ = ["seconds_sql"]

_DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y", "%b %d, %Y", "%m %d, %Y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
# 2200-01-01: what lies behind it, or at or before 1970, is no time at which anybody bought anything.
_LATEST = 7_258_118_400


def seconds_sql(connection: duckdb.DuckDBPyConnection, table: str, column: str, kind: pa.DataType) -> tuple[str, str]:
    """An expression over `table` giving BIGINT seconds or null, and a note on how dates were read ("" if plain).

    Numbers are seconds, milliseconds, microseconds or nanoseconds by their size, or dates like 20181231. Text is ISO
    8601 (UTC unless it says otherwise) or a date with day or month first, whichever more of the column agrees with.
    `connection` must have its time zone set to UTC.
    """
    if pa.types.is_temporal(kind):
        return _bounded(f"epoch({column}::TIMESTAMPTZ)"), ""
    if not pa.types.is_string(kind):
        return _bounded(_from_number(f"{column}::DOUBLE")), ""
    text = text_sql(column, kind)
    number = f"CASE WHEN regexp_full_match({text}, '[0-9]+([.][0-9]+)?') THEN {_from_number(f'try_cast({text} AS DOUBLE)')} END"
    plain = f"coalesce({number}, epoch(try_cast({text} AS TIMESTAMPTZ)))"
    unread = f"FROM {table} WHERE {text} IS NOT NULL AND {plain} IS NULL"
    if not connection.execute(f"SELECT 1 {unread} LIMIT 1").fetchall():
        return _bounded(plain), ""
    orders = {"day": _DAY_FIRST, "month": _MONTH_FIRST}
    parsed = {name: f"epoch(try_strptime({text}, {_formats(formats)}))" for name, formats in orders.items()}
    counts = ", ".join(f"count({expression})" for expression in parsed.values())
    days, months = connection.execute(f"SELECT {counts} {unread}").fetchall()[0]
    if not days and not months:
        return _bounded(plain), ""
    first, second = ("day", "month") if days >= months else ("month", "day")
    doubt = "; the column does not tell, so check it" if days == months else ""
    return (
        _bounded(f"coalesce({plain}, {parsed[first]}, {parsed[second]})"),
        f"dates were read with the {first} first{doubt}",
    )


def _from_number(number: str) -> str:
    day = f"epoch(try_strptime(({number})::BIGINT::VARCHAR, '%Y%m%d'))"
    return (
        f"CASE WHEN isnan({number}) OR isinf({number}) THEN NULL WHEN {number} >= 1e17 THEN {number} / 1e9"
        f" WHEN {number} >= 1e14 THEN {number} / 1e6 WHEN {number} >= 1e11 THEN {number} / 1e3"
        f" WHEN {number} BETWEEN 19700101 AND 21991231 THEN coalesce({day}, {number}) ELSE {number} END"
    )


def _bounded(seconds: str) -> str:
    return f"CASE WHEN {seconds} > 0 AND {seconds} < {_LATEST} THEN floor({seconds})::BIGINT END"


def _formats(dates: tuple[str, ...]) -> str:
    return "[" + ", ".join(quoted(date + clock) for date in dates for clock in _CLOCKS) + "]"
