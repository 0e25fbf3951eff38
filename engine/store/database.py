"""Opening the database: SQLite that loses nothing, any other by URL, migrated on the way, errors said in a sentence.

SQLite 3.7.0 to 3.51.2 can corrupt a database in WAL mode when the log is reset (mended in 3.51.3): there a rollback
journal is used. In every mode a commit returns only after the data is on the disk.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from engine.core.errors import StoreError

__all__ = ["migrate", "open_database", "translated", "writing"]

BUSY_SECONDS = 10
WAL_IS_SAFE_SINCE = (3, 51, 3)
MIGRATIONS = Path(__file__).resolve().parent / "migrations"
MIGRATION_LOCK = 0x10_46_7A_11  # any number no other program uses for a PostgreSQL advisory lock


def open_database(url: str) -> Engine:
    """An engine for `url` whose tables are up to date; a SQLite file and its folder are made when missing.

    Raises `StoreError` where the URL is no database URL or the database cannot be reached, read or migrated.
    """
    parsed = _parse(url)
    with translated(parsed):
        engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _server(parsed)
        migrate(engine)
    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version in one transaction; processes that come at once wait for the first."""
    script = ScriptDirectory(str(MIGRATIONS))
    newest = script.get_current_head()
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == newest:
        return
    if found is not None and found not in {revision.revision for revision in script.walk_revisions()}:
        raise StoreError(
            f"The judgements database {_name(engine.url)} was written by a newer version of Longtail ({found}). "
            "Update Longtail; nothing was changed."
        )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that write: SQLite takes its lock at their start, not halfway through."""
    return engine.execution_options(writes=True)


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn whatever the database says into a `StoreError` that says what happened and what to do."""
    try:
        yield
    except SQLAlchemyError as exc:
        cause = str(getattr(exc, "orig", None) or exc)
        raise StoreError(f"{_sentence(_name(url), cause)} ({cause.strip().splitlines()[0]})") from exc
    except (OSError, sqlite3.Error) as exc:
        raise StoreError(f"{_sentence(_name(url), str(exc))} ({exc})") from exc


def _parse(url: str) -> URL:
    try:
        parsed = make_url(re.sub(r"^postgres(?=://)", "postgresql", url))
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError) as exc:
        raise StoreError(
            "database_url is not a database URL. It looks like sqlite:////folder/longtail.db "
            "or postgresql://user:password@host/database."
        ) from exc
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StoreError("database_url names no file. Judgements must outlive the program: use sqlite:////folder/file.")
    return parsed


def _sqlite(url: URL) -> Engine:
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
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    _choose_journal(connect)
    return engine


def _choose_journal(connect: Any) -> None:
    wanted = "wal" if sqlite3.sqlite_version_info >= WAL_IS_SAFE_SINCE else "delete"
    connection = connect()
    try:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != wanted:
            connection.execute(f"PRAGMA journal_mode = {wanted}")
    finally:
        connection.close()


def _server(url: URL) -> Engine:
    options: dict[str, Any] = {}
    if url.get_backend_name() == "postgresql":
        options = {"connect_timeout": BUSY_SECONDS, "options": f"-c lock_timeout={BUSY_SECONDS}s"}
    try:
        return create_engine(url, pool_pre_ping=True, connect_args=options)
    except ModuleNotFoundError as exc:
        raise StoreError(
            f"database_url needs the Python package {exc.name!r}: install it, or use another URL."
        ) from exc


def _name(url: URL) -> str:
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def _sentence(name: str, cause: str) -> str:
    """What to tell a person, by what the database said; order matters, the first that fits is taken."""
    cause = cause.lower()
    if "unable to open" in cause and Path(name).is_file():
        cause = "readonly"  # SQLite says so of the journal that it may not make beside the file
    for signs, sentence in (
        (
            ("locked", "lock timeout", "lock_timeout", "busy"),
            f"The judgements database {name} is busy: something else has held it for {BUSY_SECONDS} seconds. "
            "Nothing was stored; try again.",
        ),
        (
            ("readonly", "read-only", "permission denied"),
            f"The judgements database {name} cannot be written. Nothing was stored; "
            "give Longtail the right to write to the file and its folder.",
        ),
        (
            ("disk is full", "no space left", "disk full"),
            f"The disk that holds the judgements database {name} is full. Nothing was stored; free some space.",
        ),
        (
            ("unable to open", "no such table", "no such file", "does not exist", "not a directory"),
            f"The judgements database {name} is gone or was replaced. Nothing was stored; "
            "put it back, or restart Longtail to begin a new one.",
        ),
        (
            ("malformed", "not a database", "disk i/o error"),
            f"The judgements database {name} is damaged. Nothing was stored; restore it from a backup.",
        ),
        (
            ("connection", "connect", "server closed", "terminating"),
            f"The judgements database {name} cannot be reached. Nothing was stored; "
            "check that it is running and that database_url is right.",
        ),
    ):
        if any(sign in cause for sign in signs):
            return sentence
    return f"The judgements database {name} refused. Nothing was stored."
