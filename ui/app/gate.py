"""The gate before everything: nobody gets more than the sign-in screen before it is known who they are.

Where people sign in, HTTP requests are answered for whoever may look around; without sign-in only what draws the screen that asks
for it is there. Where nobody signs in, only this machine is answered. Headers that name somebody are taken off every request: what
Streamlit and our routes see of them was decided here.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

from starlette.concurrency import run_in_threadpool

from engine.core.errors import LongtailError, SettingsError
from engine.core.logs import bound
from engine.core.settings import AuthSettings
from ui.app.access import App, Receive, Send, host_is_loopback, is_open, refuse
from ui.app.guard import logged_detail
from ui.app.identity import SEALED_HEADER, UNKNOWN, identify, seal
from ui.app.navigation import NAVIGATION
from ui.app.person import visitor_of
from ui.app.proxies import SECRET_HEADER, is_loopback
from ui.app.resources import settings
from ui.app.sign_in_settings import Method, sign_in_method
from ui.widgets.addresses import base_path

__all__ = ["GateMiddleware", "is_public"]

logger = logging.getLogger(__name__)

# What the browser loads to draw any screen at all, and who looks after the server asks.
_ASKED_FIRST = ("_stcore/health", "_stcore/host-config")
_PUBLIC = {"", *_ASKED_FIRST, "favicon.png", "manifest.json", "robots.txt"}
_PUBLIC_FOLDERS = ("static/",)
_SIGNING_IN = {"auth/login", "auth/logout", "oauth2callback"}
_ELSEWHERE = (
    "Nobody signs in here, so Longtail answers this machine alone. Set up sign-in (docs/sign-in.md), or write auth.open = true in "
    "settings.toml if everybody who can reach it may use it."
)
_SIGN_IN = "Sign in first: open the dashboard in this browser."
_NO_ROLE = "You signed in, but have no role here yet: ask an admin."


class GateMiddleware:
    """Lets through whoever may look around, and what is public.

    `scope["state"]` then has the `visitor`, the `actor`, and as `person` the name of somebody who signed in.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        path = _path(scope)
        if scope["type"] == "http" and is_open(scope["path"]):
            await self._app(_without(scope, None), receive, send)
            return
        try:
            auth = settings().auth
            method = sign_in_method(auth)
        except SettingsError as exc:
            # Nobody can be told; the dashboard itself says what is wrong with the settings.
            if scope["type"] == "websocket":
                await self._app(_without(scope, None) if _is_at_home(scope) else _unknown(scope, None), receive, send)
            elif is_public(path):
                await self._app(_without(scope, None), receive, send)
            else:
                await refuse(scope, receive, send, 503, str(exc))
            return
        if method is Method.OPEN and not (auth.open or _is_at_home(scope)):
            await refuse(scope, receive, send, 403, _ELSEWHERE)
        elif path in _SIGNING_IN and method is not Method.OIDC:
            await refuse(scope, receive, send, 404, "There is nothing here.")
        elif scope["type"] == "websocket":
            passed = _without(scope, auth) if method is Method.OPEN else _introduced(scope, auth)
            await self._app(passed, receive, send)
        elif is_public(path):
            await self._app(_without(scope, auth), receive, send)
        else:
            await self._answer(scope, auth, receive, send)

    async def _answer(self, scope: MutableMapping[str, Any], auth: AuthSettings, receive: Receive, send: Send) -> None:
        try:
            visitor = await run_in_threadpool(visitor_of, scope)
        except LongtailError as exc:
            await refuse(scope, receive, send, 503, f"{exc}{logged_detail(exc, scope['path'])}")
            return
        if visitor.actor is None:
            known = visitor.identity is not None and not visitor.ended
            await refuse(scope, receive, send, 403 if known else 401, _NO_ROLE if known else _SIGN_IN)
            return
        passed = _without(scope, auth)
        name = visitor.identity.name if visitor.identity else ""
        passed["state"] = {**scope.get("state", {}), "visitor": visitor, "actor": visitor.actor, "person": name}
        with bound(actor=visitor.actor.name):
            await self._app(passed, receive, send)


def is_public(path: str) -> bool:
    """Whether a path (below the dashboard's own, without slashes around it) is answered before anybody signed in."""
    pages = {entry.module for entries in NAVIGATION.values() for entry in entries}
    # At the address of a page the browser first tries whether the dashboard begins there.
    tried = {f"{page}/{asked}" for page in pages for asked in _ASKED_FIRST}
    return path in _PUBLIC | _SIGNING_IN | pages | tried or path.startswith(_PUBLIC_FOLDERS)


def _path(scope: MutableMapping[str, Any]) -> str:
    return str(scope["path"]).removeprefix(base_path()).strip("/")


def _is_at_home(scope: MutableMapping[str, Any]) -> bool:
    client = scope.get("client")
    return client is not None and is_loopback(client[0]) and host_is_loopback(dict(scope["headers"]))


def _introduced(scope: MutableMapping[str, Any], auth: AuthSettings) -> MutableMapping[str, Any]:
    """The opening of a WebSocket with a sealed word about who opens it."""
    identity = identify(scope, auth)
    if identity is None:
        return _unknown(scope, auth)
    passed = _without(scope, auth)
    passed["headers"].append((SEALED_HEADER.encode(), seal(identity).encode()))
    passed["state"] = {**scope.get("state", {}), "person": identity.name}
    return passed


def _unknown(scope: MutableMapping[str, Any], auth: AuthSettings | None) -> MutableMapping[str, Any]:
    """The opening of a WebSocket by nobody whom we know, with a word that says so, whatever the settings say later."""
    passed = _without(scope, auth)
    passed["headers"].append((SEALED_HEADER.encode(), UNKNOWN.encode()))
    return passed


def _without(scope: MutableMapping[str, Any], auth: AuthSettings | None) -> MutableMapping[str, Any]:
    """The request without any header that names somebody."""
    named = {SEALED_HEADER, SECRET_HEADER}
    if auth is not None:
        named |= {name.lower() for name in (auth.header, auth.groups_header) if name}
    gone = {name.encode("latin-1") for name in named}
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name.lower() not in gone]}
