"""Twenty-five curators on one dashboard and one SQLite file: how long from submitting a judgement to having it stored.

    python -m benchmarks.judging_load --workspace workspace [--curators 25] [--seconds 40]

Every curator fetches cards and sends one judgement a second over HTTP, as the Review page does. Then the database is
compared with what was confirmed. Judgements go to a database of their own. Written to results/judging.json.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import tempfile
import threading
import time
import urllib.request
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support import free_port, merge_results, serve_dashboard
from engine.core.settings import workspace_path
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.store import Database
from ui.review.tokens import ReviewToken, sign_token


@dataclass
class Curator:
    """One person's browser: a connection, a pass, cards fetched ahead."""

    name: str
    port: int
    token: str
    seconds: list[float] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)
    handed_out: list[str] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)

    def work(self, until: float) -> None:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=30)
        connection.connect()
        # As browsers do: without it the body waits for the answer to the headers, 40 ms that no curator sees.
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        due = time.perf_counter() + np.random.default_rng(len(self.name)).random()
        while time.perf_counter() < until:
            time.sleep(max(0.0, due - time.perf_counter()))
            due += 1.0
            if len(self.cards) < 2:
                answer = self._post(connection, "cards", {"want": 5, "have": [], "pair": True})
                self.cards += answer["cards"]
                self.handed_out += [card["anchor"]["item_id"] for card in answer["cards"]]
            if self.cards:
                self._judge(connection, self.cards.pop(0))

    def _judge(self, connection: http.client.HTTPConnection, card: dict[str, Any]) -> None:
        client_id = str(uuid.uuid4())
        verdict = {"client_id": client_id, "neighbour": card["neighbours"][0]["item_id"], "verdict": "relevant"}
        decision = {"id": str(uuid.uuid4()), "kind": "judged", "card": card["id"], "verdicts": [verdict]}
        began = time.perf_counter()
        answer = self._post(connection, "decisions", {"decisions": [decision]})
        self.seconds.append(time.perf_counter() - began)
        if decision["id"] in answer["stored"]:
            self.confirmed.append(client_id)

    def _post(self, connection: http.client.HTTPConnection, what: str, body: dict[str, Any]) -> dict[str, Any]:
        cookie = f"longtail_curator={self.name}"
        headers = {"Content-Type": "application/json", "Cookie": cookie}
        connection.request("POST", f"/review/{what}", json.dumps({"token": self.token} | body), headers)
        response = connection.getresponse()
        content = json.loads(response.read())
        if response.status != 200:
            raise RuntimeError(f"/review/{what} answered {response.status}: {content}")
        return dict(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, default=workspace_path())
    parser.add_argument("--curators", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/longtail.db"
        os.environ["LONGTAIL_DATABASE_URL"] = url
        curators = run(arguments.workspace, Path(folder), arguments.curators, arguments.seconds)
        stored = Counter(JudgementStore(Database(url)).log()["client_id"])
    confirmed = [client_id for curator in curators for client_id in curator.confirmed]
    seconds = [second for curator in curators for second in curator.seconds]
    handed_out = Counter(anchor for curator in curators for anchor in set(curator.handed_out))
    command = (
        f"python -m benchmarks.judging_load --workspace workspace --curators {arguments.curators} "
        f"--seconds {arguments.seconds:g}"
    )
    figures = {
        "submit_to_durable_p95_ms": (1000 * float(np.percentile(seconds, 95)), "< 300"),
        "submit_to_durable_p50_ms": (1000 * float(np.percentile(seconds, 50)), "-"),
        "load_judgements_confirmed": (len(confirmed), "-"),
        "load_confirmed_but_lost": (sum(stored[client_id] == 0 for client_id in confirmed), "= 0"),
        "load_stored_twice": (sum(count > 1 for count in stored.values()), "= 0"),
        "load_products_judged_by_two_at_most": (max(handed_out.values()), "<= 2"),
    }
    merge_results(
        "judging",
        {
            name: {"value": round(value, 2), "target": target, "command": command}
            for name, (value, target) in figures.items()
        },
    )
    for name, (value, target) in figures.items():
        print(f"{name}: {value:.4g} (target {target})")


def run(workspace: Path, folder: Path, count: int, seconds: float) -> list[Curator]:
    """The curators after they worked; the dashboard is up before the first begins."""
    port = free_port()
    with serve_dashboard(workspace, port, folder / "server.log"):
        for _ in range(300):
            with suppress(OSError):
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1)
                break
            time.sleep(0.2)
        names = [f"Curator{number}" for number in range(count)]
        passes = {name: sign_token(Workspace(workspace), ReviewToken(name, "")) for name in names}
        Curator("Opener", port, sign_token(Workspace(workspace), ReviewToken("Opener", ""))).work(
            time.perf_counter() + 3
        )
        curators = [Curator(name, port, passes[name]) for name in names]
        until = time.perf_counter() + seconds
        threads = [threading.Thread(target=curator.work, args=(until,)) for curator in curators]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return curators


if __name__ == "__main__":
    main()
