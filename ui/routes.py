"""Our own addresses beside the dashboard: pictures, and what the Review page posts.

GET /thumb/<hash> and /picture/<hash> are made once and kept by the browser for ever; see `ui.review_routes` for the rest.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from engine.settings import workspace_path
from engine.workspace import Workspace

__all__ = ["lifespan", "picture_url", "review_urls", "routes", "thumb_url"]

_HASH = re.compile(r"[0-9a-f]{64}")
# A picture's address is the hash of its content: what lies there can never change.
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
_NOT_CACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
PLACEHOLDER = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 100" width="320" height="400">
<rect width="80" height="100" fill="#8881"/><path d="M28 60l9-12 7 8 4-5 8 9z" fill="#8885"/>
<circle cx="49" cy="43" r="3.5" fill="#8885"/></svg>"""


def thumb_url(image: str) -> str:
    """Address of the thumbnail (long side at most 320 pixels) of the picture with this content hash."""
    return f"{_base()}/thumb/{image}"


def picture_url(image: str) -> str:
    """Address of the picture (long side at most 640 pixels) with this content hash."""
    return f"{_base()}/picture/{image}"


def review_urls() -> dict[str, str]:
    """Where the Review page asks for cards and sends decisions."""
    return {"cards": f"{_base()}/review/cards", "decisions": f"{_base()}/review/decisions"}


async def thumb(request: Request) -> Response:
    """The thumbnail, or 404 with a quiet placeholder."""
    return _serve(request, Workspace.thumbnail_file)


async def picture(request: Request) -> Response:
    """The picture, or 404 with a quiet placeholder."""
    return _serve(request, Workspace.image_file)


async def review_cards(request: Request) -> Response:
    """Cards for the Review page; its module knows the pages' resources, and is imported when it is first needed."""
    from ui import review_routes

    return await review_routes.cards(request)


async def review_decisions(request: Request) -> Response:
    """Decisions of the Review page."""
    from ui import review_routes

    return await review_routes.decisions(request)


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Nothing is opened before the first visitor needs it, and nothing needs closing."""
    yield


def _serve(request: Request, locate: Callable[[Workspace, str], Path]) -> Response:
    image = request.path_params["image"]
    file = locate(Workspace(workspace_path()), image) if _HASH.fullmatch(image) else None
    if file is None or not file.is_file():
        return Response(PLACEHOLDER, status_code=404, media_type="image/svg+xml", headers=_NOT_CACHED)
    return FileResponse(file, media_type="image/jpeg", headers=_FOREVER)


def _base() -> str:
    """The path under which the dashboard is served: empty, or /something."""
    path = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


routes: list[BaseRoute] = [
    Route(f"{_base()}/thumb/{{image}}", thumb, methods=["GET"]),
    Route(f"{_base()}/picture/{{image}}", picture, methods=["GET"]),
    Route(f"{_base()}/review/cards", review_cards, methods=["POST"]),
    Route(f"{_base()}/review/decisions", review_decisions, methods=["POST"]),
]
