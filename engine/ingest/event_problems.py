"""What was wrong with rows of events: those that were rejected, and those that stand without a value."""

from __future__ import annotations

import duckdb

from engine.ingest.event_plan import EventPlan
from engine.ingest.report import SHOWN_PER_KIND, Problem, ProblemLog
from engine.ingest.sources import ROW
from engine.ingest.staged_sql import Check

__all__ = ["log_rejected", "log_unread"]


def log_rejected(
    connection: duckdb.DuckDBPyConnection, plan: EventPlan, checks: list[Check], problems: ProblemLog
) -> None:
    first = f"QUALIFY row_number() OVER (PARTITION BY rejected ORDER BY {ROW}) <= {SHOWN_PER_KIND}"
    counts = connection.execute(
        "SELECT rejected, count(*) FROM checked WHERE rejected IS NOT NULL GROUP BY 1"
    ).fetchall()
    rows = connection.execute(
        f"SELECT {ROW}, rejected, found FROM checked WHERE rejected IS NOT NULL {first} ORDER BY rejected, {ROW}"
    ).fetchall()
    for position, count in sorted(counts):
        check = checks[position]
        shown = [
            Problem(plan.source.name, row, plan.columns.get(check.field, check.field), check.kind, check.message, value)
            for row, failed, value in rows
            if failed == position
        ]
        problems.extend(shown, {check.kind: count})


# Field, and what is written where it could not be read: the event stands without it.
_UNREAD = (
    (
        "timestamp",
        "time_text",
        "unreadable_time",
        "the time cannot be read; the event was loaded without it. Write times like 2024-05-31 14:00:00.",
    ),
    (
        "price",
        "price_text",
        "unreadable_price",
        "the price is negative or no number; the event was loaded without it. Write prices like 12.50.",
    ),
)


def log_unread(connection: duckdb.DuckDBPyConnection, plan: EventPlan, problems: ProblemLog) -> None:
    for name, text, kind, message in _UNREAD:
        if name not in plan.columns:
            continue
        unread = f"FROM checked WHERE rejected IS NULL AND {name} IS NULL AND {text} IS NOT NULL"
        count = connection.execute(f"SELECT count(*) {unread}").fetchall()[0][0]
        rows = connection.execute(f"SELECT {ROW}, {text} {unread} ORDER BY {ROW} LIMIT {SHOWN_PER_KIND}").fetchall()
        shown = [Problem(plan.source.name, row, plan.columns[name], kind, message, value) for row, value in rows]
        problems.extend(shown, {kind: count} if count else {})
