"""What differs between SQLite and PostgreSQL where a whole database is copied or replaced; `dialect` has the rest.

A database is replaced in three steps that can each be done again after a kill: the new one is built beside the old (`build_beside`),
then the two change places (`change_places`), and the old one stays under a name of its own. SQLite's are files; PostgreSQL's are
schemas of one database, so each step there is one transaction.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

from engine.core.storage import fsync_directory
from engine.store.database import Database
from engine.store.dialect import BUSY_SECONDS, make_engine, parse_url, writing
from engine.store.failures import translated

__all__ = ["build_beside", "change_places", "count_on", "examine", "one_moment", "remove_beside"]

_SIBLINGS = ("-journal", "-wal", "-shm")
_OURS = "SELECT tablename FROM pg_tables WHERE schemaname = :schema"
_FUNCTIONS = (
    "SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = :schema "
    "AND p.oid IN (SELECT t.tgfoid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relname = ANY(:tables))"
)


@contextmanager
def one_moment(url: URL, folder: Path) -> Iterator[Connection]:
    """A connection that sees the database as it is now, whatever others write meanwhile.

    SQLite is copied to `folder` first, by its own online backup, because a reader there would keep writers waiting.
    """
    if url.get_backend_name() == "sqlite":
        copy = folder / "copy.db"
        _copy_sqlite(Path(str(url.database)), copy)
        url = make_url(f"sqlite:///{copy}")
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            if url.get_backend_name() == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection
    finally:
        engine.dispose()
        if url.get_backend_name() == "sqlite":
            Path(str(url.database)).unlink()


def count_on(connection: Connection, tables: Iterable[Table]) -> None:
    """Let numbers that the database gives go on after the highest there is. SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        number = table.autoincrement_column
        sequence = number is not None and connection.scalar(
            text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": number.name}
        )
        if number is not None and sequence:
            highest = f"SELECT setval(:sequence, max({number.name})) FROM {table.name} HAVING max({number.name}) > 0"
            connection.execute(text(highest), {"sequence": sequence})


def examine(url: str, question: Callable[[Connection], bool]) -> bool:
    """Ask the database as it is; where it is a file that is not there, the answer is no. Nothing is made."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
        return False
    with translated(parsed):
        engine = make_engine(parsed)
        try:
            with engine.connect() as connection:
                return question(connection)
        finally:
            engine.dispose()


def build_beside(url: str, name: str, fill: Callable[[Session], None]) -> None:
    """Make a database of today's tables beside the one at `url`, filled by `fill` in one transaction.

    `name` tells it from others; it is whole when this returns. Raises `StoreError` where the database refuses.
    """
    from engine.store.migrating import build_tables  # brings Alembic, for which no page waits

    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        database = Database(f"sqlite:///{_beside(parsed, name)}")
        try:
            with database.transaction("restore") as session:
                fill(session)
        finally:
            database.close()
        fsync_directory(_beside(parsed, name).parent)
        return
    with _server(parsed) as session:
        session.execute(text(f'CREATE SCHEMA "{name}"'))
        session.execute(text(f'SET LOCAL search_path TO "{name}"'))
        build_tables(session.connection())
        fill(session)


def change_places(url: str, name: str, aside: str) -> str:
    """Put what was built under `name` where the database is, and the database aside; what to call the old one, "" if none.

    Done again after it was interrupted, it does what is left.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        file = Path(str(parsed.database)).absolute()
        return _change_files(file, _beside(parsed, name), file.with_name(f"{file.name}.{aside}"))
    with _server(parsed) as session:
        return _change_schemas(session.connection(), name, aside)


def remove_beside(url: str, name: str) -> None:
    """Remove what was built under `name`, whole or not, if it is there."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        for ending in ("", *_SIBLINGS):
            Path(f"{_beside(parsed, name)}{ending}").unlink(missing_ok=True)
        return
    with _server(parsed) as session:
        session.execute(text(f'DROP SCHEMA IF EXISTS "{name}" CASCADE'))


def _copy_sqlite(file: Path, copy: Path) -> None:
    # Not through Database: it would bring the tables up to date, and a backup changes nothing.
    with (
        closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def _beside(url: URL, name: str) -> Path:
    file = Path(str(url.database)).absolute()
    return file.with_name(f".{file.name}.{name}")


@contextmanager
def _server(url: URL) -> Iterator[Session]:
    """A transaction of a database server."""
    with translated(url):
        engine: Engine = make_engine(url)
        try:
            with Session(writing(engine)) as session, session.begin():
                yield session
        finally:
            engine.dispose()


def _change_files(file: Path, new: Path, aside: Path) -> str:
    with _nobody_writes(file) if new.exists() and file.exists() else nullcontext():
        if new.exists():
            for ending in (*_SIBLINGS, ""):
                with suppress(FileNotFoundError):
                    os.rename(f"{file}{ending}", f"{aside}{ending}")
            fsync_directory(file.parent)
            os.rename(new, file)
            fsync_directory(file.parent)
    return str(aside) if aside.exists() else ""


@contextmanager
def _nobody_writes(file: Path) -> Iterator[None]:
    """Hold a SQLite file, so that no transaction's journal is left to the file that takes its place."""
    with closing(sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
        with suppress(sqlite3.DatabaseError):  # a damaged file is what a backup is restored for
            connection.execute("PRAGMA journal_mode = delete")
            connection.execute("BEGIN EXCLUSIVE")
        yield


def _change_schemas(connection: Connection, name: str, aside: str) -> str:
    def names(schema: str) -> list[str]:
        return list(connection.scalars(text(_OURS), {"schema": schema}))

    new = names(name)
    if not new:  # they changed places already
        return f"the schema {aside}" if names(aside) else ""
    here = str(connection.scalar(text("SELECT current_schema()")))
    old = [table for table in names(here) if table in new]
    if old:
        connection.execute(text(f'CREATE SCHEMA "{aside}"'))
        _move(connection, old, here, aside)
    _move(connection, new, name, here)
    connection.execute(text(f'DROP SCHEMA "{name}"'))
    return f"the schema {aside}" if old else ""


def _move(connection: Connection, tables: list[str], source: str, target: str) -> None:
    """Tables with all that belongs to them: indexes, numbers, triggers, and the triggers' functions."""
    functions = list(connection.scalars(text(_FUNCTIONS), {"schema": source, "tables": tables}))
    for table in tables:
        connection.execute(text(f'ALTER TABLE "{source}"."{table}" SET SCHEMA "{target}"'))
    for function in functions:
        connection.execute(text(f'ALTER FUNCTION {function} SET SCHEMA "{target}"'))
