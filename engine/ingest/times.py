"""SQL that turns a staged column of times into whole seconds since 1970, UTC."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from engine.ingest.staged_sql import quoted, with_texts

__all__ = ["NO_TIMES", "TimePlan", "plan_times"]

_DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y", "%b %d, %Y", "%m %d, %Y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
# 2200-01-01: nobody bought anything after it, or in 1970 or before.
_LATEST = 7_258_118_400


@dataclass(frozen=True)
class TimePlan:
    """How to read a column of times, in two steps: in one nested expression, DuckDB would compute each part many times.

    Attributes
    ----------
    number : SQL over the staged column and `time_text`: the time as a number, null where it is none.
    seconds : SQL over `time_text` and `time_number`: DOUBLE seconds, or null.
    note : how dates were read, "" if only one way is possible.
    """

    number: str
    seconds: str
    note: str = ""

    @staticmethod
    def whole(seconds: str) -> str:
        """SQL for BIGINT seconds of the column `seconds`; null for what cannot be a time."""
        return f"CASE WHEN {seconds} > 0 AND {seconds} < {_LATEST} THEN floor({seconds})::BIGINT END"


NO_TIMES = TimePlan("NULL::DOUBLE", "NULL::DOUBLE")
_FROM_NUMBER = """CASE
    WHEN isnan(time_number) OR isinf(time_number) THEN NULL
    WHEN time_number >= 1e17 THEN time_number / 1e9
    WHEN time_number >= 1e14 THEN time_number / 1e6
    WHEN time_number >= 1e11 THEN time_number / 1e3
    WHEN time_number BETWEEN 19700101 AND 21991231
        THEN coalesce(epoch(try_strptime(time_number::BIGINT::VARCHAR, '%Y%m%d')), time_number)
    ELSE time_number END"""
_PLAIN = f"CASE WHEN time_number IS NOT NULL THEN {_FROM_NUMBER} ELSE epoch(try_cast(time_text AS TIMESTAMPTZ)) END"


def plan_times(connection: duckdb.DuckDBPyConnection, table: str, column: str, kind: pa.DataType) -> TimePlan:
    """Decide how to read a column of `table`, which holds all rows or a fair sample.

    Numbers are seconds, milliseconds, microseconds or nanoseconds by their size, or dates like 20181231. Text is ISO
    8601 (UTC unless it says otherwise) or a date with day or month first, whichever more of the column agrees with.
    `connection` must have its time zone set to UTC.
    """
    if pa.types.is_temporal(kind):
        return TimePlan(f"epoch({column}::TIMESTAMPTZ)", "time_number")
    if not pa.types.is_string(kind):
        return TimePlan(f"{column}::DOUBLE", _FROM_NUMBER)
    number = "CASE WHEN regexp_full_match(time_text, '[0-9]+([.][0-9]+)?') THEN try_cast(time_text AS DOUBLE) END"
    orders = {"day": _formats(_DAY_FIRST), "month": _formats(_MONTH_FIRST)}
    parsed = {name: f"epoch(try_strptime(time_text, {formats}))" for name, formats in orders.items()}
    counts = ", ".join(f"count({expression})" for expression in parsed.values())
    days, months = connection.execute(f"""
        SELECT {counts} FROM (
            SELECT *, {number} AS time_number FROM {with_texts(table, {"time": column}, {column: kind})}
        ) WHERE time_text IS NOT NULL AND ({_PLAIN}) IS NULL
    """).fetchall()[0]
    first, second = ("day", "month") if days >= months else ("month", "day")
    doubt = "; the column fits both orders, so check it" if days == months else ""
    seconds = f"coalesce({_PLAIN}, {parsed[first]}, {parsed[second]})"
    return TimePlan(number, seconds, f"dates were read with the {first} first{doubt}" if days or months else "")


def _formats(dates: tuple[str, ...]) -> str:
    return "[" + ", ".join(quoted(date + clock) for date in dates for clock in _CLOCKS) + "]"
