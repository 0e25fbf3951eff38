"""A team at work: 25 curators, 10 merchandisers who browse, and one training, at one dashboard or at two.

Curators send a judgement, of one pair, every five seconds over the Review page's routes. Merchandisers are Streamlit sessions without a
browser (`benchmarks.streamlit_session`): ten Chromium would need the two cores that are measured. One dashboard has SQLite and nobody
signs in; two have PostgreSQL and stand behind nginx, which signs people in, as docs/teams.md sets them up.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.streamlit_session import StreamlitSession
from benchmarks.support import ROOT, engine, tree_bytes
from benchmarks.teams import SETTINGS, USER_HEADER, Dashboard, Proxy
from engine.access.people import People
from engine.access.roles import Role
from engine.core.workspace import Workspace
from engine.curation.campaigns import Plan, create_campaign
from engine.curation.judgements import JudgementStore
from engine.recommend.recommender import Recommender
from engine.store import Database
from tests.support.postgres import PostgresServer
from tests.support.tiny_release import build_tiny_release
from ui.review.tokens import ReviewToken, sign_token

__all__ = ["measure"]

MINUTES = 30.0
PRODUCTS, FAMILIES = 3_000, 60
CURATORS, JUDGE_SECONDS = 25, 5.0
MERCHANDISERS, READ_SECONDS = 10, 10.0
PAGES = (
    "similar_items",
    "similar_items",
    "similar_items",
    "new_product",
    "map",
    "shopper",
    "irrelevance",
    "campaigns",
    "model",
    "data",
)
MEMORY_SECONDS = 2.0
SHAPES = {"text": {"model": "none"}, "image": {"kind": "none"}}


@dataclass
class Record:
    """What one person met: (when, seconds) of every answer, and errors in words."""

    answers: list[tuple[float, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)


def measure(arguments: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Warm p95 of judging and browsing, what was confirmed and is not stored, errors, and memory at the end over after warm-up."""
    minutes = getattr(arguments, "minutes", None) or MINUTES
    replicas = getattr(arguments, "replicas", None)
    figures: dict[str, tuple[Any, ...]] = {}
    for count in [replicas] if replicas else [1, 2]:
        with tempfile.TemporaryDirectory(prefix="longtail-load-") as folder:
            Path(folder).chmod(0o755)
            figures |= _measure(Path(folder), count, 60 * minutes)
    return figures


def _measure(folder: Path, count: int, seconds: float) -> dict[str, tuple[Any, ...]]:
    with ExitStack() as open_:
        team = open_.enter_context(_team(folder, count, seconds))
        began = time.perf_counter()
        warm, until = began + min(seconds / 4, 300), began + seconds
        curators = [Record() for _ in range(CURATORS)]
        merchandisers = [Record() for _ in range(MERCHANDISERS)]
        threads = [
            *(
                threading.Thread(target=_judge, args=(team, f"Curator {n}", one, until))
                for n, one in enumerate(curators)
            ),
            *(
                threading.Thread(target=_browse, args=(team, f"Merchandiser {n}", one, until))
                for n, one in enumerate(merchandisers)
            ),
        ]
        training = open_.enter_context(_Training(team.workspace, team.url))
        for thread in threads:
            thread.start()
        memory = _memory(team.dashboards, until)
        for thread in threads:
            thread.join()
        stored = Counter(JudgementStore(team.database).log()["client_id"])
    confirmed = [one for record in curators for one in record.confirmed]
    errors = [error for record in [*curators, *merchandisers] for error in record.errors] + training.errors
    logged = [line for dashboard in team.dashboards for line in _errors_logged(dashboard.log)]
    details = {"seconds": seconds, "curators": CURATORS, "merchandisers": MERCHANDISERS, "products": PRODUCTS}
    said = {"first": (errors + logged)[:10]}
    return {
        f"load_{count}_judging_p95_s": (_p95(curators, warm), "<= 1", details),
        f"load_{count}_browsing_p95_s": (_p95(merchandisers, warm), "<= 1", details),
        f"load_{count}_confirmed_not_stored": (sum(stored[one] == 0 for one in confirmed), "= 0", details),
        f"load_{count}_stored_twice": (sum(number > 1 for number in stored.values()), "= 0", details),
        f"load_{count}_errors": (len(errors) + len(logged), "= 0", details | said),
        f"load_{count}_memory_growth": (_growth(memory, warm, until), "<= 1.1", details | _in_mib(memory)),
        f"load_{count}_judgements": (len(confirmed), "-", details),
        f"load_{count}_pages": (sum(len(one.answers) for one in merchandisers), "-", details),
        f"load_{count}_trainings": (training.done, "-", details),
    }


