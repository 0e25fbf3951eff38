"""A table or the result of a query -> a Parquet file, streamed through a server-side cursor in a read-only transaction."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from engine.core.errors import InputError
from engine.ingest.columns import suggest
from engine.ingest.locations.database_url import display_name, parse_url, refusal
from engine.ingest.locations.rows import RowWriter

__all__ = ["fetch_database"]

_BATCH = 10_000
_CONNECT_SECONDS = 10
_IS_QUERY = re.compile(r"(?:--.*|/\*.*?\*/|\s)*(select|with)\s", re.IGNORECASE | re.DOTALL)
# What makes every transaction of the connection refuse to write. SQLite's file is opened for reading.
_READ_ONLY = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}


def fetch_database(
    address: str, query: str | None, directory: Path, tell: Callable[[float, str], None]
) -> tuple[Path, str]:
    """Write what `query` asks for to `directory`; the file, and a note about where it came from.

    Parameters
    ----------
    address : SQLAlchemy URL. A password is best left to PGPASSWORD, ~/.pgpass or `${NAME}` in the URL.
    query : SQL, or the name of a table or view (`orders`, `shop.orders`). Without it, the only table there is.

    Numbers with decimals become floats, times with zones UTC, JSON and arrays their text. Memory holds one batch of rows.
    Raises `InputError` naming the database, without its password, where it cannot be reached or refuses, where the result
    has no rows, and where a column holds bytes.
    """
    url = parse_url(address)
    name = display_name(url)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        engine = _engine(url)
        with engine.connect() as connection:
            if statement := _READ_ONLY.get(engine.dialect.name):
                connection.exec_driver_sql(statement)
            sql, title = _statement(connection, query, name)
            target = directory / f"{_file_name(title or Path(url.database or 'database').stem + ' query')}.parquet"
            writer = _stream(connection, sql, target, name, tell)
    except SQLAlchemyError as exc:
        raise InputError(refusal(url, str(getattr(exc, "orig", None) or exc)), file=name) from exc
    except sqlite3.Error as exc:
        raise InputError(refusal(url, str(exc)), file=name) from exc
    except ModuleNotFoundError as exc:
        raise InputError(
            f"this database needs the Python package {exc.name!r}. Install it where Longtail is.", file=name
        ) from exc
    what = f"the table {title}" if title else "a query"
    return writer.finish(), f"{writer.n_rows:,} rows of {what} in {name}"


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database or "")).expanduser().absolute()
        return create_engine(
            url,
            creator=lambda: sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_CONNECT_SECONDS),
            poolclass=NullPool,
        )
    options: dict[str, Any] = {}
    if url.get_backend_name() == "postgresql" and "connect_timeout" not in url.query:
        options["connect_timeout"] = _CONNECT_SECONDS
    return create_engine(url, poolclass=NullPool, connect_args=options)


def _statement(connection: Connection, query: str | None, name: str) -> tuple[str, str | None]:
    """The SQL to run, and the table's name where it reads a table."""
    wanted = (query or "").strip()
    if _IS_QUERY.match(wanted):
        return wanted.rstrip(";"), None
    tables = _tables(connection)
    if not wanted and len(tables) == 1:
        wanted = next(iter(tables))
    found = tables.get(wanted) or {key.lower(): table for key, table in tables.items()}.get(wanted.lower())
    if found is None and re.fullmatch(r"[^\s.]+\.[^.]+", wanted):
        schema, _, table = wanted.partition(".")
        found = (schema, table) if inspect(connection).has_table(table, schema=schema) else None
    if found is None and re.search(r"\s", wanted):
        return wanted.rstrip(";"), None
    if found is None:
        what = (
            f"there is no table {wanted!r}."
            if wanted
            else "which table? Say it with --items-query or --interactions-query."
        )
        hint = suggest(wanted, sorted(tables)).replace("columns", "tables") if tables else "This user sees no table."
        raise InputError(f"{what} {hint}", file=name)
    quote_name = connection.dialect.identifier_preparer.quote_identifier
    return "SELECT * FROM " + ".".join(quote_name(part) for part in found if part), found[1]


def _tables(connection: Connection) -> dict[str, tuple[str | None, str]]:
    """What a person may call a table or view of the usual schema -> (its schema, None for the usual one; its name)."""
    inspector = inspect(connection)
    names = [*inspector.get_table_names(), *inspector.get_view_names()]
    if connection.dialect.name == "postgresql":
        names += inspector.get_materialized_view_names()
    return {name: (None, name) for name in names}


def _stream(connection: Connection, sql: str, target: Path, name: str, tell: Callable[[float, str], None]) -> RowWriter:
    streaming = connection.execution_options(stream_results=True, no_parameters=True)
    with streaming.exec_driver_sql(sql) as result:
        if not result.returns_rows:
            raise InputError("the query returns no rows, because it is no SELECT. Ask for rows.", file=name)
        with closing(RowWriter(list(result.keys()), target, name)) as writer:
            for rows in result.partitions(_BATCH):
                writer.write(rows)
                tell(0.0, f"{writer.n_rows:,} rows from {name}")
    if not writer.n_rows:
        raise InputError("the table or query has no rows. Check the query.", file=name)
    return writer


def _file_name(title: str) -> str:
    return re.sub(r"[^\w.-]+", "_", title)[:100]
