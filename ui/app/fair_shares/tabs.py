"""Tabs that are open: so many by one person, so many by all; when all are taken, whoever has the most gives one up."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from engine.core.settings_limits import LimitSettings
from ui.app.access import Message, Receive, Send
from ui.app.fair_shares.client import Client
from ui.app.fair_shares.refused import RefusedError

__all__ = ["TRY_LATER", "Tab", "Tabs"]

TRY_LATER = 1013  # of a websocket that is closed
_TOO_MANY = "Too many tabs are open here. Close some of them, then reload the page."


class Tab:
    """One websocket."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.given_up = asyncio.Event()

    async def receive(self, receive: Receive, send: Send) -> Message:
        """The browser's next message; that it has gone once the tab was given up."""
        message = asyncio.ensure_future(receive())
        given_up = asyncio.ensure_future(self.given_up.wait())
        try:
            await asyncio.wait({message, given_up}, return_when=asyncio.FIRST_COMPLETED)
            if message.done():
                return message.result()
            await send({"type": "websocket.close", "code": TRY_LATER})
            return {"type": "websocket.disconnect", "code": TRY_LATER}
        finally:
            message.cancel()
            given_up.cancel()


class Tabs:
    """The tabs of one server. For one event loop."""

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits
        self._open: defaultdict[str, list[Tab]] = defaultdict(list)  # by address, the oldest first

    def open(self, client: Client) -> Tab:
        """Another tab of this client; raises `RefusedError` where it has too many, or all are taken and nobody has more."""
        limits, own = self._limits, self._open.get(client.address, [])
        mine = sum(tab.client == client for tab in own)
        if mine >= limits.tabs or len(own) >= limits.tabs * limits.people_per_address:
            raise RefusedError(429, _TOO_MANY)
        if sum(map(len, self._open.values())) >= limits.all_tabs:
            most = max(self._open.values(), key=len)
            if len(most) <= len(own) + 1:
                raise RefusedError(429, _TOO_MANY)
            given_up = most[-1]
            given_up.given_up.set()
            self.close(given_up)
        tab = Tab(client)
        self._open[client.address].append(tab)
        return tab

    def close(self, tab: Tab) -> None:
        """The tab is gone; again where it had been given up."""
        own = self._open.get(tab.client.address, [])
        if tab in own:
            own.remove(tab)
            if not own:
                del self._open[tab.client.address]
