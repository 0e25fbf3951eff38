"""Stores to test against, and judgements made from what a test cares about."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from engine.curation.judgements import JudgementStore
from engine.curation.votes import Judgement
from engine.store import Database


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Modules that say `ON_BOTH_DATABASES = True` run what needs a database on SQLite and on PostgreSQL."""
    if "url" in metafunc.fixturenames and getattr(metafunc.module, "ON_BOTH_DATABASES", False):
        kinds = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
        metafunc.parametrize("url", kinds, indirect=True)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if getattr(request, "param", "sqlite") == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/longtail.db"


@pytest.fixture
def open_database() -> Iterator[Callable[[str], Database]]:
    """`Database`, closed when the test ends."""
    with ExitStack() as opened:

        def open_(url: str) -> Database:
            database = Database(url)
            opened.callback(database.close)
            return database

        yield open_


@pytest.fixture
def open_store(open_database: Callable[[str], Database]) -> Callable[[str], JudgementStore]:
    """`JudgementStore`, closed when the test ends."""
    return lambda url: JudgementStore(open_database(url))


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
