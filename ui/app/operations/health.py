"""Whether the dashboard lives and is ready, for whatever watches it: GET /health/live and /health/ready.

Both answer before anybody has signed in, so they say which part is not well and nothing about it; the Status page and
the log have the rest.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.core.errors import LongtailError
from engine.core.settings import load_settings
from engine.health.checks import Outcome, disk_check, writable_check
from engine.release.publish import current_release_id
from engine.store import has_database
from ui.app.resources import database, served, settings, workspace

__all__ = ["Readiness", "live"]

PATIENCE = 1.0  # seconds that a part has to answer
KEPT = 2.0  # seconds for which an answer holds
OK, FAILED, SLOW, NONE_YET = "ok", "failed", "no answer within a second", "none yet"

logger = logging.getLogger(__name__)


async def live(_request: Request) -> Response:
    """200 while the process answers at all."""
    return _answer(200, {"status": "live"})


class Readiness:
    """The route that says whether people can be sent here: 200, or 503 with the parts that are not well.

    Every part is asked in a thread of its own, once at a time, however many watch; one that hangs delays nobody.
    """

    def __init__(self, parts: dict[str, Callable[[], str]] | None = None) -> None:
        given = parts or {"settings": _settings, "database": _database, "disk": _disk, "release": _release}
        self._parts = {name: _Part(name, ask) for name, ask in given.items()}

    async def ready(self, _request: Request) -> Response:
        """The answer; see the class."""
        answers = await asyncio.gather(*(part.answer() for part in self._parts.values()))
        ready = all(answer in (OK, NONE_YET) for answer in answers)
        parts = dict(zip(self._parts, answers, strict=True))
        return _answer(200 if ready else 503, {"status": "ready" if ready else "not ready", **parts})


class _Part:
    """A part that is asked at most once at a time, and whose last answer holds for `KEPT` seconds."""

    def __init__(self, name: str, ask: Callable[[], str]) -> None:
        self._name, self._ask = name, ask
        self._task: asyncio.Task[str] | None = None
        self._asked = 0.0

    async def answer(self) -> str:
        now = time.monotonic()
        if self._task is None or (self._task.done() and now - self._asked > KEPT):
            self._task, self._asked = asyncio.create_task(run_in_threadpool(self._tried)), now
        await asyncio.wait({self._task}, timeout=PATIENCE)
        return self._task.result() if self._task.done() else SLOW

    def _tried(self) -> str:
        try:
            return self._ask()
        except LongtailError as exc:
            logger.warning("not ready: %s: %s %s", self._name, exc, getattr(exc, "detail", ""))
        except Exception:
            logger.exception("not ready: %s", self._name)
        return FAILED


def _settings() -> str:
    load_settings(workspace().root)
    return OK


def _database() -> str:
    if not has_database(workspace(), settings()):
        return NONE_YET
    database().check()
    return OK


def _disk() -> str:
    checks = (writable_check(workspace().root), disk_check(workspace().root))
    return FAILED if Outcome.FAILED in [check.outcome for check in checks] else OK


def _release() -> str:
    if current_release_id(workspace()) is None:
        return NONE_YET
    return OK if served().release_id else FAILED


def _answer(status: int, values: dict[str, str]) -> Response:
    return JSONResponse(values, status_code=status, headers={"Cache-Control": "no-store"})