@dataclass
class _Team:
    """A shop with its release, and the dashboards that serve it at one address."""

    workspace: Workspace
    url: str
    database: Database
    dashboards: list[Dashboard]
    address: str
    campaigns: Sequence[str]
    items: Sequence[str]
    behind_proxy: bool

    def introduce(self, name: str) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and cookies of somebody's browser."""
        return ({USER_HEADER: name}, {}) if self.behind_proxy else ({}, {"longtail_curator": name.replace(" ", "%20")})


@contextmanager
def _team(folder: Path, count: int, seconds: float) -> Iterator[_Team]:
    workspace = build_tiny_release(Workspace(folder / "workspace"), PRODUCTS, n_families=FAMILIES).workspace
    with ExitStack() as open_:
        url = workspace.database_url
        if count > 1:
            server = PostgresServer(fsync=True)
            open_.callback(server.remove)
            url = server.make_database()
            workspace.settings_file.write_text(SETTINGS, "utf-8")
        database = open_.enter_context(closing(Database(url)))
        release = Recommender.open(workspace)
        cards = CURATORS * seconds / JUDGE_SECONDS
        plans = [Plan(f"Campaign {n}", target=PRODUCTS) for n in range(math.ceil(1.2 * cards / PRODUCTS) + 1)]
        campaigns = [create_campaign(database, release, plan) for plan in plans]
        for number in range(CURATORS):
            People(database).set_role(f"Curator {number}", Role.CURATOR)
        for number in range(MERCHANDISERS):
            People(database).set_role(f"Merchandiser {number}", Role.MERCHANDISER)
        dashboards = []
        for number in range(count):
            log = folder / f"dashboard-{number}.log"
            dashboards.append(Dashboard(workspace.root, log, {"LONGTAIL_DATABASE_URL": url}))
            open_.callback(dashboards[-1].stop)
        address = dashboards[0].address
        if count > 1:
            address = open_.enter_context(Proxy("nginx", [one.port for one in dashboards])).address
        items = list(release.items["item_id"])
        yield _Team(workspace, url, database, dashboards, address, campaigns, items, count > 1)


def _judge(team: _Team, name: str, record: Record, until: float) -> None:
    """One curator: a decision every `JUDGE_SECONDS`, cards fetched ahead, sent again until they are confirmed."""
    headers, cookies = team.introduce(name)
    rng = np.random.default_rng(sum(map(ord, name)))
    left, cards = list(team.campaigns), list[dict[str, Any]]()
    due = time.perf_counter() + JUDGE_SECONDS * float(rng.random())
    # A connection that rests for as long as a server keeps it is not used again; browsers try once more where it was closed.
    kept = httpx.Limits(keepalive_expiry=2.0)
    with httpx.Client(base_url=team.address, headers=headers, cookies=cookies, timeout=30, limits=kept) as client:
        client.get("/")
        while due < until and left:
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due + JUDGE_SECONDS, time.perf_counter())
            token = sign_token(team.workspace, ReviewToken(name, left[0]))
            if len(cards) < 2:
                answer = _post(
                    client,
                    record,
                    "cards",
                    {"token": token, "want": 5, "have": [one["id"] for one in cards], "pair": True},
                )
                cards += answer.get("cards", [])
                if answer.get("message") and not cards:
                    left.pop(0)
            if cards:
                _decide(client, record, token, cards.pop(0), rng)


def _decide(client: httpx.Client, record: Record, token: str, card: dict[str, Any], rng: np.random.Generator) -> None:
    verdicts = [
        {"client_id": str(uuid.uuid4()), "neighbour": one["item_id"], "implied": False,
         "verdict": "irrelevant" if rng.random() < 0.2 else "relevant"}
        for one in card["neighbours"]
    ]  # fmt: skip
    decision = {"id": str(uuid.uuid4()), "kind": "judged", "card": card["id"], "verdicts": verdicts, "seconds": 4.0}
    answer = _post(client, record, "decisions", {"token": token, "decisions": [decision]})
    if decision["id"] in answer.get("stored", ()):
        record.confirmed += [one["client_id"] for one in verdicts]
    elif answer:
        record.errors.append(f"refused: {answer['refused']}")


