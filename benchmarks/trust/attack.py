"""Twelve attackers, each from an address of its own, until they are stopped.

    python -m benchmarks.trust.attack --port 8501 --workspace workspace --seconds 300

Each is one thread of one Python program, and sends as fast as it gets answers, but no more than `MOST_PER_SECOND` times a second: what it
sends is made beforehand, so that it costs the machine little; on other machines it would cost ours nothing. For the same reason the
program runs at a lower priority than the dashboard.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import WebSocketException

from engine.core.workspace import Workspace
from tests.support.tab import Tab
from ui.review.tokens import ReviewToken, sign_token

MOST_PER_SECOND = 100
MB = 1024 * 1024
HALF_OPEN, SLOW, TABS = 300, 60, 60
UPLOAD = bytes(40 * MB)
ODD_IDS = ("\ud800", "\u0000", "x" * 100_000, "", "../..", "🧨" * 50, 10**400, 1.5, None, True, [], {"id": {}}, "1e400")


class Attacker(threading.Thread):
    """One attacker; what the server said is counted by status."""

    def __init__(self, attack: Callable[[Attacker], Iterator[int]], number: int, port: int, workspace: Path) -> None:
        super().__init__(daemon=True)
        self._attack, self.number, self.port = attack, number, port
        self.address, self.name_in_cookie = f"127.0.1.{number + 1}", f"Eve{number}"
        self._workspace = Workspace(workspace)
        self.statuses: Counter[int] = Counter()
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        while True:
            began = time.perf_counter()
            with suppress(OSError, http.client.HTTPException, WebSocketException, EOFError):
                for status in self._attack(self):
                    self.statuses[status] += 1
                    time.sleep(max(0.0, began + 1 / MOST_PER_SECOND - time.perf_counter()))
                    began = time.perf_counter()
            self._connection = None  # it was closed; another one
            time.sleep(0.05)

    def token(self, name: str | None = None) -> str:
        """A pass, as the Review page gives one to anybody who opens it."""
        return sign_token(self._workspace, ReviewToken(name or self.name_in_cookie, ""))

    def post(self, what: str, body: bytes, name: str | None = None) -> int:
        """Send a body to a route of the Review page; the status of the answer."""
        connection = self._connection or self.connect()
        headers = {"Content-Type": "application/json", "Cookie": f"longtail_curator={name or self.name_in_cookie}"}
        connection.request("POST", f"/review/{what}", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.will_close:
            self._connection = None
        return answer.status

    def connect(self) -> http.client.HTTPConnection:
        made = http.client.HTTPConnection("localhost", self.port, timeout=30, source_address=(self.address, 0))
        self._connection = made
        return made

    def socket(self, sends: bytes) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=(self.address, 0))
        opened.sendall(sends)
        return opened


def bad_ids(attacker: Attacker) -> Iterator[int]:
    """Decisions whose ids no database takes."""
    bodies = []
    for odd in ODD_IDS:
        vote = {"client_id": odd, "neighbour": odd, "verdict": "relevant"}
        decision = {"id": str(uuid.uuid4()), "kind": "judged", "card": odd, "verdicts": [vote] * 10}
        whole = {"id": odd, "kind": "judged", "card": str(uuid.uuid4()), "verdicts": []}
        bodies.append(json.dumps({"token": attacker.token(), "decisions": [decision, whole] * 10}).encode())
    while True:
        for body in bodies:
            yield attacker.post("decisions", body)


def hoard(attacker: Attacker) -> Iterator[int]:
    """Ask for cards without end, and answer none."""
    body = json.dumps({"token": attacker.token(), "want": 10, "have": []}).encode()
    while True:
        yield attacker.post("cards", body)


def hoard_by_many_names(attacker: Attacker) -> Iterator[int]:
    """The same under a name of its own every time."""
    while True:
        name = f"Eve{uuid.uuid4().hex[:8]}"
        body = json.dumps({"token": attacker.token(name), "want": 10, "have": []}).encode()
        yield attacker.post("cards", body, name)


def upload(attacker: Attacker) -> Iterator[int]:
    """Send large files that the tab asked for, one after the other."""
    with Tab(attacker.port, "add_product", name=attacker.name_in_cookie, source=attacker.address) as tab:
        while True:
            for address in tab.upload_addresses(20):
                yield tab.upload(address, UPLOAD)[0]


def upload_under_invented_ids(attacker: Attacker) -> Iterator[int]:
    """Send large files that nobody asked for."""
    with Tab(attacker.port, "add_product", name=attacker.name_in_cookie, source=attacker.address) as tab:
        while True:
            for session in (tab.session, str(uuid.uuid4())):
                yield tab.upload(f"/_stcore/upload_file/{session}/{uuid.uuid4()}", UPLOAD)[0]


def half_open(attacker: Attacker) -> Iterator[int]:
    """Hold connections that say half a word."""
    held: list[socket.socket] = []
    while True:
        with suppress(OSError):
            held.append(attacker.socket(b"POST /review/cards HT"))
        if len(held) > HALF_OPEN:
            held.pop(0).close()
        yield 0


def slow_bodies(attacker: Attacker) -> Iterator[int]:
    """Send bodies a byte at a time."""
    head = b"POST /review/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{"
    held: list[socket.socket] = []
    while True:
        for one in list(held):
            try:
                one.sendall(b" ")
            except OSError:
                held.remove(one)
        while len(held) < SLOW:
            held.append(attacker.socket(head))
        time.sleep(0.5)
        yield 0


def giant_bodies(attacker: Attacker) -> Iterator[int]:
    """Send far more than any route takes, with and without saying so."""
    large = bytes(8 * MB)
    pieces = b"%x\r\n%s\r\n" % (MB, bytes(MB))
    head = b"POST /review/decisions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        with suppress(OSError, http.client.HTTPException):
            yield attacker.post("decisions", large)
        attacker.connect()
        with suppress(OSError), attacker.socket(head) as chunked:
            for _ in range(100):
                chunked.sendall(pieces)
        yield 0


def deep_json(attacker: Attacker) -> Iterator[int]:
    """Send lists in lists in lists, 5,000 deep."""
    while True:
        yield attacker.post("decisions", b"[" * 5_000 + b"]" * 5_000)
        yield attacker.post("cards", b'{"a":' * 5_000 + b"1" + b"}" * 5_000)


def long_integers(attacker: Attacker) -> Iterator[int]:
    """Send numbers of 5,000 digits."""
    digits = b"9" * 5_000
    token = attacker.token().encode()
    while True:
        yield attacker.post("cards", b'{"token":"' + token + b'","have":[],"want":' + digits + b"}")
        yield attacker.post("decisions", b'{"token":"' + token + b'","decisions":[{"seconds":1e' + digits + b"}]}")


def many_tabs(attacker: Attacker) -> Iterator[int]:
    """Open tab after tab, and have their pages run again and again."""
    again = BackMsg()
    again.rerun_script.page_name = "browse"
    tabs: list[Tab] = []
    while True:
        with suppress(OSError, WebSocketException, TimeoutError, StopIteration):
            tabs.append(Tab(attacker.port, "browse", name=attacker.name_in_cookie, source=attacker.address))
        for tab in list(tabs):
            try:
                tab.send(again)
            except (OSError, WebSocketException):
                tabs.remove(tab)
        if len(tabs) > TABS:
            tabs.pop(0).close()
        yield 0


ATTACKS = (
    bad_ids, bad_ids, hoard, hoard_by_many_names, upload, upload_under_invented_ids,
    half_open, slow_bodies, giant_bodies, deep_json, long_integers, many_tabs,
)  # fmt: skip


def main() -> None:
    """Attack, then say what the server answered."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=300.0)
    arguments = parser.parse_args()
    os.nice(5)
    attackers = [Attacker(attack, number, arguments.port, arguments.workspace) for number, attack in enumerate(ATTACKS)]
    for attacker in attackers:
        attacker.start()
    time.sleep(arguments.seconds)
    said = [{"attack": one._attack.__name__, "statuses": dict(one.statuses)} for one in attackers]
    print(json.dumps(said), flush=True)
    os._exit(0)  # threads are in the middle of something


if __name__ == "__main__":
    main()
