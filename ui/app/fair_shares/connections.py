"""Connections: so many from one address and in all, and none that keeps silent for ever.

uvicorn waits without end for the head of a request, for a body that nobody reads, and for a client that takes no answer. Streamlit
starts uvicorn itself and has no option for its protocol; so when the server is about to listen, the protocol's class is replaced in
uvicorn's configuration by one with deadlines.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.core.settings_limits import LimitSettings
from ui.app.fair_shares.bodies import MIB
from ui.app.fair_shares.client import address_group
from ui.app.proxies import is_among

__all__ = ["OpenConnections", "guard", "protocol_class"]


class OpenConnections:
    """The connections of one server by address. For one event loop.

    Parameters
    ----------
    proxies : addresses or networks that stand for many people, to whom the bound on one address does not apply.
    """

    def __init__(self, limits: LimitSettings, proxies: Collection[str] = ()) -> None:
        self._limits, self._proxies = limits, proxies
        self._open: defaultdict[str, list[asyncio.Transport]] = defaultdict(list)  # the oldest first

    def admit(self, address: str, transport: asyncio.Transport) -> bool:
        """Whether another connection may be open; where all are taken, the address with the most loses its oldest."""
        if not is_among(address, self._proxies):
            address = address_group(address)
        own = self._alive(address)
        if len(own) >= self._limits.connections and not is_among(address, self._proxies):
            return False
        if sum(map(len, self._open.values())) >= self._limits.all_connections and not self._make_room(len(own)):
            return False
        self._open[address].append(transport)
        return True

    def __len__(self) -> int:
        return sum(len(self._alive(address)) for address in list(self._open))

    def _make_room(self, own: int) -> bool:
        if len(self) < self._limits.all_connections:
            return True
        most = max(
            (address for address in self._open if not is_among(address, self._proxies)), key=self._count, default=None
        )
        if most is None or self._count(most) <= own + 1:
            return False
        self._open[most].pop(0).abort()
        return True

    def _count(self, address: str) -> int:
        return len(self._open[address])

    def _alive(self, address: str) -> list[asyncio.Transport]:
        """The open connections of an address; a websocket has left the protocol that knew of its end."""
        alive = [one for one in self._open.get(address, []) if not one.is_closing()]
        if alive:
            self._open[address] = alive
        else:
            self._open.pop(address, None)
        return alive


class _BoundedProtocol(H11Protocol):
    """uvicorn's protocol, with deadlines."""

    limits: LimitSettings
    open_connections: OpenConnections
    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = str(self.client[0]) if self.client else ""
        if self.open_connections.admit(peer, transport):
            self._watch()
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(self.limits.stalled_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def _watch(self) -> None:
        """Start the clock where the client has to say something that nobody else waits for; stop it once it has."""
        upgraded = self.transport.get_protocol() is not self
        if upgraded or not self._client_owes():
            self._cancel()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.limits.head_seconds, self.transport.abort)

    def _client_owes(self) -> bool:
        """A head, or the rest of a body whose answer has been given."""
        theirs = self.conn.their_state
        return theirs is h11.IDLE or (theirs is h11.SEND_BODY and self.conn.our_state is h11.DONE)

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self._stalled is not None:
            self._stalled.cancel()


def protocol_class(limits: LimitSettings, proxies: Collection[str] = ()) -> type[H11Protocol]:
    """A protocol for `uvicorn.Config(http=)` whose connections are bounded together."""
    bounds = {"limits": limits, "open_connections": OpenConnections(limits, proxies)}
    return type("BoundedProtocol", (_BoundedProtocol,), bounds)


def guard(loop: asyncio.AbstractEventLoop, limits: LimitSettings, proxies: Collection[str] = ()) -> None:
    """Bound the connections of the uvicorn server that this loop will start next.

    To be called while uvicorn starts up, which makes its listening server right after. A server of another kind is left alone.
    """
    create_server = loop.create_server

    async def create_guarded(factory: Callable[[], Any], *arguments: Any, **options: Any) -> Any:
        del loop.create_server  # only once
        config = getattr(factory(), "config", None)
        if config is not None and issubclass(config.http_protocol_class, H11Protocol):
            config.http_protocol_class = protocol_class(limits, proxies)
            config.ws_max_size = int(limits.message_mb * MIB)
        return await create_server(factory, *arguments, **options)

    loop.create_server = create_guarded  # type: ignore[method-assign, assignment]
