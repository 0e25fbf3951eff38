"""A real server: who keeps silent is cut off, who works is not."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from engine.core.settings_limits import LimitSettings
from ui.app.fair_shares.connections import OpenConnections
from ui.app.fair_shares.middleware import FairSharesMiddleware

LIMITS = LimitSettings(head_seconds=0.3, body_seconds=0.3, stalled_seconds=0.3, connections=20, all_connections=30)
HEAD = b"POST /sent HTTP/1.1\r\nHost: localhost\r\n"


async def sent(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def large(_request: Request) -> Response:
    return Response(b"x" * 20_000_000)


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    with suppress(Exception):
        while True:
            await websocket.send_text(await websocket.receive_text())


@contextmanager
def serve() -> Iterator[int]:
    """The port of a uvicorn that was started without a word about limits, as Streamlit does it."""
    app = Starlette(
        routes=[Route("/sent", sent, methods=["POST"]), Route("/large", large), WebSocketRoute("/echo", echo)],
        middleware=[Middleware(FairSharesMiddleware, limits=LIMITS)],
    )
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="websockets-sansio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serve() as port:
        yield port


def is_closed(connection: socket.socket, seconds: float = 2.0) -> bool:
    """Whether the server ends the connection by itself."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def opened(port: int, sends: bytes = b"", source: str = "127.0.0.1") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), source_address=(source, 0))
    connection.sendall(sends)
    return connection


@pytest.mark.parametrize(
    "sends",
    [
        b"",
        b"POST",
        HEAD,
        HEAD + b"Content-Length: 1\r\n\r\nx" + HEAD[:9],
        b"GET /sent HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
        HEAD + b"Content-Length: 9\r\n\r\n123",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n",
    ],
    ids=["nothing", "half a word", "half a head", "half a second head", "no body", "half a body", "half of the chunks"],
)
def test_a_connection_that_does_not_finish_what_it_says_is_closed(port, sends):
    with opened(port, sends) as connection:
        assert is_closed(connection)


def test_a_head_that_drips_is_cut_off_in_the_middle(port):
    with opened(port) as connection:
        began = time.monotonic()
        with suppress(ConnectionError):
            for byte in HEAD * 10:
                connection.sendall(bytes((byte,)))
                time.sleep(0.05)
        assert time.monotonic() - began < 2


def test_who_takes_no_answer_is_cut_off(port):
    with opened(port, b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        time.sleep(1.0)
        received = 0
        with suppress(ConnectionError):
            while piece := connection.recv(1 << 20):
                received += len(piece)
        assert received < 20_000_000


def test_who_works_keeps_the_connection_for_many_requests(port):
    client = http.client.HTTPConnection("127.0.0.1", port)
    client.connect()
    local = client.sock.getsockname()
    for _ in range(4):
        client.request("POST", "/sent", b"abc")
        assert client.getresponse().read() == b"3"
        time.sleep(0.15)
    assert client.sock.getsockname() == local
    client.close()


def test_an_idle_websocket_stays_open(port):
    with connect(f"ws://127.0.0.1:{port}/echo") as websocket:
        time.sleep(0.8)
        websocket.send("still here")
        assert websocket.recv(timeout=2) == "still here"


def test_one_address_holds_so_many_connections_and_others_get_theirs(port):
    many = [opened(port, source="127.0.0.9") for _ in range(25)]
    time.sleep(0.1)
    with opened(port, HEAD + b"Connection: close\r\nContent-Length: 1\r\n\r\nx", source="127.0.0.8") as other:
        other.settimeout(2)
        assert other.recv(1000).startswith(b"HTTP/1.1 200")
    still_open = sum(not is_closed(one, 0.005) for one in many)
    for one in many:
        one.close()
    assert still_open <= 20


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


def test_when_all_are_taken_the_address_with_the_most_loses_its_oldest():
    connections = OpenConnections(LIMITS)
    many = {address: [Transport() for _ in range(15)] for address in ("9.9.9.9", "9.9.9.8")}
    for address, transports in many.items():
        assert all(connections.admit(address, one) for one in transports)
    assert len(connections) == 30
    assert connections.admit("10.0.0.1", Transport())
    assert [one.aborted for transports in many.values() for one in transports].count(True) == 1
    assert many["9.9.9.9"][0].aborted
    assert not connections.admit("9.9.9.8", Transport())


@pytest.mark.parametrize("address", ["10.0.0.2", "::ffff:10.0.0.3", "2001:db8::7"])
def test_a_proxy_of_ours_may_hold_more_than_one_address(address):
    connections = OpenConnections(LIMITS, proxies=("10.0.0.0/24", "2001:db8::7"))
    assert all(connections.admit(address, Transport()) for _ in range(25))
