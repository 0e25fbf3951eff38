"""The database: opened by its URL, migrated on the way, written to by many threads, errors said in a sentence."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from engine.core.errors import StoreError
from engine.store import dialect
from engine.store.dialect import display_name, lock, make_engine, parse_url, writing
from engine.store.failures import busy, readable_rows, translated
from engine.store.schema_version import is_newest
from engine.store.write_queue import WriteQueue

__all__ = ["Database"]

LEAST_SECONDS = 0.05  # whoever has waited long in this process is still given this long for the database itself
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
            try:
                _bring_up_to_date(self.engine)
            except BaseException:
                self.engine.dispose()
                raise
        self.writes: Counter[str] = Counter()
        self._turn = threading.Lock()  # threads of one process queue here instead of polling the file's lock
        self._seconds = float(dialect.BUSY_SECONDS)
        self._queue = WriteQueue(lambda seconds: self.transaction(seconds=seconds), self._seconds)

    @contextmanager
    def transaction(self, subject: str = "judgements", *, seconds: float | None = None) -> Iterator[Session]:
        """A session whose changes are on the disk, all of them, when the block ends; on an error, none.

        Transactions about one subject take turns, across processes: numbers of rows are given, and read, in the order of
        commits, and no two can wait for each other. Raises `BusyError` where its turn does not come in time.

        Parameters
        ----------
        subject : what it is about, for `writes`.
        seconds : how long to wait for others altogether; 10 unless given.
        """
        waits = self._seconds if seconds is None else seconds
        until = time.monotonic() + waits
        if not self._turn.acquire(timeout=max(waits, LEAST_SECONDS)):
            raise busy(self.engine.url)
        try:
            left = max(until - time.monotonic(), LEAST_SECONDS)
            url = self.engine.url
            with translated(url), readable_rows(url), Session(writing(self.engine, left)) as session, session.begin():
                lock(session, subject)
                yield session
            self.writes[subject] += 1
        finally:
            self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with translated(self.engine.url), readable_rows(self.engine.url), Session(self.engine) as session:
            yield session

    def write(self, operation: Callable[[Session], T]) -> T:
        """Run `operation` in a transaction that it may share with others' and return what it returns.

        For many small writes at once: those that arrive while the disk is busy share the next commit, each as if it
        were alone. Raises what `operation` raises, and then nothing of it is stored.
        """
        return self._queue.run(operation)

    def check(self) -> None:
        """Raises `StoreError` where the database does not answer now, or another version of Longtail changed its tables."""
        with translated(self.engine.url):
            if not is_newest(self.engine):
                raise StoreError(
                    "Another version of Longtail changed the judgements database. Restart Longtail.", self.name
                )

    def close(self) -> None:
        """Give the connections back; the database opens new ones if it is used again."""
        self.engine.dispose()


def _bring_up_to_date(engine: Engine) -> None:
    if not is_newest(engine):
        from engine.store.migrating import upgrade  # brings Alembic, for which no page waits

        upgrade(engine)
