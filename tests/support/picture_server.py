"""A server of pictures on loopback that misbehaves as it is told."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image


def picture(shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), (shade, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Answers with what the test put under the path, and counts."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        with self.server.lock:
            self.server.asked[path] += 1
            self.server.headers[path] = dict(self.headers)
            self.server.busy += 1
            self.server.busiest = max(self.server.busiest, self.server.busy)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                self.server.answers.get(path, status(404))(self)
        finally:
            with self.server.lock:
                self.server.busy -= 1

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A server on loopback that misbehaves as it is told."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Callable[[Handler], None]] = {}
        self.asked: Counter[str] = Counter()
        self.headers: dict[str, dict[str, str]] = {}
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.busy = self.busiest = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave in the middle are no news."""

    def address(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}{path}"


def send(data: bytes, kind: str = "image/png", **headers: str) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        _headers(handler, {"Content-Type": kind, "Content-Length": str(len(data))} | given)
        handler.wfile.write(data)

    return answer


def status(number: int, **headers: str) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        handler.send_response(number)
        _headers(handler, {"Content-Length": "0", **headers})

    return answer


def in_turn(*answers: Callable[[Handler], None]) -> Callable[[Handler], None]:
    """The first answer first; the last one from then on."""
    left = list(answers)

    def answer(handler: Handler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return answer


def _headers(handler: Handler, headers: dict[str, Any]) -> None:
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


@contextmanager
def picture_server() -> Iterator[Server]:
    served = Server()
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.ended.set()
        served.shutdown()
        served.server_close()
        thread.join(5)
