"""Every table of a database as lines of JSON, all of one moment, and back again into SQLite or PostgreSQL.

A line is a row: its columns by name, moments as ISO texts in UTC. Where a column of JSON holds SQL's NULL its name is missing; where
it holds JSON's null, it is null.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, DateTime, Table, bindparam, func, insert, inspect, select
from sqlalchemy.orm import Session

from engine.core.errors import BackupError
from engine.store.base import Base
from engine.store.dialect import parse_url
from engine.store.failures import translated
from engine.store.whole_databases import count_on, one_moment

__all__ = ["dump_tables", "fill_tables", "has_rows"]

ROWS_AT_ONCE = 1000


def dump_tables(url: str, folder: Path) -> dict[str, int]:
    """Write `<table>.jsonl` for every table of the database at `url` into `folder`; table -> rows.

    All tables are of one moment, whoever writes meanwhile. Raises `StoreError` where the database refuses.
    """
    parsed = parse_url(url)
    rows = {}
    with translated(parsed), one_moment(parsed, folder) as connection:
        for table in Base.metadata.sorted_tables:
            with (folder / f"{table.name}.jsonl").open("w", encoding="utf-8") as lines:
                rows[table.name] = 0
                for row in _rows(connection, table):
                    lines.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
                    rows[table.name] += 1
    return rows


def fill_tables(session: Session, folder: Path) -> dict[str, int]:
    """Store the rows of `dump_tables` in the empty tables that the session sees; table -> rows.

    A table without a file stays empty. Raises `BackupError` where a line is no row of its table.
    """
    rows = {}
    for table in Base.metadata.sorted_tables:
        file = folder / f"{table.name}.jsonl"
        rows[table.name] = _fill(session.connection(), table, file) if file.is_file() else 0
    count_on(session.connection(), Base.metadata.sorted_tables)
    return rows


def has_rows(connection: Connection) -> bool:
    """Whether any of our tables that are there holds a row."""
    there = inspect(connection).get_table_names()
    return any(
        connection.execute(select(func.count()).select_from(select(table).limit(1).subquery())).scalar_one()
        for table in Base.metadata.sorted_tables
        if table.name in there
    )


def _rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    """The rows in the order of the primary key."""
    documents = [column.name for column in table.columns if isinstance(column.type, JSON)]
    nulls = [table.c[name].is_(None).label(f"{name} is null") for name in documents]
    found = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(
        select(*table.columns, *nulls).order_by(*table.primary_key.columns)
    )
    for row in found.mappings():
        yield {
            column.name: _plain(row[column.name])
            for column in table.columns
            if not (column.name in documents and row[f"{column.name} is null"])
        }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _fill(connection: Connection, table: Table, file: Path) -> int:
    # JSON's null is given as JSON.NULL, so that None can be SQL's.
    documents = {column.name for column in table.columns if isinstance(column.type, JSON)}
    values = {name: bindparam(name, type_=JSON(none_as_null=True)) for name in documents}
    statement, count = insert(table).values(values) if documents else insert(table), 0
    with file.open(encoding="utf-8") as lines:
        while batch := [_row(table, documents, line) for line in islice(lines, ROWS_AT_ONCE)]:
            connection.execute(statement, batch)
            count += len(batch)
    return count


def _row(table: Table, documents: set[str], line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
        if not isinstance(row, dict) or not {column.name for column in table.columns} - documents <= row.keys():
            raise ValueError("columns are missing")
        if strange := row.keys() - {column.name for column in table.columns}:
            raise ValueError(f"there is no column {sorted(strange)[0]}")
        return {column.name: _value(row, column.name, column.type) for column in table.columns}
    except (ValueError, TypeError, RecursionError) as exc:
        raise BackupError(f"A row of the table {table.name} cannot be read ({exc}). Nothing was restored.") from exc


def _value(row: Mapping[str, Any], name: str, kind: Any) -> Any:
    value = row.get(name)
    if isinstance(kind, JSON):
        return JSON.NULL if name in row and value is None else value
    moment = isinstance(getattr(kind, "impl_instance", kind), DateTime)
    return datetime.fromisoformat(value) if moment and value is not None else value
