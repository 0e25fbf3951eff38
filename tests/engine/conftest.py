"""Stores to test against, and judgements made from what a test cares about."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from engine.curation.judgements import JudgementStore
from engine.curation.votes import Judgement
from engine.store import Database
from tests.conftest import skip_or_fail


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/longtail.db"


@pytest.fixture
def open_store() -> Iterator[Callable[[str], JudgementStore]]:
    """`JudgementStore`, closed when the test ends."""
    with ExitStack() as opened:

        def open_(url: str) -> JudgementStore:
            store = JudgementStore(Database(url))
            opened.callback(store.database.close)
            return store

        yield open_


@pytest.fixture
def store(url: str, open_store: Callable[[str], JudgementStore]) -> JudgementStore:
    return open_store(url)


@pytest.fixture(scope="session")
def judge() -> Callable[..., Judgement]:
    """A valid judgement; arguments replace single fields."""

    def make(anchor: str = "a", neighbour: str = "n", verdict: str = "irrelevant", **changes: Any) -> Judgement:
        fields = {
            "client_id": str(uuid.uuid4()),
            "implied": False,
            "rater": "Ann",
            "source": "similar_items",
            "release_id": "r1",
            "anchor_count": 3,
            "ranks": {"als": 1},
        } | changes
        return Judgement(anchor_id=anchor, neighbour_id=neighbour, verdict=verdict, **fields)

    return make


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A throwaway PostgreSQL server; yields a URL without the database's name."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda path: int(path.parent.name))
    if programs is None or not (programs / "initdb").exists():
        skip_or_fail("no PostgreSQL under /usr/lib/postgresql")
    folder = Path(tempfile.mkdtemp(prefix="longtail-postgres-"))
    # PostgreSQL refuses to run as root: there its own user runs it.
    become = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if become:
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"

    def run(*arguments: str) -> None:
        subprocess.run([*become, *arguments], check=True, capture_output=True, timeout=60, cwd=folder)

    try:
        run(f"{programs}/initdb", "-D", str(data), "-U", "longtail", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
        run(f"{programs}/pg_ctl", "-D", str(data), "-w", "-l", f"{folder}/log", "-o", options, "start")
        yield f"postgresql://longtail@127.0.0.1:{port}"
    finally:
        subprocess.run(
            [*become, f"{programs}/pg_ctl", "-D", str(data), "-m", "immediate", "stop"], capture_output=True, cwd=folder
        )
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty database of its own for each test."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{postgres_server}/{name}"
