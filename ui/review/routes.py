"""The routes that the Review page posts to: more cards, and decisions to store.

POST /review/cards      {token, want, have, pair} -> {cards, progress, message}
POST /review/decisions  {token, decisions}        -> {stored, refused, progress}
Errors are {error}: 400 not understood, 401 not signed in, 403 the token is not good or they may not judge, 413 too much, 503 the
store refused; on anything but 200 nothing was stored that the browser may forget. Both act as the person whom the gate let in.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.access.acting import acting
from engine.core.errors import InputError, LongtailError, NotAllowedError
from engine.core.logs import new_error_number
from engine.core.settings import workspace_path
from engine.core.workspace import Workspace
from engine.curation.decisions import Decision
from ui.app.fair_shares.client import client_of
from ui.app.guard import logged_detail
from ui.app.person import Visitor
from ui.review.service import Cards, Stored, next_cards, store_decisions
from ui.review.tokens import ReviewToken, TokenError, read_token

__all__ = ["MAX_BYTES", "cards", "decisions"]

THIS_MACHINE = ("127.0.0.1", "::1")  # where its own browsers come from
MAX_BYTES = 512 * 1024
MOST_CARDS = 10
MOST_DECISIONS = 50
MOST_LEVELS = 8  # the values of a verdict lie at the sixth
MOST_NAMED = 200  # cards that a browser says it has

logger = logging.getLogger(__name__)


async def cards(request: Request) -> Response:
    """Cards for the curator, leased to them."""

    def act(holder: ReviewToken, body: Mapping[str, Any]) -> Cards:
        want, have = body.get("want"), body.get("have")
        if not isinstance(want, int) or not isinstance(have, list):
            raise InputError("a request for cards says how many, and which are there", field="want")
        return next_cards(
            holder, min(max(want, 0), MOST_CARDS), [str(card) for card in have[:MOST_NAMED]],
            pair=body.get("pair") is True, address=_address(request),
        )  # fmt: skip

    return await _answer(request, act)


async def decisions(request: Request) -> Response:
    """Store decisions in their order; the answer comes once they are on the disk."""

    def act(holder: ReviewToken, body: Mapping[str, Any]) -> Stored:
        sent = body.get("decisions")
        if not isinstance(sent, list) or len(sent) > MOST_DECISIONS or not all(isinstance(one, dict) for one in sent):
            raise InputError(f"decisions are a list of at most {MOST_DECISIONS}", field="decisions")
        readable, refused = _read(sent)
        answer = store_decisions(holder, readable, address=_address(request))
        return replace(answer, refused={**answer.refused, **refused})

    return await _answer(request, act)


def _address(request: Request) -> str | None:
    """The network address, where whoever asks may give any name; None where they signed in, and on this machine: its people share one."""
    address = client_of(request.scope).address
    return None if request.state.visitor.identity or address in THIS_MACHINE else address


def _read(sent: Sequence[Mapping[str, Any]]) -> tuple[list[Decision], dict[str, str]]:
    """The decisions that can be read, and id -> sentence for the others."""
    readable: list[Decision] = []
    refused: dict[str, str] = {}
    for entry in sent:
        try:
            readable.append(Decision.from_json(entry))
        except InputError as exc:
            refused[_storable(entry.get("id"))] = str(exc)
    return readable, refused


def _storable(value: object) -> str:
    """An id as it can be sent back, whatever came."""
    return str(value)[:100].encode("utf-8", "backslashreplace").decode("utf-8")


async def _answer(request: Request, act: Callable[[ReviewToken, Mapping[str, Any]], Cards | Stored]) -> Response:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BYTES:
            return _error(413, "That is too much at once.")
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    if visitor is None or visitor.actor is None:
        return _error(401, "Sign in first.")
    actor, signed_out_at = visitor.actor, visitor.signed_out_at

    def run() -> Cards | Stored:
        body = _parsed(bytes(raw))
        token = read_token(Workspace(workspace_path()), body.get("token"), actor.name, signed_out_at=signed_out_at)
        with acting(actor):
            return act(token, body)

    try:
        answer = await run_in_threadpool(run)
        return JSONResponse(asdict(answer), headers={"Cache-Control": "no-store"})
    except (TokenError, NotAllowedError) as exc:
        return _error(403, str(exc))
    except InputError as exc:
        return _error(400, str(exc))
    except LongtailError as exc:
        return _error(503, f"{exc}{logged_detail(exc, request.url.path)}")
    except Exception:
        number = new_error_number()
        logger.exception("unexpected in %s", request.url.path, extra={"error": number})
        return _error(500, f"Something went wrong on our side (error {number}).")


def _parsed(raw: bytes) -> dict[str, Any]:
    """The request's object; raises `InputError` for anything else, however deep or long it is."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise InputError("this request cannot be read") from exc
    if not isinstance(body, dict):
        raise InputError("a request is an object")
    if not _is_shallow(body):
        raise InputError("this request is too deep")
    return body


def _is_shallow(body: object) -> bool:
    """Whether nothing in it is so deep that to say what is wrong with it would end in a recursion of its own."""
    level = [body]
    for _ in range(MOST_LEVELS):
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [value for values in inner for value in values]
        if not level:
            return True
    return False


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers={"Cache-Control": "no-store"})
