"""The database of drafts, changes and judgements as a long-lived process reads it: seldom, and able to do without it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from engine.core.errors import StoreError
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.store import Database, database_url, has_database

__all__ = ["RETRY_SECONDS", "STAMP_SECONDS", "EditsDatabase", "Latest"]

T = TypeVar("T")
RETRY_SECONDS = 10.0  # a connection may take seconds to fail, and a page reads dozens of times
STAMP_SECONDS = 0.5

logger = logging.getLogger(__name__)


class EditsDatabase:
    """The database, opened once somebody has drafted, changed or judged something.

    Parameters
    ----------
    open_database : gives the database to read; by default one of its own.
    tolerant : while the database cannot be read, `read` returns its `otherwise`, and asks again after
        `RETRY_SECONDS`. Without it `StoreError` is raised.
    """

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings,
        open_database: Callable[[], Database] | None = None,
        *,
        tolerant: bool = False,
    ) -> None:
        self._workspace, self._settings, self._tolerant = workspace, settings, tolerant
        self._open = open_database or (lambda: Database(database_url(workspace, settings)))
        self._opened: Database | None = None
        self._failed_at = -RETRY_SECONDS

    def read(self, question: Callable[[Database], T], otherwise: T) -> T:
        """What the database answers; `otherwise` where nobody has drafted, changed or judged anything yet."""
        if not has_database(self._workspace, self._settings):
            return otherwise
        if self._tolerant and time.monotonic() - self._failed_at < RETRY_SECONDS:
            return otherwise
        try:
            return question(self._database())
        except StoreError:
            if not self._tolerant:
                raise
            self._failed_at = time.monotonic()
            logger.warning("drafts, changes and rulings cannot be read; the shop is shown as trained", exc_info=True)
            return otherwise

    def _database(self) -> Database:
        """Opened once; raises `StoreError`."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened


class Latest(Generic[T]):
    """A value that follows from the database, computed again when its stamp changes.

    The stamp is asked for every `STAMP_SECONDS` at most, and at once after this process has written.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: tuple[float, int, Hashable] | None = None
        self._known: tuple[Hashable, T] | None = None

    def get(
        self, stamp: Callable[[], Hashable], work: Callable[[], T], *, writes: int, depends_on: Hashable = None
    ) -> T:
        """The value, from `work` where the stamp or `depends_on` has changed since.

        Parameters
        ----------
        writes : how often this process has written what `stamp` is about.
        """
        with self._lock:
            now = time.monotonic()
            if self._asked is None or writes != self._asked[1] or now - self._asked[0] > STAMP_SECONDS:
                self._asked = now, writes, stamp()
            key = self._asked[2], depends_on
            if self._known is None or self._known[0] != key:
                self._known = key, work()
            return self._known[1]
