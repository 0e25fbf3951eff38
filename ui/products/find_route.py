"""GET /find?q=&limit= -> {"products": [{item_id, title, brand, image, href}]}: what words find, best first, while somebody types.

Texts are as they are on a card, for scripts that set text. Errors are {error}: 401 not signed in, 403 may not look, 503 the
release cannot be read.
"""

from __future__ import annotations

import logging
from dataclasses import asdict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.access.acting import acting
from engine.access.roles import Action
from engine.core.errors import LongtailError
from engine.core.logs import new_error_number
from ui.app.guard import logged_detail
from ui.app.person import Visitor
from ui.products.finding import Hit, found

__all__ = ["find"]

MOST_LETTERS, MOST_FOUND, USUAL = 200, 50, 8
_NOT_KEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

logger = logging.getLogger(__name__)


async def find(request: Request) -> Response:
    """The products that words find, as JSON."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    if visitor is None or visitor.actor is None:
        return _error(401, "Sign in first.")
    actor = visitor.actor
    if not actor.may(Action.BROWSE):
        return _error(403, "You may not look at the shop.")
    text = request.query_params.get("q", "")[:MOST_LETTERS]
    limit = _limit(request.query_params.get("limit", ""))

    def run() -> list[Hit]:
        with acting(actor):
            return found(text, limit)

    try:
        hits = await run_in_threadpool(run)
        return JSONResponse({"products": [asdict(hit) for hit in hits]}, headers=_NOT_KEPT)
    except LongtailError as exc:
        return _error(503, f"{exc}{logged_detail(exc, request.url.path)}")
    except Exception:
        number = new_error_number()
        logger.exception("unexpected in %s", request.url.path, extra={"error": number})
        return _error(500, f"Something went wrong on our side (error {number}).")


def _limit(asked: str) -> int:
    """How many, at most `MOST_FOUND`; as usual where it is no number."""
    known = asked.isascii() and asked.isdigit() and len(asked) < 4
    return min(int(asked), MOST_FOUND) if known else USUAL


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers=_NOT_KEPT)
