"""A day in one column and the time of day in another become one time."""

from __future__ import annotations

import re

import duckdb

from engine.ingest.mapping import column_of
from engine.ingest.profiles import profile_columns
from engine.ingest.shapes.tables import cell_text, relation, write_staged
from engine.ingest.sources import ROW, Source

__all__ = ["add_clock"]

_NAMES = (
    *("time", "order_time", "event_time", "time_of_day", "clock", "purchase_time", "transaction_time", "invoice_time"),
    *("uhrzeit", "zeit", "heure", "hora", "ora", "tijd", "godzina", "время", "時刻", "时间"),
)
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?[ap]m)?", re.IGNORECASE)


def add_clock(connection: duckdb.DuckDBPyConnection, source: Source, day: str | None) -> tuple[Source, str | None]:
    """The column `day` with the time of day of another column behind it, where it holds days and the other times of day."""
    clock = next((actual for name in _NAMES if (actual := column_of(name, source.columns)) and actual != day), "")
    if not day or not clock:
        return source, None
    profiles = profile_columns(source)
    days, clocks = profiles[day], profiles[clock]
    if days.looks != "time" or any(":" in value for value in days.values):
        return source, None
    if not clocks.values or not all(_CLOCK.fullmatch(value) for value in clocks.values):
        return source, None
    column = source.staged(day)
    whole = f"concat_ws(' ', {cell_text(column)}, {cell_text(source.staged(clock))})"
    query = f"SELECT * REPLACE (CASE WHEN {column} IS NOT NULL THEN {whole} END AS {column}) FROM {relation(source)} ORDER BY {ROW}"
    return write_staged(
        connection, query, source, source.columns, "clocked"
    ), f"{day!r} and {clock!r} were read as one time"
