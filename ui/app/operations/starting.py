"""How the dashboard starts and ends: checked before it listens, and within a bounded time when it is told to stop."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from starlette.concurrency import run_in_threadpool
from streamlit import config
from streamlit.web.server.server_util import get_url

from engine.core.logs import new_error_number
from engine.core.settings import workspace_path
from engine.core.workspace import Workspace
from engine.health.checks import Outcome, check_all, stops_start

__all__ = ["STOP_SECONDS", "StartMiddleware"]

# What is being answered when the server is told to stop has this long; browsers send again what was not confirmed.
STOP_SECONDS = 15

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)


class StartMiddleware:
    """Makes the start-up checks when the server starts, and refuses the start with a sentence where one says so."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = await run_in_threadpool(_refusal)
        if refusal is not None:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": refusal})
            return
        _bound_shutdown()
        await self._app(scope, receive, _announced(send))


def _refusal() -> str | None:
    """Log what the checks found that is not well; returns why the dashboard does not start, if it does not.

    Nothing may be raised from here: a server whose start raises goes on without what is set up at its start, such as who acts.
    """
    try:
        return _refused()
    except Exception:
        number = new_error_number()
        logger.exception("unexpected in the checks", extra={"error": number})
        return f"Longtail does not start: its checks failed unexpectedly (error {number})."


def _refused() -> str | None:
    refusals = []
    for check in check_all(Workspace(workspace_path())):
        if stops_start(check):
            refusals.append(f"{check.name}: {check.sentence}")
        elif check.outcome is not Outcome.OK:
            logger.warning("%s: %s", check.name, check.sentence)
    return f"Longtail does not start. {' '.join(refusals)}" if refusals else None


def _announced(send: Send) -> Send:
    async def announced(message: Message) -> None:
        await send(message)
        if message["type"] == "lifespan.startup.complete":
            address = config.get_option("server.address") or "localhost"
            logger.info("Longtail is open at %s (Ctrl-C stops it)", get_url(address))

    return announced


def _bound_shutdown() -> None:
    """Streamlit starts the server without a limit for its end: set one on the server that handles SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        return
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if isinstance(server, uvicorn.Server):
        server.config.timeout_graceful_shutdown = STOP_SECONDS
