"""An id for every request, and what a person is told when one fails unexpectedly.

The id stands in every line that is logged on the way and in the answer's X-Request-ID. A proxy in front may give its own.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from engine.core.logs import bound, new_error_number
from ui.app.operations.metrics import answered

__all__ = ["RequestMiddleware", "new_request_id"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

HEADER = b"x-request-id"
_WELL_FORMED = re.compile(rb"[A-Za-z0-9_-]{8,64}")

logger = logging.getLogger(__name__)


def new_request_id() -> str:
    """Sixteen hexadecimal digits."""
    return secrets.token_hex(8)


class RequestMiddleware:
    """Gives every request its id, and answers 500 with a number where anything below fails unexpectedly."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = _given(scope) or new_request_id()
        scope.setdefault("state", {})["request_id"] = request_id
        begun, arrived = False, time.perf_counter()

        async def named(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                answered(scope["path"], message["status"], time.perf_counter() - arrived)
                if message["status"] >= 500:
                    logger.warning("answered %d at %s", message["status"], scope["path"])
                message = {**message, "headers": [*message.get("headers", []), (HEADER, request_id.encode())]}
            await send(message)

        with bound(request_id=request_id):
            try:
                await self._app(scope, receive, named)
            except Exception:
                number = new_error_number()
                logger.exception("unexpected in %s", scope["path"], extra={"error": number})
                if scope["type"] == "http" and not begun:
                    await _failed(named, number)


def _given(scope: MutableMapping[str, Any]) -> str | None:
    """The id that a proxy gave, if it is one."""
    value: bytes = dict(scope["headers"]).get(HEADER, b"")
    return value.decode("ascii") if _WELL_FORMED.fullmatch(value) else None


async def _failed(send: Send, number: str) -> None:
    body = f"Something went wrong on our side (error {number}).".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
