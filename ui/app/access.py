"""Who may ask this server for anything at all: only browsers that know it by an allowed name, and pages of its own.

A foreign page can point a name of its own at this machine (DNS rebinding) or draw our pages in a frame; both are refused
here, before Streamlit or a route of ours sees the request. Every answer says what browsers may do with it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from engine.core.errors import SettingsError
from engine.core.settings import load_settings, workspace_path
from ui.widgets.addresses import base_path

__all__ = [
    "HEADERS",
    "OPEN_PATHS",
    "AccessMiddleware",
    "App",
    "Receive",
    "Send",
    "host_is_loopback",
    "is_allowed",
    "is_open",
    "refuse",
]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LOOPBACK_NAMES = ("localhost", "ip6-localhost")
# Streamlit's own pages write styles into the document, load components from blobs, draw charts with compiled expressions, and read the
# camera's picture from a data address.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-src 'self' blob: data:",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
}
# Streamlit's figures about the process are nobody's business.
_CLOSED = ("/_stcore/metrics",)
# What watches a server knows no browser's name for it and signs in nowhere: these say nothing that matters, or ask for a token.
OPEN_PATHS = ("/health/live", "/health/ready", "/metrics")
_REFUSED = "Longtail does not answer under this name. Open it as http://localhost, or add the name to access.hosts in settings.toml."


class AccessMiddleware:
    """Refuses requests under names that are not allowed and from pages of others, and puts `HEADERS` on every answer.

    Parameters
    ----------
    hosts : allowed names beside those of the loopback interface; those of the settings unless given.
    """

    def __init__(self, app: App, hosts: tuple[str, ...] | None = None) -> None:
        self._app = app
        self._hosts = _configured() if hosts is None else hosts

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        sender = send if scope["type"] == "websocket" else _with_headers(send)
        if scope["path"].rstrip("/").endswith(_CLOSED):
            await refuse(scope, receive, sender, 404, "There is nothing here.")
        elif not is_open(scope["path"]) and not is_allowed(dict(scope["headers"]), self._hosts):
            await refuse(scope, receive, sender, 421, _REFUSED)
        else:
            await self._app(scope, receive, sender)


def is_open(path: str) -> bool:
    """Whether this address answers before anybody has signed in."""
    return path in {f"{base_path()}{one}" for one in OPEN_PATHS}


def is_allowed(headers: dict[bytes, bytes], hosts: tuple[str, ...]) -> bool:
    """Whether the request is for an allowed name and, where it says which page it comes from, from one of ours.

    A name that begins with "*." stands for every name below it. A page is ours if it has the very address that was asked, or
    an allowed name: a proxy in front may speak another scheme or port. Loopback names are everybody's on this machine, so there
    the address must be the same.
    """
    asked = headers.get(b"host", b"").decode("latin-1").lower()
    if not (_is_loopback(_name(f"//{asked}")) or _matches(_name(f"//{asked}"), hosts)):
        return False
    origin = headers.get(b"origin", b"").decode("latin-1").lower()
    return not origin or urlsplit(origin).netloc == asked or _matches(_name(origin), hosts)


def _configured() -> tuple[str, ...]:
    """The names in the settings; none while those cannot be read, which every page then says."""
    try:
        return load_settings(workspace_path()).access.hosts
    except SettingsError:
        return ()


def _matches(name: str, hosts: tuple[str, ...]) -> bool:
    return any(name == host or (host.startswith("*.") and name.endswith(host[1:])) for host in map(str.lower, hosts))


def _is_loopback(name: str) -> bool:
    try:
        return name in LOOPBACK_NAMES or ip_address(name).is_loopback
    except ValueError:
        return False


def _name(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower().rstrip(".")
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", [])}
            more = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in present]
            message = {**message, "headers": [*message.get("headers", []), *more]}
        await send(message)

    return with_headers


def host_is_loopback(headers: dict[bytes, bytes]) -> bool:
    """Whether a request is for one of this machine's own names."""
    return _is_loopback(_name(f"//{headers.get(b'host', b'').decode('latin-1')}"))


async def refuse(scope: MutableMapping[str, Any], receive: Receive, send: Send, status: int, sentence: str) -> None:
    """Answer with a sentence, as JSON where something was posted; a WebSocket is not opened."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    posted = scope.get("method") == "POST"
    body = (json.dumps({"error": sentence}) if posted else sentence).encode()
    kind = b"application/json" if posted else b"text/plain; charset=utf-8"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
