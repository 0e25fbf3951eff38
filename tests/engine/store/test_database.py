"""Migrations: they build the tables the store uses, once, whoever comes first."""

from __future__ import annotations

import multiprocessing
import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from engine.access.audit import AuditLog, deed
from engine.access.roles import Action
from engine.core.errors import StoreError
from engine.core.workspace import Workspace
from engine.store import Base, Database, dialect, failures


@pytest.mark.parametrize("kind", ["url", pytest.param("postgres_url", marks=pytest.mark.postgres)])
def test_the_migrations_build_exactly_the_tables_that_the_code_knows(request, kind):
    database = Database(request.getfixturevalue(kind))
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        constraints = {name: _constraints(connection, name) for name in ("judgements", "appearances")}
    database.close()
    assert constraints == {
        "judgements": {"ck_judgements_anchor_count", "ck_judgements_verdict", "uq_judgements_client_id"},
        "appearances": {"ck_appearances_rank", "fk_appearances_judgement_id"},
    }


@pytest.mark.parametrize("kind", ["url", pytest.param("postgres_url", marks=pytest.mark.postgres)])
def test_processes_that_open_a_new_database_at_once_all_find_it_ready(request, kind):
    url = request.getfixturevalue(kind)
    context = multiprocessing.get_context("fork")
    start = context.Barrier(4)
    processes = [context.Process(target=_open, args=(url, start)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 4


def test_a_migration_that_fails_leaves_the_database_as_it_was(url):
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE appearances (in_the_way INTEGER)")
    with pytest.raises(StoreError, match="refused"):
        Database(url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["appearances"]


def test_a_database_of_a_newer_version_is_left_alone(url):
    Database(url)
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="newer version of Longtail"):
        Database(url)


def test_a_missing_driver_is_named(monkeypatch):
    def create(*_args, **_options):
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")

    monkeypatch.setattr(dialect, "create_engine", create)
    with pytest.raises(StoreError, match="psycopg"):
        Database("postgresql://host/database")


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        ("database is locked", "is busy"),
        ("canceling statement due to lock timeout", "is busy"),
        ("attempt to write a readonly database", "cannot be written"),
        ("unable to open database file", "is gone"),
        ("database or disk is full", "is full"),
        ("could not extend file: No space left on device", "is full"),
        ("database disk image is malformed", "is damaged"),
        ("disk I/O error", "full or failing"),
        ("server closed the connection unexpectedly", "cannot be reached"),
        ("something nobody has seen yet", "refused"),
    ],
)
def test_what_a_database_says_becomes_a_sentence_that_says_nothing_was_stored(cause, sentence):
    said = failures.sentence("longtail.db", cause)
    assert sentence in said
    assert "longtail.db" not in said, "where the database lies is for the log"
    assert "Nothing was stored" in said


def test_a_folder_in_which_no_journal_can_be_made_is_not_a_database_that_is_gone(tmp_path):
    file = tmp_path / "longtail.db"
    file.touch()
    assert "cannot be written" in failures.sentence(str(file), "unable to open database file")


def _constraints(connection, table: str) -> set[str]:
    inspector = inspect(connection)
    found = inspector.get_check_constraints(table) + inspector.get_unique_constraints(table)
    return {constraint["name"] for constraint in found + inspector.get_foreign_keys(table)}


def _open(url: str, start) -> None:
    start.wait()
    Database(url).close()


@pytest.mark.parametrize(
    ("column", "value"), [("at", "2026-11-27 10:37832.5"), ("before", '"r00\x0001"')], ids=["time", "json"]
)
def test_a_stored_value_that_is_none_of_its_kind_is_a_damaged_database(tmp_path, column, value):
    database = Database(f"sqlite:///{tmp_path / 'longtail.db'}")
    with deed(Action.PUBLISH, "r0001", workspace=Workspace(tmp_path)):
        pass
    with sqlite3.connect(tmp_path / "longtail.db") as connection:  # as a flipped bit does, past every trigger
        connection.execute("DROP TRIGGER audit_is_kept_from_update")
        connection.execute(f"UPDATE audit SET {column} = ?", (value,))
    connection.close()
    with pytest.raises(StoreError, match="is damaged"):
        AuditLog(database).entries()


def test_an_error_of_who_reads_is_not_the_databases(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'longtail.db'}")
    with pytest.raises(ValueError, match="mine"), database.reading():
        raise ValueError("mine")
