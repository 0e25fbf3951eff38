"""Documents carry our style and script before Streamlit draws; nothing else is touched."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from engine.access.acting import Actor
from engine.access.roles import Role
from ui.app.access import App, Receive, Send
from ui.app.browser import COOKIE, marked_as
from ui.app.first_paint import FirstPaintMiddleware
from ui.app.person import NOBODY, UNNAMED, Visitor

INDEX = '<html><head><title>Streamlit</title></head><body><div id="root"></div></body></html>'


@pytest.fixture
def client() -> TestClient:
    async def index(_request: Request) -> Response:
        return HTMLResponse(INDEX, headers={"etag": "x", "cache-control": "no-cache"})

    async def other(_request: Request) -> Response:
        return JSONResponse({"head": "</head>"})

    routes = [Route("/", index), Route("/other", other)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(FirstPaintMiddleware)]))


@pytest.mark.parametrize("packed", ["gzip", "identity"])
def test_a_document_has_the_style_after_its_head_and_its_true_length(client: TestClient, packed: str) -> None:
    answer = client.get("/", headers={"accept": "text/html", "accept-encoding": packed})
    head, _, body = answer.text.partition("</head>")
    before_root = body.partition('<div id="root">')[0]
    assert ".stMainBlockContainer" in before_root
    assert "data-whole" in before_root
    assert "upload_file" in before_root
    style = before_root.partition("<style>")[2].partition("</style>")[0]
    assert "/*" not in style
    assert "<title>Longtail</title>" in head
    assert answer.headers.get("content-encoding", "identity") == packed
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-cache"


def test_what_is_no_document_passes_as_it_is(client: TestClient) -> None:
    assert client.get("/other", headers={"accept": "text/html"}).json() == {"head": "</head>"}


def test_who_asks_for_no_document_gets_the_file_as_streamlit_has_it(client: TestClient) -> None:
    assert client.get("/", headers={"accept": "*/*"}).text == INDEX


@pytest.mark.parametrize("visitor", [Visitor(actor=Actor(UNNAMED, Role.LEAD, "open")), NOBODY], ids=["open", "nobody"])
def test_a_browser_gets_a_number_of_its_own_once_and_only_where_people_need_not_sign_in(visitor: Visitor) -> None:
    async def index(_request: Request) -> Response:
        return HTMLResponse(INDEX)

    class Known:
        def __init__(self, app: App) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
            await self.app({**scope, "state": {"visitor": visitor}}, receive, send)

    shown = Starlette(routes=[Route("/", index)], middleware=[Middleware(Known), Middleware(FirstPaintMiddleware)])
    first, second = TestClient(shown), TestClient(shown)
    for client in (first, second, first):
        answer = client.get("/", headers={"accept": "text/html"})
    if visitor is NOBODY:
        assert not first.cookies
        return
    assert "set-cookie" not in answer.headers
    assert first.cookies[COOKIE] != second.cookies[COOKIE]
    kept = {marked_as(UNNAMED, client.cookies) for client in (first, second)}
    assert len(kept) == 2
    assert marked_as("Ada", first.cookies) == "Ada"
    assert marked_as(UNNAMED, {COOKIE: "x" * 32}) == UNNAMED
