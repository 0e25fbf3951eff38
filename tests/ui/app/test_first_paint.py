"""Documents carry our style and script before Streamlit draws; nothing else is touched."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.app.first_paint import FirstPaintMiddleware

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
    assert "<title>Longtail</title>" in head
    assert answer.headers.get("content-encoding", "identity") == packed
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-cache"


def test_what_is_no_document_passes_as_it_is(client: TestClient) -> None:
    assert client.get("/other", headers={"accept": "text/html"}).json() == {"head": "</head>"}


def test_who_asks_for_no_document_gets_the_file_as_streamlit_has_it(client: TestClient) -> None:
    assert client.get("/", headers={"accept": "*/*"}).text == INDEX
