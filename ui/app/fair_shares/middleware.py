"""Fair shares of requests, bodies and websockets: an ASGI middleware around Streamlit's server and our routes.

Who is over their rate waits a moment; who keeps on is refused, slowly, so that a program that asks again and again asks seldom.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager, suppress
from enum import Enum
from typing import Any

from streamlit.runtime import Runtime

from engine.core.errors import SettingsError
from engine.core.settings import AuthSettings, Settings, load_settings, workspace_path
from engine.core.settings_limits import LimitSettings
from ui.app.access import App, Message, Receive, Send
from ui.app.fair_shares import connections, tab_folders
from ui.app.fair_shares.bodies import MIB, drain, read_body, replayed
from ui.app.fair_shares.client import CLIENT, Client, client_of
from ui.app.fair_shares.refused import RefusedError, answer
from ui.app.fair_shares.tabs import TRY_LATER, Tabs
from ui.app.fair_shares.token_buckets import TokenBuckets
from ui.app.fair_shares.turns import Turns
from ui.app.fair_shares.uploads import Uploads, address_of
from ui.app.sign_in_settings import Method, sign_in_method

__all__ = ["FairSharesMiddleware", "proxies_of"]

BURST_SECONDS = 15  # a bucket holds what its rate brings in so long
PATIENCE_SECONDS = 1.0  # who is over their rate by no more than this only waits
SLOW_SECONDS = 2.0  # a refusal of who is over their rate takes so long
MOST_SLOWLY_REFUSED = 20  # of one address at a time; further ones are cut off at once
REFUSED_COSTS = 5  # a request that was refused counts as so many: guessing and breaking are dearer than working
TAB_COSTS = 5  # opening a tab runs a page
_TOO_OFTEN = "That was too often in a short time. Wait a few seconds, then try again."


class Kind(Enum):
    """What a request is for, which decides how often it may come."""

    VIEW = "pictures and files of pages"
    ACTION = "something sent"
    UPLOAD = "a file sent"
    MESSAGE = "a message of a tab"


class FairSharesMiddleware:
    """Refuses what is more than a fair share, with a sentence: 429 too often, 413 too large, 408 too slow.

    Parameters
    ----------
    limits : those of the settings unless given.
    auth : says which reverse proxies are ours; those of the settings unless given.
    """

    def __init__(self, app: App, limits: LimitSettings | None = None, auth: AuthSettings | None = None) -> None:
        self._app = app
        self._limits = limits = limits or _configured().limits
        self._auth = auth or _configured().auth
        rates = {
            Kind.VIEW: limits.views_per_second, Kind.ACTION: limits.actions_per_second,
            Kind.UPLOAD: limits.views_per_second, Kind.MESSAGE: limits.messages_per_second,
        }  # fmt: skip
        # A browser sends all the pictures that somebody chose at once.
        bursts = {kind: BURST_SECONDS * rate for kind, rate in rates.items()} | {Kind.UPLOAD: limits.upload_files}
        several = limits.people_per_address
        self._people = {kind: TokenBuckets(rate, bursts[kind]) for kind, rate in rates.items()}
        self._addresses = {kind: TokenBuckets(several * rate, several * bursts[kind]) for kind, rate in rates.items()}
        self._turns = Turns(limits.at_once)
        self._slowly_refused: Counter[str] = Counter()
        self._tabs = Tabs(limits)
        self._uploads: Uploads | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            async with self._bounds():
                await self._app(scope, receive, send)

    @asynccontextmanager
    async def _bounds(self) -> AsyncIterator[None]:
        """While the server runs: bounds on connections and uploads."""
        connections.guard(asyncio.get_running_loop(), self._limits, proxies_of(self._auth))
        self._uploads = Uploads(Runtime.instance(), self._limits) if Runtime.exists() else None
        dropping = asyncio.create_task(self._uploads.drop_closed()) if self._uploads else None
        try:
            yield
        finally:
            if dropping:
                dropping.cancel()
            tab_folders.remove_all()

    async def _request(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        client, kind = client_of(scope, self._auth), _kind(scope)
        scope = {**scope, "state": {**scope.get("state", {}), CLIENT: client}}
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                if kind is not Kind.VIEW and 400 <= message["status"] < 500:
                    self._take(client, kind, REFUSED_COSTS)
            await send(message)

        try:
            await self._in_time(client, kind)
            if kind is Kind.VIEW:
                await self._app(scope, receive, noted)
            elif kind is Kind.UPLOAD and self._uploads:
                await self._uploads.take(self._app, scope, receive, noted)
            else:
                most = int(self._limits.body_mb * MIB)
                body = await read_body(scope, receive, most, self._limits.body_seconds)
                async with self._turns.turn(client):
                    await self._app(scope, replayed(body, receive), noted)
        except RefusedError as refused:
            if not begun:
                if refused.status == 413:
                    await drain(receive)
                await answer(noted, refused)

    async def _in_time(self, client: Client, kind: Kind, tokens: float = 1.0) -> None:
        """Take tokens once there are any, or raise `RefusedError` where that is long; the refusal takes its time."""
        wait = self._wait(client, kind, tokens)
        if wait <= PATIENCE_SECONDS:
            self._take(client, kind, tokens)
            if wait:
                await asyncio.sleep(wait)
            return
        if self._slowly_refused[client.address] < MOST_SLOWLY_REFUSED:
            self._slowly_refused[client.address] += 1
            try:
                await asyncio.sleep(SLOW_SECONDS)
            finally:
                self._slowly_refused -= Counter((client.address,))
        raise RefusedError(429, _TOO_OFTEN, retry_after=wait)

    def _wait(self, client: Client, kind: Kind, tokens: float) -> float:
        address = self._addresses[kind].wait(client.address, tokens)
        return max(address, self._people[kind].wait(client, tokens))

    def _take(self, client: Client, kind: Kind, tokens: float) -> None:
        self._addresses[kind].take(client.address, tokens)
        self._people[kind].take(client, tokens)

    async def _websocket(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        client = client_of(scope, self._auth)
        try:
            await self._in_time(client, Kind.ACTION, TAB_COSTS)
            tab = self._tabs.open(client)
        except RefusedError:
            await receive()
            with suppress(OSError):  # the browser had left while it waited
                await send({"type": "websocket.close", "code": TRY_LATER})
            return

        async def paced() -> Message:
            message = await tab.receive(receive, send)
            if message["type"] == "websocket.receive":
                wait = self._wait(client, Kind.MESSAGE, 1.0)
                self._take(client, Kind.MESSAGE, 1.0)
                await asyncio.sleep(wait)
            return message

        try:
            await self._app(scope, paced, send)
        finally:
            self._tabs.close(tab)


def proxies_of(auth: AuthSettings) -> tuple[str, ...]:
    """Addresses and networks whose connections may be many people's: `auth.proxies`, and this machine where others than it are let in."""
    try:
        alone = sign_in_method(auth) is Method.OPEN and not auth.open
    except SettingsError:
        alone = True
    return auth.proxies if alone else (*auth.proxies, "127.0.0.0/8", "::1")


def _configured() -> Settings:
    """The settings; their defaults while they cannot be read, which every page then says."""
    try:
        return load_settings(workspace_path())
    except SettingsError:
        return Settings()


def _kind(scope: MutableMapping[str, Any]) -> Kind:
    if address_of(scope) is not None:
        return Kind.UPLOAD
    return Kind.VIEW if scope["method"] in {"GET", "HEAD", "OPTIONS"} else Kind.ACTION