def _post(client: httpx.Client, record: Record, what: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer; empty where it is an error, which is on record."""
    began = time.perf_counter()
    try:
        response = client.post(f"/review/{what}", json=body)
    except httpx.HTTPError as exc:
        record.errors.append(f"/review/{what}: {exc!r}")
        return {}
    record.answers.append((began, time.perf_counter() - began))
    if response.status_code != 200:
        record.errors.append(f"/review/{what}: {response.status_code} {response.text[:200]}")
        return {}
    return dict(response.json())


def _browse(team: _Team, name: str, record: Record, until: float) -> None:
    """One merchandiser: a page, a look at it, another one; the tab is opened anew now and then."""
    headers, cookies = team.introduce(name)
    rng = np.random.default_rng(sum(map(ord, name)))
    time.sleep(READ_SECONDS * float(rng.random()))
    while time.perf_counter() < until:
        try:
            with StreamlitSession(team.address, cookies, headers) as tab:
                for _ in range(20):
                    if time.perf_counter() > until:
                        break
                    page = str(rng.choice(PAGES))
                    query = {"item": str(rng.choice(team.items))} if page == "similar_items" else {}
                    began = time.perf_counter()
                    record.answers.append((began, tab.open(page, **query)))
                    time.sleep(READ_SECONDS * (0.5 + float(rng.random())))
                record.errors += [f"page: {error}" for error in tab.exceptions]
        except (OSError, httpx.HTTPError) as exc:
            record.errors.append(f"page: {exc!r}")
            time.sleep(1.0)


class _Training:
    """One training after another, none published, until the block ends."""

    def __init__(self, workspace: Workspace, url: str) -> None:
        self._command = [str(one) for one in engine(workspace.root, "train", "--no-publish")]
        self._command += ["--set", "text.model=none", "--set", "image.kind=none"]
        self._variables = {**os.environ, "LONGTAIL_DATABASE_URL": url}
        self._over = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._work)
        self.done, self.errors = 0, list[str]()

    def __enter__(self) -> _Training:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        if self._process is not None:
            self._process.terminate()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.is_set():
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._variables,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            said, _ = self._process.communicate()
            if self._over.is_set():
                return
            if self._process.returncode:
                self.errors.append(f"training: {said[-300:]}")
                time.sleep(5.0)
            else:
                self.done += 1


def _memory(dashboards: Sequence[Dashboard], until: float) -> list[tuple[float, float]]:
    """(when, bytes of all dashboards) until then."""
    found = []
    while time.perf_counter() < until:
        found.append((time.perf_counter(), float(sum(tree_bytes(one.process.pid) for one in dashboards))))
        time.sleep(MEMORY_SECONDS)
    return found


def _growth(memory: list[tuple[float, float]], warm: float, until: float) -> float:
    """Memory in the last tenth of the warm time over that in its first tenth."""
    tenth = (until - warm) / 10
    first = [size for at, size in memory if warm <= at <= warm + tenth]
    last = [size for at, size in memory if until - tenth <= at]
    return round(float(np.median(last) / np.median(first)), 3)


def _in_mib(memory: list[tuple[float, float]]) -> dict[str, Any]:
    sizes = [size / 2**20 for _, size in memory]
    picked = np.linspace(0, len(sizes) - 1, min(len(sizes), 16)).astype(int)
    return {"mib": [round(sizes[at]) for at in picked]}


def _p95(records: Sequence[Record], warm: float) -> float:
    seconds = [taken for record in records for at, taken in record.answers if at >= warm]
    return round(float(np.percentile(seconds, 95)), 3)


def _errors_logged(log: Path) -> list[str]:
    """Lines of a dashboard's log that say an error."""
    lines = log.read_text("utf-8", "replace").splitlines()
    return [line[:300] for line in lines if "Traceback" in line or '"level": "error"' in line]
