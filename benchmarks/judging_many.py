"""A hundred thousand judgements by 25 curators with two tabs each, while the server is killed again and again.

    python -m benchmarks.judging_many --workspace workspace [--judgements 100000] [--kills 20] [--seed 0]

The server here is a process with the Review page's own functions behind a pipe, killed with SIGKILL in the middle of its
work; what was not confirmed is sent again to the next one, as the page's outbox does, a tenth of it twice. Then the
database is compared with what was confirmed: nothing lost, nothing twice, no product leased to two people at once.
Written to results/judging.json.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support import ROOT, merge_results
from engine.core.settings import workspace_path
from engine.core.workspace import Workspace
from engine.curation.campaigns import Plan, create_campaign
from engine.curation.judgements import JudgementStore
from engine.curation.rates.sampling import cards_of
from engine.recommend.recommender import Recommender
from engine.store import Database

CURATORS, TABS, WANT = 25, 2, 3
SERVER = """
import json, sys, threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from engine.curation.decisions import Decision
from ui.review.tokens import ReviewToken
from ui.review.service import next_cards, store_decisions
say = threading.Lock()
def work(request):
    holder = ReviewToken(request["rater"], request["campaign"])
    if request["what"] == "cards":
        cards = next_cards(holder, request["want"], ["x"]).cards
        answer = {"cards": [{"id": c.id, "anchor": c.anchor.item_id, "expires": c.expires,
                             "neighbours": [n.item_id for n in c.neighbours]} for c in cards]}
    else:
        answer = asdict(store_decisions(holder, [Decision.from_json(one) for one in request["decisions"]]))
    with say:
        print(json.dumps({"tab": request["tab"], "what": request["what"]} | answer), flush=True)
with ThreadPoolExecutor(25) as threads:
    for line in sys.stdin:
        threads.submit(work, json.loads(line))
