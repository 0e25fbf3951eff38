"""Deeds and their record, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import text

from engine.access.acting import Actor, acting
from engine.access.audit import AuditLog, deed
from engine.access.audit_table import audit_table
from engine.access.people import People
from engine.access.roles import Action, Role
from engine.core.errors import InputError, NotAllowedError, NotFoundError, StoreError
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.store import Database

LEAD, CURATOR = Actor("Lea", Role.LEAD, "sign-in"), Actor("Ada", Role.CURATOR, "sign-in")
BOTH = pytest.mark.parametrize("kind", ["url", pytest.param("postgres_url", marks=pytest.mark.postgres)])


@pytest.fixture
def database(request: pytest.FixtureRequest, kind: str) -> Iterator[Database]:
    with closing(Database(request.getfixturevalue(kind))) as database:
        yield database


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/longtail.db"


@BOTH
def test_what_is_done_in_a_transaction_is_recorded_in_it(database: Database) -> None:
    with (
        acting(LEAD),
        database.transaction() as session,
        deed(Action.PUBLISH, "r0002", session=session, before="r0001") as done,
    ):
        done.after = {"release": "r0002"}
    (entry,) = AuditLog(database).entries()
    assert (entry.actor, entry.role, entry.via, entry.action) == ("Lea", "lead", "sign-in", "publish")
    assert (entry.subject, entry.before, entry.after, entry.outcome) == ("r0002", "r0001", {"release": "r0002"}, "done")


@BOTH
def test_what_fails_is_not_recorded_as_done(database: Database) -> None:
    with (
        acting(LEAD),
        pytest.raises(RuntimeError),
        database.transaction() as session,
        deed(Action.PUBLISH, "r0002", session=session),
    ):
        raise RuntimeError
    assert AuditLog(database).entries() == []


@BOTH
def test_the_database_lets_nobody_change_the_record(database: Database) -> None:
    with database.transaction() as session, deed(Action.TRAIN, "x", session=session):
        pass
    statements = ["UPDATE audit SET actor = 'Bo'", "DELETE FROM audit"]
    for statement in statements:
        with pytest.raises(StoreError), database.transaction() as session:
            session.execute(text(statement))
    assert len(AuditLog(database).entries()) == 1


def test_work_on_files_is_recorded_before_and_after(tmp_path) -> None:
    workspace, settings = Workspace(tmp_path), Settings()
    with acting(LEAD), deed(Action.TRAIN, "one", workspace=workspace, settings=settings):
        pass
    with acting(LEAD), pytest.raises(OSError), deed(Action.TRAIN, "two", workspace=workspace, settings=settings):
        raise OSError("disk full")
    entries = AuditLog(Database(workspace.database_url)).entries()[::-1]
    assert [(one.subject, one.outcome) for one in entries] == [
        *(("one", "begun"), ("one", "done")),
        *(("two", "begun"), ("two", "failed")),
    ]
    assert entries[0].deed == entries[1].deed != entries[2].deed == entries[3].deed


def test_what_is_not_allowed_does_not_begin(tmp_path) -> None:
    with acting(CURATOR), pytest.raises(NotAllowedError), deed(Action.TRAIN, "x", workspace=Workspace(tmp_path)):
        raise AssertionError("it began")
    assert not (tmp_path / "longtail.db").exists()


def test_any_subject_can_be_recorded(tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path}/longtail.db")
    with database.transaction() as session, deed(Action.JUDGE, "a\0b\ud800" + "x" * 1000, session=session):
        pass
    (entry,) = AuditLog(database).entries()
    assert entry.subject.startswith("ab\\ud800x")
    assert len(entry.subject) <= 410


def test_entries_are_found_by_person_action_and_page(tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path}/longtail.db")
    for number in range(6):
        actor = LEAD if number % 2 else CURATOR
        with acting(actor), database.transaction() as session, deed(Action.JUDGE, str(number), session=session):
            pass
    log = AuditLog(database)
    assert [one.subject for one in log.entries(actor="Lea")] == ["5", "3", "1"]
    assert log.entries(action="publish") == []
    first = log.entries(most=2)
    assert [one.subject for one in log.entries(before_id=first[-1].id, most=2)] == ["3", "2"]
    assert log.actors() == ["Ada", "Lea"]
    table = audit_table(log.entries())
    assert list(table["subject"]) == list("543210")
    assert (table["before"] == "").all()


@BOTH
def test_roles_are_given_and_taken_back_and_that_is_recorded(database: Database) -> None:
    people = People(database)
    people.set_role("Ada", Role.ADMIN)
    people.set_role("Bo", Role.LEAD)
    people.seen("Cy", Role.LEAD)
    assert people.role_of("Bo") is Role.LEAD
    assert people.role_of("Nobody") is None
    assert people.leads() == {"Ada", "Bo", "Cy"}
    people.remove("Bo")
    assert people.role_of("Bo") is None
    recorded = [(one.subject, one.before, one.after) for one in AuditLog(database).entries()]
    assert recorded == [("Bo", "lead", None), ("Bo", None, "lead"), ("Ada", None, "admin")]


def test_a_role_is_given_to_whoever_signs_in_however_their_address_is_written(tmp_path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/longtail.db")) as database:
        people = People(database)
        for name in ("bo@shop.com", "ada@shop.com"):
            people.set_role(name, Role.ADMIN)
        people.set_role(" Ada@Shop.com", Role.VIEWER)
        assert {one.name: one.role for one in people.all()} == {"ada@shop.com": Role.VIEWER, "bo@shop.com": Role.ADMIN}
        people.remove("ADA@shop.com")
        assert people.role_of("ada@shop.com") is None


@BOTH
def test_ending_somebodys_sessions_is_recorded_and_for_admins_alone(database: Database) -> None:
    people = People(database)
    with acting(LEAD), pytest.raises(NotAllowedError):
        people.end_sessions("Ada")
    people.end_sessions("Ada")
    assert [(one.subject, one.after) for one in AuditLog(database).entries()] == [("Ada", "sessions ended")]


@BOTH
def test_the_last_admin_stays(database: Database) -> None:
    people = People(database)
    people.set_role("Ada", Role.ADMIN)
    with pytest.raises(InputError, match="last admin"):
        people.remove("Ada")
    with pytest.raises(InputError, match="last admin"):
        people.set_role("Ada", Role.VIEWER)
    people.set_role("Ada", Role.LEAD, other_admins=["Bo"])
    assert people.role_of("Ada") is Role.LEAD


def test_roles_are_set_by_admins_alone(tmp_path) -> None:
    people = People(Database(f"sqlite:///{tmp_path}/longtail.db"))
    with acting(LEAD), pytest.raises(NotAllowedError):
        people.set_role("Lea", Role.ADMIN)
    assert people.all() == []
    with pytest.raises(NotFoundError):
        people.remove("Nobody")
