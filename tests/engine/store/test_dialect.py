"""What differs between SQLite and PostgreSQL is in one module."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select

from engine.store import Database, ProductChangeRow, dialect
from tests.conftest import REPOSITORY

EITHER = pytest.mark.parametrize("kind", ["url", pytest.param("postgres_url", marks=pytest.mark.postgres)])
ASKS = re.compile(r"dialect\.name|get_backend_name|\bsqlite3?\.|pg_advisory|PRAGMA|\bsqlite_\w+|with_variant")
# What the drivers' errors mean, and what is done to a database as a whole.
ELSEWHERE = {"dialect.py", "failures.py", "whole_databases.py"}


@pytest.fixture
def database(request, kind):
    opened = Database(request.getfixturevalue(kind))
    yield opened
    opened.close()


def test_no_other_module_asks_which_database_it_talks_to():
    places = [REPOSITORY / "engine" / name for name in ("store", "curation", "edits", "serving")]
    files = [file for place in places for file in place.rglob("*.py") if "migrations" not in file.parts]
    assert {file.name for file in files if ASKS.search(file.read_text("utf-8"))} <= ELSEWHERE


@EITHER
def test_moments_come_back_in_utc_whatever_zone_they_were_given_in(database):
    given = datetime(2026, 5, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    with database.transaction() as session:
        session.add(ProductChangeRow(item_id="a", before={}, after={}, changed_by=None, changed_at=given, version=1))
    with database.reading() as session:
        row = session.get_one(ProductChangeRow, "a")
        newest = session.execute(select(func.max(ProductChangeRow.changed_at))).scalar_one()
    assert row.changed_at == newest == given
    assert row.changed_at.tzinfo is UTC
    assert newest.tzinfo is UTC


@EITHER
def test_who_holds_a_lock_is_waited_for(database):
    another = Database(database.engine.url.render_as_string(hide_password=False))  # as another process has it
    order, held = [], threading.Event()

    def second() -> None:
        held.wait(5)
        with another.transaction() as session:
            dialect.lock(session, "one")
            order.append("second")

    other = threading.Thread(target=second)
    other.start()
    with database.transaction() as session:
        dialect.lock(session, "one")
        held.set()
        other.join(0.5)
        order.append("first")
    other.join(15)
    another.close()
    assert order == ["first", "second"]


def test_a_password_is_in_no_name(tmp_path):
    assert dialect.display_name(dialect.parse_url("postgres://me:secret@host/db")) == "postgresql://me:***@host/db"
    assert dialect.display_name(dialect.parse_url(f"sqlite:///{tmp_path}/l.db")) == f"{tmp_path}/l.db"
