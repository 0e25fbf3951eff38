"""The routes that the map asks for what it draws: places and groups as bytes, names and facts as JSON.

GET /map-data/points?v=           (n, 4) little-endian uint16 (`MapPlaces.packed`)
GET /map-data/colours?v=&by=      -> {kind, labels, counts, unknown, codes}: codes are base64 of (n, 2) bytes
GET /map-data/regions?v=          -> {regions: {panel: [...]}, sentence}
GET /map-data/products?v=&rows=   -> {products: [...]} of at most 100 rows
`v` is the version that the page was drawn with; 409 says that another one is served by now. What was sent is asked for again with its ETag.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.access.roles import Action
from engine.core.errors import InputError, LongtailError
from engine.core.logs import new_error_number
from engine.maps.places import MapPlaces
from ui.app import resources
from ui.app.guard import logged_detail
from ui.products.map_data import colouring, map_card, map_places, mixing_sentence, regions

__all__ = ["colours", "named_regions", "points", "products"]

MOST_ROWS = 100
_JSON, _BYTES = "application/json", "application/octet-stream"

logger = logging.getLogger(__name__)


async def points(request: Request) -> Response:
    """Where everything lies."""
    return await _answer(request, _BYTES, lambda places: places.packed())


async def colours(request: Request) -> Response:
    """The group of everything."""
    by = request.query_params.get("by", "")

    def read(places: MapPlaces) -> bytes:
        groups = colouring(places, by)
        codes = base64.b64encode(groups.codes.tobytes()).decode("ascii")
        facts = {"kind": groups.kind, "labels": list(groups.labels), "unknown": groups.unknown}
        return _json(facts | {"counts": groups.counts(), "codes": codes})

    return await _answer(request, _JSON, read)


async def named_regions(request: Request) -> Response:
    """The names on the map, and the sentence above it."""

    def read(places: MapPlaces) -> bytes:
        named = {
            panel: [asdict(one) for one in found if one.name is not None] for panel, found in regions(places).items()
        }
        return _json({"regions": named, "sentence": mixing_sentence(places)})

    return await _answer(request, _JSON, read)


async def products(request: Request) -> Response:
    """What cards and pictures show of some rows."""
    asked = request.query_params.get("rows", "")

    def read(places: MapPlaces) -> bytes:
        maker = resources.card_maker()
        rows = _rows(asked, len(places))
        return _json({"products": [asdict(map_card(places, row, maker)) | {"row": row} for row in rows]})

    return await _answer(request, _JSON, read)


async def _answer(request: Request, kind: str, read: Callable[[MapPlaces], bytes]) -> Response:
    """What `read` says of the version that is asked for; errors are sentences."""
    visitor = getattr(request.state, "visitor", None)
    if visitor is None or visitor.actor is None or not visitor.actor.may(Action.BROWSE):
        return JSONResponse({"error": "Sign in first."}, status_code=401)
    wanted, known = request.query_params.get("v", ""), request.headers.get("if-none-match")

    def run() -> bytes | None:
        places = map_places()
        return read(places) if places.version == wanted else None

    try:
        body = await run_in_threadpool(run)
    except InputError as exc:
        return JSONResponse({"error": str(exc)}, status_code=400)
    except LongtailError as exc:
        return JSONResponse({"error": f"{exc}{logged_detail(exc, request.url.path)}"}, status_code=503)
    except Exception:
        number = new_error_number()
        logger.exception("unexpected in %s", request.url.path, extra={"error": number})
        return JSONResponse({"error": f"Something went wrong on our side (error {number})."}, status_code=500)
    if body is None:
        return JSONResponse({"error": "The shop has changed."}, status_code=409, headers={"Cache-Control": "no-store"})
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": "private, no-cache", "ETag": tag, "X-Content-Type-Options": "nosniff"}
    if known == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def _rows(text: str, n: int) -> list[int]:
    """The rows asked for; raises `InputError` where they are no rows of this map, or too many."""
    parts = text.split(",")
    if len(parts) > MOST_ROWS or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise InputError(f"rows are at most {MOST_ROWS} numbers with commas between them", field="rows")
    rows = [int(part) for part in parts]
    if max(rows) >= n:
        raise InputError("there is no such row on this map", field="rows")
    return rows


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
