"""A database with rows in every table, and all that is in a database, to be compared with another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Integer, String, insert, select

from engine.store import Base, Database

__all__ = ["all_rows", "fill_every_table"]

ROWS = 3
# What the database's own checks allow where any text would not do.
ALLOWED = {
    "judgements.verdict": ("irrelevant", "relevant", "irrelevant"),
    "campaigns.kind": ("planned", "chosen", "everyday"),
    "cards.kind": ("first", "second", "repeat"),
    "cards.state": ("leased", "judged", "skipped"),
    "drafts.state": ("draft", "approved", "taken_in"),
    "places.kind": ("guaranteed", "boosted", "guaranteed"),
    "audit.outcome": ("begun", "done", "failed"),
    "audit.id": (1001, 1008, 1015),  # after what building the workspace left there
}
DOCUMENTS = ({"a": [1, 2.5, 'ß\u2028"\\', None, True]}, [], None)
TEXTS = ("plain", "Grüße, 'quoted' \"twice\"\nand a second line ", "日本\u202e\x7f")


def fill_every_table(url: str) -> None:
    """Three rows in each, with texts, numbers and documents that are easily lost on the way."""
    database = Database(url)
    with database.transaction() as session:
        for table in Base.metadata.sorted_tables:
            for number in range(ROWS):
                values = {column.name: _value(column, number) for column in table.columns}
                session.execute(insert(table).values({k: v for k, v in values.items() if v is not _LEFT_OUT}))
    database.close()


def all_rows(url: str, *, without: tuple[str, ...] = (), schema: str | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """Table -> its rows in order; JSON's null is told from SQL's. `schema` is PostgreSQL's, the usual one unless given."""
    database = Database(url)
    with database.reading() as session:
        session.connection(execution_options={"schema_translate_map": {None: schema}})
        found = {
            table.name: [tuple(row) for row in session.execute(_everything(table))]
            for table in Base.metadata.sorted_tables
            if table.name not in without
        }
    database.close()
    return found


_LEFT_OUT = object()


def _everything(table: Any) -> Any:
    nulls = [column.is_(None).label(f"{column.name}?") for column in table.columns if isinstance(column.type, JSON)]
    return select(*table.columns, *nulls).order_by(*table.primary_key.columns)


def _value(column: Column[Any], number: int) -> Any:
    name = f"{column.table.name}.{column.name}"
    if name in ALLOWED:
        return ALLOWED[name][number]
    if column.foreign_keys:
        return _value(next(iter(column.foreign_keys)).column, number)
    kind: Any = getattr(column.type, "impl_instance", column.type)
    if isinstance(kind, JSON):
        return _LEFT_OUT if column.nullable and number == 1 else DOCUMENTS[number]
    if isinstance(kind, Boolean):
        return number == 1
    if isinstance(kind, Integer):
        return number * 7 + 1
    if isinstance(kind, Float):
        return (0.1, 1.0, 1e-9)[number]
    if isinstance(kind, String):
        if column.nullable and number == 2:
            return None
        return f"{number}" if column.primary_key or column.unique else (TEXTS[number])[: kind.length]
    return datetime(2026, 1, 2, 3, 4, 5, 678901, UTC) + timedelta(days=number)
