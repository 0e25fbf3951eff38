"""Only browsers that know the dashboard by an allowed name are answered, and every answer carries its headers."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from ui.app.access import HEADERS, AccessMiddleware, is_allowed

OWN = ("shop.example.com", "*.intranet")


def headers(**named: str) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in named.items()}


@pytest.mark.parametrize(
    "named",
    [
        {"host": "localhost:8501"},
        {"host": "127.0.0.1:8501"},
        {"host": "[::1]:8501"},
        {"host": "127.4.5.6"},
        {"host": "SHOP.example.com"},
        {"host": "a.b.intranet:443"},
        {"host": "localhost:8501", "origin": "http://localhost:8501"},
        {"host": "shop.example.com", "origin": "https://shop.example.com"},
        {"host": "localhost:8501", "origin": "https://shop.example.com"},
    ],
)
def test_own_names_and_own_pages_are_answered(named: dict[str, str]) -> None:
    assert is_allowed(headers(**named), OWN)


@pytest.mark.parametrize(
    "named",
    [
        {"host": "evil.example.com"},
        {"host": "localhost.evil.example.com:8501"},
        {"host": "127.0.0.1.nip.io"},
        {"host": ""},
        {},
        {"host": "10.0.0.5:8501"},
        {"host": "intranet"},
        {"host": "localhost:8501", "origin": "http://evil.example.com"},
        {"host": "localhost:8501", "origin": "http://localhost:9999"},
        {"host": "localhost:8501", "origin": "null"},
        {"host": "[:::1"},
    ],
)
def test_foreign_names_and_foreign_pages_are_refused(named: dict[str, str]) -> None:
    assert not is_allowed(headers(**named), OWN)


@pytest.fixture
def client() -> TestClient:
    async def page(_request: object) -> PlainTextResponse:
        return PlainTextResponse("page")

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/_stcore/metrics", page),
            Route("/health/live", page),
            WebSocketRoute("/stream", stream),
        ],
        middleware=[Middleware(AccessMiddleware, hosts=())],
    )
    return TestClient(app, base_url="http://localhost:8501")


def test_every_answer_says_what_browsers_may_do_with_it(client: TestClient) -> None:
    for address in ("/", "/nothing"):
        answer = client.get(address)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "frame-ancestors 'none'" in client.get("/").headers["content-security-policy"]


def test_a_foreign_name_is_refused_with_what_to_do(client: TestClient) -> None:
    answer = client.get("/", headers={"host": "evil.example.com"})
    assert answer.status_code == 421
    assert "access.hosts" in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


def test_what_watches_the_server_needs_no_name(client: TestClient) -> None:
    assert client.get("/health/live", headers={"host": "10.0.0.5"}).text == "page"
    assert client.get("/health/live/x", headers={"host": "10.0.0.5"}).status_code == 421


def test_a_foreign_page_opens_no_websocket(client: TestClient) -> None:
    with client.websocket_connect(
        "/stream", headers={"host": "localhost:8501", "origin": "http://localhost:8501"}
    ) as socket:
        assert socket.receive_text() == "hello"
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/stream", headers={"host": "localhost:8501", "origin": "http://evil.example.com"}),
    ):
        pass


def test_figures_about_the_process_are_closed(client: TestClient) -> None:
    assert client.get("/_stcore/metrics").status_code == 404
