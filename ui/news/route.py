"""GET /news -> {"now", "unread", "seen": {deed, run}, "entries": [{text, when, new, href, page, query}]}: what happened, for the bell.

An open tab asks every few seconds; an answer that has not changed is 304. `now` changes with the run at work and the release that is
served. Texts are for scripts that set text. Errors are {error}: 401 not signed in, 503 the database cannot be read.
"""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.access.acting import Actor, acting
from engine.access.marks import Mark, Marks
from engine.access.roles import Action
from engine.core.errors import LongtailError
from engine.core.logs import new_error_number
from engine.core.visible_text import visible
from engine.release.publish import current_release_id
from ui.app.browser import marked_as
from ui.app.guard import logged_detail
from ui.app.person import Visitor
from ui.app.resources import database, workspace
from ui.news.notices import Notice, notices
from ui.news.recent import Happened, recent
from ui.news.state import shown_now
from ui.runs.release_change import change_sentence
from ui.today.results import known_disputes
from ui.widgets.addresses import base_path
from ui.widgets.formatting import day_phrase, plural

__all__ = ["news"]

MOST_SHOWN = 20
_HEADERS = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}

logger = logging.getLogger(__name__)


async def news(request: Request) -> Response:
    """What happened, as JSON."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    if visitor is None or visitor.actor is None:
        return _error(401, "Sign in first.")
    actor = visitor.actor

    def run() -> dict[str, Any]:
        with acting(actor):
            return _told(actor, marked_as(actor.name, request.cookies))

    try:
        body = json.dumps(await run_in_threadpool(run), ensure_ascii=False).encode()
    except LongtailError as exc:
        return _error(503, f"{exc}{logged_detail(exc, request.url.path)}")
    except Exception:
        number = new_error_number()
        logger.exception("unexpected in %s", request.url.path, extra={"error": number})
        return _error(500, f"Something went wrong on our side (error {number}).")
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {**_HEADERS, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _told(actor: Actor, marked: str) -> dict[str, Any]:
    happened = recent().get()
    mark = Marks(database()).of(marked) or Mark(happened.last_id, happened.last_ended)
    live = current_release_id(workspace()) or ""
    told = notices(happened.deeds, happened.runs, actor, live, _changed(live, happened))
    new = [one for one in told if _is_new(one, mark)]
    return {
        "now": shown_now(),
        "unread": len(new),
        "seen": {"deed": happened.last_id, "run": happened.last_ended},
        "entries": [*_waiting(actor), *(_entry(one, is_new=one in new) for one in told[:MOST_SHOWN])],
    }


def _changed(live: str, happened: Happened) -> str | None:
    """What the live release changed, where it went live lately and that is known."""
    if not any(one.action == Action.PUBLISH and one.after == live for one in happened.deeds):
        return None
    try:
        return change_sentence(live)
    except LongtailError:
        return None  # the page says what is wrong with the release


def _is_new(one: Notice, mark: Mark) -> bool:
    return one.deed_id > mark.deed_id or one.run_id > mark.run_id


def _waiting(actor: Actor) -> list[dict[str, Any]]:
    """What waits for somebody to decide it, as long as it does."""
    if not actor.may(Action.SETTLE_DISPUTES):
        return []
    try:
        number = known_disputes()
    except LongtailError:
        return []  # there is no release, or the page says what is wrong with it
    if not number:
        return []
    text = f"People disagree on {plural(number, 'neighbour')}: settle {'it' if number == 1 else 'them'}"
    return [_addressed("campaigns", {}) | {"text": text, "when": "waiting for a lead", "new": False}]


def _entry(one: Notice, *, is_new: bool) -> dict[str, Any]:
    return _addressed(one.page, one.query) | {"text": visible(one.text), "when": day_phrase(one.at), "new": is_new}


def _addressed(page: str, query: Any) -> dict[str, Any]:
    asked = f"?{urlencode(query, doseq=True)}" if query else ""
    return {"href": f"{base_path()}/{page}{asked}", "page": page, "query": dict(query)}


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers={**_HEADERS, "Cache-Control": "no-store"})
