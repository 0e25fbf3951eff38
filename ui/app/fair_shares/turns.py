"""Work in turns: so many requests at once, and who has the fewest in work comes next.

The server has a fixed number of threads. Whoever sends a hundred requests at once waits for themselves, not others for them.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ui.app.fair_shares.client import Client
from ui.app.fair_shares.refused import RefusedError

__all__ = ["Turns"]

MOST_WAITING = 50  # of one client; the next is refused
_BUSY = "Too many things of yours wait to be done. Try again in a few seconds."


class Turns:
    """At most `at_once` turns at a time. For one event loop.

    Parameters
    ----------
    at_once : turns at the same time, of all clients.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        # By client and by address: an address of many people has its share, and each of them theirs of it.
        self._working: Counter[Client | str] = Counter()
        self._waiting: OrderedDict[Client, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, client: Client) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends; raises `RefusedError` where too much of this client waits."""
        await self._begin(client)
        try:
            yield
        finally:
            self._end(client)

    async def _begin(self, client: Client) -> None:
        if self._free and not self._waiting:
            self._start(client)
            return
        queue = self._waiting.setdefault(client, deque())
        if len(queue) >= MOST_WAITING:
            raise RefusedError(429, _BUSY, retry_after=5)
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(ready)
        try:
            await ready
        except asyncio.CancelledError:
            if ready.done() and not ready.cancelled():
                self._end(client)  # the turn had just come
            else:
                self._leave(client, ready)
            raise

    def _start(self, client: Client) -> None:
        self._free -= 1
        self._working.update((client, client.address))

    def _end(self, client: Client) -> None:
        self._free += 1
        self._working -= Counter((client, client.address))  # which forgets who has none left
        while self._free and self._waiting:
            self._next()

    def _next(self) -> None:
        """Give a turn to the address, and its client, with the fewest in work; of several to whoever has waited longest since their last."""
        client = min(self._waiting, key=lambda one: (self._working[one.address], self._working[one]))
        ready = self._waiting[client].popleft()
        self._waiting.move_to_end(client)
        if not self._waiting[client]:
            del self._waiting[client]
        if not ready.cancelled():
            self._start(client)
            ready.set_result(None)

    def _leave(self, client: Client, ready: asyncio.Future[None]) -> None:
        queue = self._waiting.get(client)
        if queue is not None and ready in queue:
            queue.remove(ready)
            if not queue:
                del self._waiting[client]
