"""Many requests, one commit: what arrives while the disk is busy is done together in the next transaction.

A commit waits for the disk, some 20 ms on a plain one; two dozen curators at one judgement a second each would fill it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from engine.core.errors import BusyError, StoreError

__all__ = ["WriteQueue"]

MOST = 64  # requests in one transaction
BREATH_SECONDS = 0.02  # between two tries, where the database refused at once
# What the database says of itself, not of a request.
_TROUBLE = (OperationalError, InterfaceError, InternalError, OSError)
T = TypeVar("T")


@dataclass(frozen=True)
class _Request:
    operation: Callable[[Session], Any]
    outcome: Future[Any]
    until: float  # when it gives up waiting, by the monotonic clock


class WriteQueue:
    """Runs what many threads bring, each as if it were alone in its transaction.

    Parameters
    ----------
    transaction : opens one that waits so many seconds for others; raises `StoreError` where the database does not take
        it, `BusyError` where others held it for all that time.
    seconds : how long a request waits altogether, in this process and for others.
    """

    def __init__(self, transaction: Callable[[float], AbstractContextManager[Session]], seconds: float) -> None:
        self._transaction, self._seconds = transaction, seconds
        self._disk = threading.Lock()
        self._waiting: list[_Request] = []
        self._list = threading.Lock()

    def run(self, operation: Callable[[Session], T]) -> T:
        """What `operation` returns, once its changes are on the disk; or raise what it raises, and nothing of it is stored.

        Raises `StoreError` where the database does not take them.
        """
        # Whoever holds the disk runs it, but for the one who brought it: who acts is part of the context.
        request = _Request(partial(_within, copy_context(), operation), Future(), time.monotonic() + self._seconds)
        with self._list:
            self._waiting.append(request)
        with self._disk:
            # Whoever had the disk before may have taken this along.
            while not request.outcome.done():
                self._commit(self._take())
        result: T = request.outcome.result()
        return result

    def _take(self) -> list[_Request]:
        with self._list:
            taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            return taken

    def _commit(self, group: list[_Request]) -> None:
        results: list[tuple[_Request, Any, BaseException | None]] = []
        try:
            with self._transaction(min(request.until for request in group) - time.monotonic()) as session:
                for request in group:
                    try:
                        with session.begin_nested():
                            results.append((request, request.operation(session), None))
                    except (SQLAlchemyError, OSError):
                        raise  # the database itself refuses: nobody's request can be stored in this transaction
                    except Exception as exc:
                        results.append((request, None, exc))
        except BusyError as exc:
            self._wait_on(group, exc)
        except StoreError as exc:
            self._apart(group, exc)
        except Exception as exc:
            self._alone(group, exc)
        except BaseException as exc:
            for request in group:
                request.outcome.set_exception(exc)
        else:
            for request, result, error in results:
                if error is None:
                    request.outcome.set_result(result)
                else:
                    request.outcome.set_exception(error)

    def _wait_on(self, group: list[_Request], error: BusyError) -> None:
        """The group waited as long as the first of them may; the others go on waiting, before those that came later."""
        now = time.monotonic()
        patient = [request for request in group if request.until > now]
        for request in group:
            if request.until <= now:
                request.outcome.set_exception(error)
        if patient:
            time.sleep(BREATH_SECONDS)
        with self._list:
            self._waiting = patient + self._waiting

    def _apart(self, group: list[_Request], error: StoreError) -> None:
        """What failed as a whole: unless the database itself is in trouble each is tried by itself, because another process may
        have stored one of the ids meanwhile, and one request may hold what cannot be stored."""
        if len(group) > 1 and not isinstance(error.__cause__, _TROUBLE):
            self._alone(group, error)
            return
        for request in group:
            request.outcome.set_exception(error)

    def _alone(self, group: list[_Request], error: Exception) -> None:
        """Each request of a group that failed in a transaction of its own; the error for a single one."""
        if len(group) == 1:
            group[0].outcome.set_exception(error)
            return
        for request in group:
            self._commit([request])


def _within(context: Context, operation: Callable[[Session], T], session: Session) -> T:
    return context.run(operation, session)
