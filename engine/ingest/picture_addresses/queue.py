"""Addresses that wait to be asked, host by host: none is asked too often at a time, and those that want a pause get it."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = ["AddressQueue", "Task"]


@dataclass(order=True)
class Task:
    """An address that may be asked from a moment on (`time.monotonic()`), and the attempts before."""

    ready: float
    number: int
    address: str = field(compare=False)
    attempts: int = field(default=0, compare=False)


@dataclass
class _Host:
    waiting: list[Task] = field(default_factory=list)
    busy: int = 0
    paused_until: float = 0.0
    silent: int = 0


class AddressQueue:
    """Hands out tasks to several threads.

    Parameters
    ----------
    per_host : the most tasks of one host that are out at a time.
    most_silent : after so many failures of a host in a row, and no answer, its other addresses are given up.
    """

    def __init__(self, addresses: Iterable[str], *, per_host: int, most_silent: int) -> None:
        self._per_host, self._most_silent = per_host, most_silent
        self._changed = threading.Condition()
        self._hosts: dict[str, _Host] = {}
        self._turns: deque[str] = deque()
        self._open = 0
        self._stopped = False
        for number, address in enumerate(addresses):
            host = _host_of(address)
            if host not in self._hosts:
                self._hosts[host] = _Host()
                self._turns.append(host)
            self._hosts[host].waiting.append(Task(0.0, number, address))
            self._open += 1

    def take(self) -> Task | None:
        """The next task, once one is ready; None when all are done or the queue was stopped."""
        with self._changed:
            while self._open and not self._stopped:
                now = time.monotonic()
                if task := self._next(now):
                    return task
                self._changed.wait(min(max(self._earliest() - now, 0.01), 1.0))
            return None

    def done(self, task: Task, *, silent: bool = False) -> list[Task]:
        """A task is over. Returns the tasks of its host that are given up, because it does not answer at all."""
        with self._changed:
            self._open -= 1
            host = self._free(task, silent=silent)
            if host.silent < self._most_silent:
                return []
            given_up, host.waiting = host.waiting, []
            self._open -= len(given_up)
            return given_up

    def again(self, task: Task, *, after: float, pause: float = 0.0, silent: bool = False) -> None:
        """A task is to be taken once more, `after` so many seconds; its host is left alone for `pause` seconds."""
        with self._changed:
            host, now = self._free(task, silent=silent), time.monotonic()
            host.paused_until = max(host.paused_until, now + pause)
            heapq.heappush(host.waiting, Task(now + after, task.number, task.address, task.attempts + 1))

    def stop(self) -> None:
        """Hand out no more tasks."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _next(self, now: float) -> Task | None:
        for _ in range(len(self._turns)):
            name = self._turns[0]
            self._turns.rotate(-1)
            host = self._hosts[name]
            if not host.waiting and not host.busy:
                self._turns.remove(name)
            elif host.waiting and host.busy < self._per_host and max(host.paused_until, host.waiting[0].ready) <= now:
                host.busy += 1
                return heapq.heappop(host.waiting)
        return None

    def _earliest(self) -> float:
        """When the next waiting task may be ready, as far as is known now."""
        waiting = (
            max(host.paused_until, host.waiting[0].ready)
            for host in self._hosts.values()
            if host.waiting and host.busy < self._per_host
        )
        return min(waiting, default=float("inf"))

    def _free(self, task: Task, *, silent: bool) -> _Host:
        host = self._hosts[_host_of(task.address)]
        host.busy -= 1
        host.silent = host.silent + 1 if silent else 0
        self._changed.notify_all()
        return host


def _host_of(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").casefold()
    except ValueError:
        return ""
