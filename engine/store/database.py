"""The database: opened by its URL, migrated on the way, written to by many threads, errors said in a sentence."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from engine.core.errors import StoreError
from engine.store.dialect import display_name, lock, make_engine, parse_url, writing
from engine.store.failures import translated
from engine.store.write_queue import WriteQueue

__all__ = ["Database"]

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
T = TypeVar("T")


class Database:
    """The database at `url`, which is made and brought up to date when it is opened.

    Safe to share between threads, and to open from several processes. Opening and every method raise `StoreError` with
    a sentence fit for a person where the URL is no database URL, or the database is busy, full, read-only, damaged or
    gone.

    Attributes
    ----------
    engine : SQLAlchemy's, for what the methods do not cover.
    name : what to call the database in a message; holds no password.
    writes : subject -> how many transactions about it this object has committed.
    """

    def __init__(self, url: str) -> None:
        parsed = parse_url(url)
        self.name = display_name(parsed)
        with translated(parsed):
            self.engine = make_engine(parsed)
            _migrate(self.engine)
        self.writes: Counter[str] = Counter()
        self._turn = threading.Lock()  # threads of one process queue here instead of polling the file's lock
        self._queue = WriteQueue(self.transaction)

    @contextmanager
    def transaction(self, subject: str = "judgements") -> Iterator[Session]:
        """A session whose changes are on the disk, all of them, when the block ends; on an error, none.

        Parameters
        ----------
        subject : what it is about, for `writes`.
        """
        with self._turn:
            with translated(self.engine.url), Session(writing(self.engine)) as session, session.begin():
                yield session
            self.writes[subject] += 1

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with translated(self.engine.url), Session(self.engine) as session:
            yield session

    def write(self, operation: Callable[[Session], T]) -> T:
        """Run `operation` in a transaction that it may share with others' and return what it returns.

        For many small writes at once: those that arrive while the disk is busy share the next commit, each as if it
        were alone. Raises what `operation` raises, and then nothing of it is stored.
        """
        return self._queue.run(operation)

    def close(self) -> None:
        """Give the connections back; the database opens new ones if it is used again."""
        self.engine.dispose()


def _migrate(engine: Engine) -> None:
    """Bring the tables to the newest version in one transaction; processes that come at once wait for the first."""
    script = ScriptDirectory(str(MIGRATIONS))
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == script.get_current_head():
        return
    if found is not None and found not in {revision.revision for revision in script.walk_revisions()}:
        raise StoreError(
            f"The judgements database was written by a newer version of Longtail ({found}). Update Longtail; nothing was changed.",
            display_name(engine.url),
        )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with Session(writing(engine)) as session, session.begin():
        lock(session, "migrations")
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "head")
