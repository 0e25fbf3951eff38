"""Twelve attackers beside six honest curators: do the six notice?

A real dashboard on a shop of 2,400 products. Six curators judge one card a second over HTTP as the Review page does, first alone and then
beside `benchmarks.trust.attack`: bad ids, hoarded cards, floods of uploads, half-open connections, deep JSON, long numbers, slow and giant
bodies, many tabs. Each comes from an address of this machine's own network (127.0.0.0/8), as people come from machines of their own.
`--minutes` is how long the attack takes, 5 unless given. Then the server has 75 seconds to give back what it took.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.support import ROOT, free_port, serve_dashboard, wait_for
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.store import Database
from tests.support.tiny_release import build_tiny_release
from ui.review.tokens import ReviewToken, sign_token

CURATORS, PRODUCTS, AHEAD = 6, 2_400, 6
QUIET_SECONDS, SETTLING_SECONDS = 60.0, 75.0
MB = 1024 * 1024


@dataclass
class Curator:
    """One honest person's browser."""

    number: int
    port: int
    token: str
    waited: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    requests: int = 0
    confirmed: list[str] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)

    def work(self, until: float) -> None:
        """One judgement a second, with cards fetched ahead."""
        due = time.perf_counter() + np.random.default_rng(self.number).random()
        connection = self._connect()
        while due < until:
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due + 1.0, time.perf_counter())
            try:
                if len(self.cards) < AHEAD - 2:
                    have = [card["id"] for card in self.cards]
                    body = {"want": AHEAD - len(have), "have": have}
                    self.cards += self._post(connection, "cards", body)["cards"]
                if self.cards:
                    self._judge(connection, self.cards.pop(0))
                else:
                    self.failures.append("no cards left")
            except (OSError, http.client.HTTPException, ValueError) as exc:
                self.failures.append(f"{type(exc).__name__}: {exc}")
                connection = self._connect()

    def _judge(self, connection: http.client.HTTPConnection, card: dict[str, Any]) -> None:
        verdicts = [
            {"client_id": str(uuid.uuid4()), "neighbour": one["item_id"], "verdict": "relevant", "implied": True}
            for one in card["neighbours"]
        ]
        decision = {"id": str(uuid.uuid4()), "kind": "judged", "card": card["id"], "verdicts": verdicts, "seconds": 1.0}
        began = time.perf_counter()
        answer = self._post(connection, "decisions", {"decisions": [decision]})
        self.waited.append(time.perf_counter() - began)
        if decision["id"] in answer["stored"]:
            self.confirmed += [str(verdict["client_id"]) for verdict in verdicts]
        else:
            self.failures.append(f"refused: {answer['refused']}")

    def _post(self, connection: http.client.HTTPConnection, what: str, body: dict[str, Any]) -> dict[str, Any]:
        self.requests += 1
        headers = {"Content-Type": "application/json", "Cookie": f"longtail_curator=Honest{self.number}"}
        connection.request("POST", f"/review/{what}", json.dumps({"token": self.token} | body), headers)
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise ValueError(f"/review/{what} answered {response.status}: {content[:200]!r}")
        return dict(json.loads(content))

    def _connect(self) -> http.client.HTTPConnection:
        source = (f"127.0.2.{self.number + 1}", 0)
        connection = http.client.HTTPConnection("localhost", self.port, timeout=30, source_address=source)
        with suppress(OSError):
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def measure(arguments: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Success and waiting of the six, and what the twelve left behind."""
    seconds = 60.0 * (arguments.minutes or 5.0)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "workspace")
        build_tiny_release(workspace, PRODUCTS)
        port, log = free_port(), Path(folder) / "server.log"
        with serve_dashboard(workspace.root, port, log) as process:
            server = psutil.Process(process.pid)
            wait_for(f"http://localhost:{port}")
            _work(port, workspace, 5.0)  # opens the release
            quiet = _work(port, workspace, min(QUIET_SECONDS, seconds))
            before = server.memory_info().rss
            attack = _start_attack(port, workspace, seconds)
            beside, peak = _work(port, workspace, seconds - 5.0, server=server), _Peak.last
            answers = json.loads(attack.communicate(timeout=120)[0])
            left = _settle(server)
            after = server.memory_info().rss
        lost = _lost(workspace, [*quiet, *beside])
        logged = sum(file.stat().st_size for file in [log, *workspace.log_file.parent.glob("*")])
    failures = [failure for curator in beside for failure in curator.failures]
    requests = sum(curator.requests for curator in beside)
    waits = [np.percentile([one for curator in some for one in curator.waited], 95) for some in (quiet, beside)]
    details = {"quiet_p95_ms": round(1000 * waits[0], 1), "p95_ms": round(1000 * waits[1], 1), "requests": requests}
    return {
        "attackers_honest_success": (
            round(1 - len(failures) / max(requests, 1), 4),
            "= 1",
            {"failures": failures[:10]},
        ),
        "attackers_p95_over_quiet": (round(float(waits[1] / waits[0]), 2), "<= 2", details),
        "attackers_confirmed_but_lost": (lost, "= 0"),
        "attackers_log_mb": (round(logged / 1e6, 3), "<= 10"),
        "attackers_memory_after_over_before": (
            round(after / before, 2),
            "<= 1.5",
            {"before_mb": before // MB, "peak_mb": peak // MB, "after_mb": after // MB, "answers": answers},
        ),
        "attackers_connections_left": (left, "= 0"),
    }


class _Peak(threading.Thread):
    """The most memory that a process held."""

    last = 0

    def __init__(self, server: psutil.Process, until: float) -> None:
        super().__init__(daemon=True)
        self._server, self._until = server, until
        _Peak.last = 0

    def run(self) -> None:
        while time.perf_counter() < self._until:
            _Peak.last = max(_Peak.last, self._server.memory_info().rss)
            time.sleep(0.5)


def _work(port: int, workspace: Workspace, seconds: float, server: psutil.Process | None = None) -> list[Curator]:
    """The curators after they worked."""
    passes = [sign_token(workspace, ReviewToken(f"Honest{number}", "")) for number in range(CURATORS)]
    curators = [Curator(number, port, token) for number, token in enumerate(passes)]
    until = time.perf_counter() + seconds
    threads: list[threading.Thread] = [threading.Thread(target=one.work, args=(until,)) for one in curators]
    if server is not None:
        threads.append(_Peak(server, until))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return curators


def _start_attack(port: int, workspace: Workspace, seconds: float) -> subprocess.Popen[str]:
    options = ["--port", str(port), "--workspace", str(workspace.root), "--seconds", str(seconds)]
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.trust.attack", *options],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"LONGTAIL_WORKSPACE": str(workspace.root)},
    )  # fmt: skip


def _settle(server: psutil.Process) -> int:
    """Connections that are open after a while; the curators and attackers have closed theirs."""
    time.sleep(SETTLING_SECONDS)
    return sum(one.status == psutil.CONN_ESTABLISHED for one in server.net_connections("tcp"))


def _lost(workspace: Workspace, curators: list[Curator]) -> int:
    stored = set(JudgementStore(Database(f"sqlite:///{workspace.root}/longtail.db")).log()["client_id"])
    return sum(one not in stored for curator in curators for one in curator.confirmed)