"""


class Tab:
    """One tab of one person: its cards, and its outbox of what is not confirmed."""

    def __init__(self, number: int) -> None:
        self.number, self.rater = number, f"Curator {number // TABS}"
        self.cards: list[dict[str, Any]] = []
        self.outbox: dict[str, dict[str, Any]] = {}
        self.empty = False

    def request(self, campaign: str, rng: np.random.Generator) -> dict[str, Any] | None:
        """What this tab sends next; None where nothing is left for it."""
        base = {"tab": self.number, "rater": self.rater, "campaign": campaign}
        if not self.cards and not self.outbox and not self.empty:
            return base | {"what": "cards", "want": WANT}
        for card in self.cards:
            said = [
                {"client_id": str(uuid.uuid4()), "neighbour": one, "implied": False,
                 "verdict": "irrelevant" if rng.random() < 0.3 else "relevant"}
                for one in card["neighbours"]
            ]  # fmt: skip
            one = {"id": str(uuid.uuid4()), "kind": "judged", "card": card["id"], "verdicts": said, "seconds": 1.0}
            self.outbox[one["id"]] = one
        self.cards = []
        decisions = list(self.outbox.values())
        if not decisions:
            return None
        # A double click, or an answer that was lost on the way.
        return base | {"what": "decisions", "decisions": decisions * (2 if rng.random() < 0.1 else 1)}


def main() -> None:
    """Run, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=workspace_path())
    parser.add_argument("--judgements", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/longtail.db"
        store, facade = JudgementStore(Database(url)), Recommender.open(Workspace(arguments.workspace))
        confirmed: set[str] = set()
        leases: list[tuple[str, str, str, float, float]] = []
        kills, began, number = 0, time.perf_counter(), 0
        while len(confirmed) < arguments.judgements:
            number += 1
            campaign = create_campaign(store.database, facade, Plan(f"Campaign {number}", target=len(facade.items)))
            kills += _campaign(arguments, url, campaign, confirmed, leases, rng, arguments.kills - kills)
        seconds = time.perf_counter() - began
        stored = Counter(store.log()["client_id"])
        judged = len(cards_of(store.database))
    doubled = _held_by_two(leases)
    command = f"python -m benchmarks.judging_many --workspace workspace --judgements {arguments.judgements}"
    figures = {
        "many_judgements_confirmed": (len(confirmed), f">= {arguments.judgements}"),
        "many_server_kills": (kills, "-"),
        "many_confirmed_but_lost": (sum(client not in stored for client in confirmed), "= 0"),
        "many_stored_twice": (sum(count > 1 for count in stored.values()), "= 0"),
        "many_products_leased_to_two_at_once": (doubled, "= 0"),
        "many_cards": (judged, "-"),
        "many_judgements_a_second": (round(len(confirmed) / seconds, 1), "-"),
    }
    merge_results(
        "judging",
        {name: {"value": value, "target": target, "command": command} for name, (value, target) in figures.items()},
    )
    for name, (value, target) in figures.items():
        print(f"{name}: {value} (target {target})")


def _campaign(
    arguments: argparse.Namespace, url: str, campaign: str, confirmed: set[str],
    leases: list[tuple[str, str, str, float, float]], rng: np.random.Generator, kills_left: int,
) -> int:  # fmt: skip
    """Judge a campaign until nothing is left or enough is judged; returns how often the server was killed."""
    tabs = [Tab(number) for number in range(CURATORS * TABS)]
    kills = 0
    while True:
        kill_after = int(rng.integers(200, 1200)) if kills < kills_left else None
        finished = _serve(arguments, url, campaign, tabs, confirmed, leases, rng, kill_after)
        if finished:
            return kills
        kills += 1


def _serve(
    arguments: argparse.Namespace, url: str, campaign: str, tabs: list[Tab], confirmed: set[str],
    leases: list[tuple[str, str, str, float, float]], rng: np.random.Generator, kill_after: int | None,
) -> bool:  # fmt: skip
    """One life of the server; False where it was killed."""
    environment = os.environ | {
        "LONGTAIL_WORKSPACE": str(arguments.workspace), "LONGTAIL_DATABASE_URL": url, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, env=environment,
    )  # fmt: skip
    assert server.stdin is not None
    assert server.stdout is not None
    waiting = 0
    answers = 0
    for tab in tabs:
        tab.cards = []  # the page that was open is gone with its cards; its outbox is not
        tab.empty = False

    def send(tab: Tab) -> int:
        enough = len(confirmed) >= arguments.judgements
        request = None if enough and not tab.outbox else tab.request(campaign, rng)
        if request is None:
            return 0
        server.stdin.write(json.dumps(request) + "\n")  # type: ignore[union-attr]
        server.stdin.flush()  # type: ignore[union-attr]
        return 1

    waiting = sum(send(tab) for tab in tabs)
    while waiting:
        line = server.stdout.readline()
        if not line:
            raise RuntimeError("the server of the benchmark ended by itself")
        answer = json.loads(line)
        waiting -= 1
        answers += 1
        tab = tabs[answer["tab"]]
        if answer["what"] == "cards":
            tab.cards = answer["cards"]
            tab.empty = not tab.cards
            leases += [
                (campaign, card["anchor"], tab.rater, card["expires"] - 600, card["expires"]) for card in tab.cards
            ]
        else:
            if answer["refused"]:
                raise RuntimeError(f"refused: {answer['refused']}")
            for one in set(answer["stored"]):
                if one in tab.outbox:
                    confirmed.update(verdict["client_id"] for verdict in tab.outbox.pop(one)["verdicts"])
        waiting += send(tab)
        if kill_after is not None and answers >= kill_after:
            server.send_signal(signal.SIGKILL)
            server.wait()
            return False
    server.stdin.close()
    server.wait(30)
    return True


def _held_by_two(leases: list[tuple[str, str, str, float, float]]) -> int:
    """Products of a campaign whose first cards two people held within the same lease; second opinions come after the first
    is judged, so a third person within ten minutes is one too many.
    """
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for campaign, anchor, rater, _, _ in leases:
        holders[campaign, anchor].add(rater)
    return sum(len(raters) > 2 for raters in holders.values())


if __name__ == "__main__":
    main()
