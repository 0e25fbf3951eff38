"""A real server that is told to stop in the midst of everything, and one that must not start."""

from __future__ import annotations

import signal
import socket
import threading
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.store import Database
from tests.support.servers import Server, serving, start
from tests.support.tiny_release import build_tiny_release
from ui.app.operations.starting import STOP_SECONDS
from ui.review.tokens import ReviewToken, sign_token

CURATORS = 5


class Curator(threading.Thread):
    """Judges card after card until the server is gone; keeps which judgements it acknowledged."""

    def __init__(self, server: Server, workspace: Workspace, name: str) -> None:
        super().__init__()
        self._server, self._token = server, sign_token(workspace, ReviewToken(name, ""))
        self._cookies = {"longtail_curator": quote(name)}
        self.acknowledged: set[str] = set()
        self.statuses: set[int] = set()

    def run(self) -> None:
        with httpx.Client(base_url=self._server.url, cookies=self._cookies, timeout=30) as client:
            try:
                while cards := self._post(client, "/review/cards", want=2, have=[]).get("cards"):
                    for card in cards:
                        decision = decision_on(card)
                        answer = self._post(client, "/review/decisions", decisions=[decision])
                        if decision["id"] in answer.get("stored", []):
                            self.acknowledged |= {verdict["client_id"] for verdict in decision["verdicts"]}
            except httpx.HTTPError:
                return  # nothing was acknowledged: the browser would send it again

    def _post(self, client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
        answer = client.post(path, json={"token": self._token, **body})
        self.statuses.add(answer.status_code)
        return dict(answer.json())


def decision_on(card: dict[str, Any]) -> dict[str, Any]:
    verdicts = [
        {
            "client_id": str(uuid.uuid4()),
            "neighbour": neighbour["item_id"],
            "verdict": "relevant",
            "implied": True,
            "reason": None,
        }
        for neighbour in card["neighbours"]
    ]
    return {"id": str(uuid.uuid4()), "kind": "judged", "card": card["id"], "seconds": 1.0, "verdicts": verdicts}


def stuck_request(server: Server) -> socket.socket:
    """A client that announces more than it ever sends."""
    address = urlsplit(server.url)
    client = socket.create_connection((address.hostname, address.port))
    head = f"POST /review/cards HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 1000\r\n\r\n{{"
    client.sendall(head.encode())
    return client


def test_what_was_acknowledged_before_a_stop_is_stored_and_the_stop_is_bounded(tmp_path: Path) -> None:
    workspace = build_tiny_release(Workspace(tmp_path / "workspace"), 72).workspace
    with serving(workspace.root, tmp_path / "server.log") as server:
        curators = [Curator(server, workspace, f"Curator {number}") for number in range(CURATORS)]
        for curator in curators:
            curator.start()
        deadline = time.monotonic() + 90
        while not all(len(curator.acknowledged) >= 10 for curator in curators):
            assert time.monotonic() < deadline, [curator.statuses for curator in curators]
            time.sleep(0.05)
        with stuck_request(server):
            server.process.send_signal(signal.SIGTERM)
            told = time.monotonic()
            server.process.wait(STOP_SECONDS + 15)
            assert time.monotonic() - told < STOP_SECONDS + 10
        for curator in curators:
            curator.join(40)
        assert {status for curator in curators for status in curator.statuses} == {200}, server.said()[-2000:]
    stored = set(JudgementStore(Database(workspace.database_url)).log()["client_id"])
    acknowledged = set().union(*(curator.acknowledged for curator in curators))
    assert acknowledged <= stored
    assert "Traceback" not in server.said()


def test_a_dashboard_with_bad_settings_does_not_start_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[als]\nfactors = -1\n")
    server = start(tmp_path, tmp_path / "server.log")
    try:
        assert server.process.wait(60) == 3
    finally:
        server.process.kill()
    said = server.said()
    assert "Longtail does not start. Settings: als.factors = -1" in said
    assert "Longtail is open" not in said
    assert "Traceback" not in said
