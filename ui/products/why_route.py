"""GET /why?item=&arm=&neighbour=&rank= -> what is behind a sentence on a card (`ui.products.why_panel.Panel`).

Errors are {error}: 400 not understood, 401 not signed in, 403 may not look, 404 no such product, 503 the release cannot be read.
"""

from __future__ import annotations

import logging
from dataclasses import asdict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.access.acting import acting
from engine.access.roles import Action
from engine.core.errors import InputError, LongtailError, NotFoundError
from engine.core.logs import new_error_number
from ui.app.guard import logged_detail
from ui.app.person import Visitor
from ui.products.why_panel import Panel, why_panel

__all__ = ["why"]

_NOT_KEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
MOST_DIGITS = 6

logger = logging.getLogger(__name__)


async def why(request: Request) -> Response:
    """The panel as JSON; ask again while it is `pending`."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    if visitor is None or visitor.actor is None:
        return _error(401, "Sign in first.")
    actor = visitor.actor
    if not actor.may(Action.BROWSE):
        return _error(403, "You may not look at the shop.")

    def run() -> Panel:
        asked = {name: request.query_params.get(name, "") for name in ("item", "arm", "neighbour")}
        rank = request.query_params.get("rank", "0")
        if not (rank.isascii() and rank.isdigit() and len(rank) <= MOST_DIGITS):
            raise InputError("a rank is a whole number", field="rank")
        with acting(actor):
            return why_panel(asked["item"], asked["arm"], asked["neighbour"], int(rank))

    try:
        return JSONResponse(asdict(await run_in_threadpool(run)), headers=_NOT_KEPT)
    except InputError as exc:
        return _error(400, str(exc))
    except NotFoundError as exc:
        return _error(404, str(exc))
    except LongtailError as exc:
        return _error(503, f"{exc}{logged_detail(exc, request.url.path)}")
    except Exception:
        number = new_error_number()
        logger.exception("unexpected in %s", request.url.path, extra={"error": number})
        return _error(500, f"Something went wrong on our side (error {number}).")


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers=_NOT_KEPT)
