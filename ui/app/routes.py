"""Our own addresses beside the dashboard: pictures, and what the Review page posts.

GET /health/live, /health/ready and /metrics are for what watches the server (`ui.app.operations`).
GET /thumb/<hash> and /picture/<hash> are made once and kept by the browser for ever, as is a component's script at GET /script/<digest>.js; GET /why says what is behind a sentence on a card
(`ui.products.why_route`), GET /find what words find (`ui.products.find_route`), GET /news what happened (`ui.news.route`); see `ui.products.map_routes` and `ui.review.routes` for the rest.
"""

from __future__ import annotations

import functools
import gzip
import importlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from engine.access.acting import resolve_with
from engine.backup.journal import end_interrupted
from engine.core.occupancy import opened
from engine.core.settings import workspace_path
from engine.core.workspace import Workspace
from engine.jobs import sweep_folders
from ui.app.navigation import FIRST_PAGE
from ui.app.operations.health import Readiness, live
from ui.app.operations.metrics import REGISTRY, metrics
from ui.app.operations.shop_figures import ShopFigures
from ui.app.person import person
from ui.news.route import news
from ui.widgets.addresses import base_path
from ui.widgets.scripts import script

__all__ = ["lifespan", "routes"]

_HASH = re.compile(r"[0-9a-f]{64}")
# A picture's address is the hash of its content: what lies there can never change.
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
_NOT_CACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
PLACEHOLDER = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 100" width="320" height="400">
<rect width="80" height="100" fill="#8881"/><path d="M28 60l9-12 7 8 4-5 8 9z" fill="#8885"/>
<circle cx="49" cy="43" r="3.5" fill="#8885"/></svg>"""


async def thumb(request: Request) -> Response:
    """The thumbnail, or 404 with a quiet placeholder."""
    return _serve(request, Workspace.thumbnail_file)


async def picture(request: Request) -> Response:
    """The picture, or 404 with a quiet placeholder."""
    return _serve(request, Workspace.image_file)


async def component_script(request: Request) -> Response:
    """A component's script, which can never change at its address."""
    text = script(request.path_params["digest"])
    if text is None:
        return Response("There is no such script.", status_code=404, headers=_NOT_CACHED)
    headers = {**_FOREVER, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(text, media_type="text/javascript", headers=headers)
    return Response(_packed(text), media_type="text/javascript", headers={**headers, "Content-Encoding": "gzip"})


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Removes what killed processes left, and keeps restores away; nothing else is opened before the first visitor needs it.

    From here on nobody acts in this process but the person of a session, or of a request that says so.
    """
    workspace = Workspace(workspace_path())
    with suppress(OSError):  # a workspace that cannot be made is said on every page
        workspace.root.mkdir(parents=True, exist_ok=True)
    with opened(workspace.root, end_interrupted):
        sweep_folders(workspace)
        resolve_with(person)
        try:
            yield
        finally:
            resolve_with(None)


async def first_page(request: Request) -> Response:
    """The page Today by its name: Streamlit knows the first page by the bare address alone."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{base_path()}/{query}", status_code=307, headers=_NOT_CACHED)


def later(module: str, name: str) -> Callable[[Request], Awaitable[Response]]:
    """The answer of this name, from a module that is imported when somebody first asks: until then nobody waits for what it needs."""

    async def answer(request: Request) -> Response:
        return await getattr(await run_in_threadpool(importlib.import_module, module), name)(request)  # type: ignore[no-any-return]

    return answer


@functools.lru_cache(maxsize=32)
def _packed(text: str) -> bytes:
    return gzip.compress(text.encode("utf-8"), mtime=0)


def _serve(request: Request, locate: Callable[[Workspace, str], Path]) -> Response:
    image = request.path_params["image"]
    file = locate(Workspace(workspace_path()), image) if _HASH.fullmatch(image) else None
    if file is None or not file.is_file():
        return Response(PLACEHOLDER, status_code=404, media_type="image/svg+xml", headers=_NOT_CACHED)
    return FileResponse(file, media_type="image/jpeg", headers=_FOREVER)


REGISTRY.register(ShopFigures())
routes: list[BaseRoute] = [
    Route(f"{base_path()}/health/live", live, methods=["GET"]),
    Route(f"{base_path()}/health/ready", Readiness().ready, methods=["GET"]),
    Route(f"{base_path()}/metrics", metrics, methods=["GET"]),
    Route(f"{base_path()}/thumb/{{image}}", thumb, methods=["GET"]),
    Route(f"{base_path()}/picture/{{image}}", picture, methods=["GET"]),
    Route(f"{base_path()}/script/{{digest}}.js", component_script, methods=["GET"]),
    Route(f"{base_path()}/{FIRST_PAGE}", first_page, methods=["GET"]),
    Route(f"{base_path()}/why", later("ui.products.why_route", "why"), methods=["GET"]),
    Route(f"{base_path()}/find", later("ui.products.find_route", "find"), methods=["GET"]),
    Route(f"{base_path()}/news", news, methods=["GET"]),
    Route(f"{base_path()}/review/cards", later("ui.review.routes", "cards"), methods=["POST"]),
    Route(f"{base_path()}/review/decisions", later("ui.review.routes", "decisions"), methods=["POST"]),
    Route(f"{base_path()}/map-data/points", later("ui.products.map_routes", "points"), methods=["GET"]),
    Route(f"{base_path()}/map-data/colours", later("ui.products.map_routes", "colours"), methods=["GET"]),
    Route(f"{base_path()}/map-data/regions", later("ui.products.map_routes", "named_regions"), methods=["GET"]),
    Route(f"{base_path()}/map-data/products", later("ui.products.map_routes", "products"), methods=["GET"]),
]
