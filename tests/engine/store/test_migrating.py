"""Versions of the tables: up and down on both databases with rows in every table, nothing deleted unasked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import JSON, Boolean, Float, Integer, insert, inspect, select
from sqlalchemy.types import TypeEngine

from engine.core.errors import InputError
from engine.store import Base
from engine.store.dialect import UtcDateTime
from engine.store.migrating import downgrade, revisions, upgrade
from engine.store.schema_version import current_revision, newest_revision

ON_BOTH_DATABASES = True
FIRST = "0001"
# What a column takes where not every value of its type will do.
VALUES = {
    "judgements.verdict": "irrelevant", "campaigns.kind": "planned", "cards.kind": "first", "cards.state": "judged",
    "cards.pair_probability": 0.5, "drafts.state": "approved", "audit.outcome": "done", "places.kind": "boosted",
}  # fmt: skip


def value_of(kind: TypeEngine) -> object:
    if isinstance(kind, JSON):
        return {"żółty": [1, 2.5]}
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, Float):
        return 1_800_000_000.25
    if isinstance(kind, UtcDateTime):
        return datetime(2026, 5, 1, 12, 0, 0, 250, tzinfo=UTC)
    return 1 if isinstance(kind, Integer) else "x"


def fill(database) -> None:
    """A row in every table, every column filled."""
    with database.engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            row = {one.name: VALUES.get(f"{table.name}.{one.name}", value_of(one.type)) for one in table.columns}
            connection.execute(insert(table).values(row))


def contents(database) -> dict[str, list[dict]]:
    """Table -> rows, of the tables that are there, by the columns that are."""
    with database.engine.connect() as connection:
        there = {name: {one["name"] for one in inspect(connection).get_columns(name)} for name in tables(database)}
        return {
            table.name: [
                dict(row._mapping)
                for row in connection.execute(select(*(one for one in table.columns if one.name in there[table.name])))
            ]
            for table in Base.metadata.sorted_tables
            if table.name in there
        }


def tables(database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


@pytest.mark.parametrize("revision", sorted(revisions())[:-1])
def test_down_and_up_again_keeps_what_the_older_version_has_a_place_for(url, open_database, revision):
    database = open_database(url)
    fill(database)
    full = contents(database)
    downgrade(database.engine, revision, accept_loss=True)
    assert current_revision(database.engine) == revision
    kept = contents(database)
    upgrade(database.engine)
    again = contents(database)
    assert set(again) == set(full)
    for name, rows in kept.items():
        assert [{key: row[key] for key in kept_row} for row, kept_row in zip(full[name], rows, strict=True)] == rows
        assert [{key: row[key] for key in kept_row} for row, kept_row in zip(again[name], rows, strict=True)] == rows
    assert all(rows == [] for name, rows in again.items() if name not in kept)


def test_what_going_down_would_delete_is_said_and_nothing_is_changed(url, open_database):
    database = open_database(url)
    fill(database)
    full = contents(database)
    with pytest.raises(InputError, match=r"deletes 1 rows of .*drafts.*Nothing was changed.*--accept-loss"):
        downgrade(database.engine, "0002")
    assert contents(database) == full
    assert current_revision(database.engine) == next(iter(revisions()))


def test_where_nothing_is_deleted_going_down_needs_no_leave(url, open_database):
    database = open_database(url)
    assert downgrade(database.engine, FIRST) == []
    assert tables(database) == {"judgements", "appearances"}


@pytest.mark.parametrize("revision", ["0000", "9999", "", "head"])
def test_only_an_older_version_can_be_gone_down_to(url, open_database, revision):
    database = open_database(url)
    with pytest.raises(InputError, match="Choose: "):
        downgrade(database.engine, revision)
    assert current_revision(database.engine) == next(iter(revisions()))


def test_the_newest_version_is_told_from_the_files_alone():
    assert newest_revision() == next(iter(revisions()))
