"""Everything that differs between SQLite and PostgreSQL: connecting, taking turns, column types, names for people.

No other module asks which database it talks to but `whole_databases`, for what is done to a database as a whole. A query that must
be written differently for each belongs here.

SQLite 3.7.0 to 3.51.2 can corrupt a database in WAL mode when the log is reset (fixed in 3.51.3): those versions use a
rollback journal. In every mode a commit returns only after the data is on the disk.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import BigInteger, Connection, DateTime, Dialect, Engine, Integer, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeDecorator

from engine.core.errors import StoreError
from engine.core.redaction import redact

__all__ = [
    "BUSY_SECONDS",
    "MOST_CONNECTIONS",
    "ROW_NUMBER",
    "ROW_NUMBERS_ARE_NEVER_REUSED",
    "STATEMENT_SECONDS",
    "UtcDateTime",
    "display_name",
    "journal_note",
    "lock",
    "make_engine",
    "parse_url",
    "take_your_time",
    "writing",
]

BUSY_SECONDS = 10  # how long to wait for somebody else's transaction
STATEMENT_SECONDS = 120  # what one statement, or a pause within a transaction, may take at most on a server
KEPT_CONNECTIONS = 5  # of one `Database` to a server, open while nobody needs them
MOST_CONNECTIONS = 10  # at once; who comes then waits
# A server that vanished without a word is noticed within a minute, whether this side waits for an answer or sends.
_POSTGRES_CONNECTION = {
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 50_000,
}
WAL_IS_SAFE_SINCE = (3, 51, 3)

# SQLite numbers rows by itself only where the type is INTEGER.
ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")
# SQLite otherwise gives the number of a removed last row to the next one.
ROW_NUMBERS_ARE_NEVER_REUSED = {"sqlite_autoincrement": True}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, in and out: SQLite stores no time zone, and PostgreSQL answers in the session's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; `value` must know its time zone."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As UTC."""
        if value is None or value.tzinfo is None:
            return None if value is None else value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


def parse_url(text_: str) -> URL:
    """A database URL, `postgres://` included; raises `StoreError` where it is none or names no lasting database."""
    try:
        url = make_url(re.sub(r"^postgres(?=://)", "postgresql", text_))
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError) as exc:
        raise StoreError(
            "database_url is not a database URL. It looks like sqlite:////folder/longtail.db "
            "or postgresql://user:password@host/database."
        ) from exc
    if _is_sqlite(url) and url.database in (None, "", ":memory:"):
        raise StoreError("database_url names no file. Judgements must outlive the program: use sqlite:////folder/file.")
    return url


def make_engine(url: URL) -> Engine:
    """An engine for this URL; a SQLite file and its folder are made when missing.

    Raises `StoreError` where the driver of a database server is not installed.
    """
    return _sqlite_engine(url) if _is_sqlite(url) else _server_engine(url)


def writing(engine: Engine, seconds: float | None = None) -> Engine:
    """The same engine for transactions that write: SQLite takes its lock at their start, not halfway through.

    Parameters
    ----------
    seconds : how long they wait for somebody else's; `BUSY_SECONDS` unless given.
    """
    return engine.execution_options(writes=True, wait_seconds=seconds)


def lock(session: Session, key: str) -> None:
    """Until this transaction ends, let no other one hold the lock of this name.

    On PostgreSQL an advisory lock; SQLite lets one transaction write at a time anyway, from its first statement on.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": key})


def take_your_time(session: Session) -> None:
    """Let the statements of this transaction take as long as they need."""
    if session.connection().dialect.name == "postgresql":
        session.execute(text("SET LOCAL statement_timeout = 0"))


def journal_note(engine: Engine) -> str | None:
    """What to know about how the database keeps its journal; None where there is nothing."""
    if engine.dialect.name != "sqlite" or sqlite3.sqlite_version_info >= WAL_IS_SAFE_SINCE:
        return None
    return (
        f"SQLite {sqlite3.sqlite_version} can damage a file in WAL mode, so Longtail uses a rollback journal: "
        "slower when many write at once, and as safe."
    )


def display_name(url: URL) -> str:
    """What to call a database in a message: the path of a file, or a URL without passwords, whatever part they stand in."""
    return str(url.database) if _is_sqlite(url) else redact(url.render_as_string(hide_password=True))


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _sqlite_engine(url: URL) -> Engine:
    file = Path(str(url.database)).absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.touch()

    def connect() -> sqlite3.Connection:
        # mode=rw: a file that vanished is an error, not a new, empty database that swallows judgements.
        connection = sqlite3.connect(
            f"file:{quote(str(file))}?mode=rw",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        # EXTRA also syncs the folder once the rollback journal is gone: without it a power cut just after a commit
        # could bring the journal back, and with it the state before the commit.
        connection.execute("PRAGMA synchronous = EXTRA")
        return connection

    engine = create_engine(url, creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later is refused, not queued, when another writer came between.
        options = connection.get_execution_options()
        if options.get("wait_seconds") is not None:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {_milliseconds(options['wait_seconds'])}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")

    _choose_journal(connect)
    return engine


def _choose_journal(connect: Callable[[], sqlite3.Connection]) -> None:
    wanted = "wal" if sqlite3.sqlite_version_info >= WAL_IS_SAFE_SINCE else "delete"
    connection = connect()
    try:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != wanted:
            connection.execute(f"PRAGMA journal_mode = {wanted}")
    finally:
        connection.close()


def _server_engine(url: URL) -> Engine:
    options: dict[str, Any] = {}
    if url.get_backend_name() == "postgresql":
        options = _POSTGRES_CONNECTION | {
            "connect_timeout": BUSY_SECONDS,
            "options": f"-c lock_timeout={BUSY_SECONDS}s -c statement_timeout={STATEMENT_SECONDS}s"
            f" -c idle_in_transaction_session_timeout={STATEMENT_SECONDS}s",
        }
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            pool_size=KEPT_CONNECTIONS,
            max_overflow=MOST_CONNECTIONS - KEPT_CONNECTIONS,
            pool_timeout=BUSY_SECONDS,
            connect_args=options,
        )
    except ModuleNotFoundError as exc:
        raise StoreError(
            f"database_url needs the Python package {exc.name!r}: install it, or use another URL."
        ) from exc

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        seconds = connection.get_execution_options().get("wait_seconds")
        if seconds is not None and connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_milliseconds(seconds)}")

    return engine


def _milliseconds(seconds: float) -> int:
    """At least one: nought would mean for ever."""
    return max(1, round(1000 * seconds))
