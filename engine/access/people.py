"""The table of people: who was here, and who was given which role."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from engine.access.acting import require
from engine.access.audit import deed
from engine.access.roles import Action, Role
from engine.core.errors import InputError, NotFoundError
from engine.core.identifiers import check_storable
from engine.store import Database, PersonRow

__all__ = ["People", "Person"]


@dataclass(frozen=True)
class Person:
    """Somebody as the table knows them; `role` was given by an admin, `claimed_role` by sign-in."""

    name: str
    role: Role | None
    claimed_role: Role | None
    set_by: str | None
    set_at: datetime | None
    last_seen: datetime | None
    signed_out_at: datetime | None


class People:
    """The people in a database. Every method raises `StoreError` where the database refuses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Person | None:
        """One of them."""
        with self._database.reading() as session:
            row = session.get(PersonRow, name)
            return None if row is None else _from_row(row)

    def role_of(self, name: str) -> Role | None:
        """The role that an admin gave them."""
        person = self.get(name)
        return None if person is None else person.role

    def all(self) -> list[Person]:
        """Everybody, by name."""
        with self._database.reading() as session:
            return [_from_row(row) for row in session.scalars(select(PersonRow).order_by(PersonRow.name))]

    def leads(self) -> frozenset[str]:
        """Names of those whose word decides about a neighbour; empty where nobody is a lead or an admin by name."""
        high = [str(role) for role in Role if role.covers(Role.LEAD)]
        query = select(PersonRow.name).where(or_(PersonRow.role.in_(high), PersonRow.claimed_role.in_(high)))
        with self._database.reading() as session:
            return frozenset(session.scalars(query))

    def set_role(self, name: str, role: Role, *, other_admins: Collection[str] = ()) -> None:
        """Give somebody a role, also before they were ever here. Raises `InputError` where that would leave no admin.

        Parameters
        ----------
        other_admins : who is an admin by the settings.
        """
        name = _checked(name)
        with self._database.transaction("people") as session:
            row = self._row(session, name, make=True)
            with deed(Action.SET_ROLES, name, session=session, before=row.role, after=str(role)) as done:
                if role is not Role.ADMIN:
                    _keep_an_admin(session, row, other_admins)
                row.role, row.set_by, row.set_at = str(role), done.actor.name, datetime.now(UTC)

    def remove(self, name: str, *, other_admins: Collection[str] = ()) -> None:
        """Take back the role somebody was given; errors as `set_role`, and `NotFoundError`."""
        require(Action.SET_ROLES)
        with self._database.transaction("people") as session:
            row = self._row(session, _checked(name))
            with deed(Action.SET_ROLES, row.name, session=session, before=row.role) as done:
                _keep_an_admin(session, row, other_admins)
                row.role, row.set_by, row.set_at = None, done.actor.name, datetime.now(UTC)

    def seen(self, name: str, claimed: Role | None) -> None:
        """Somebody is here, and this is what their sign-in says of them."""
        with self._database.transaction("people") as session:
            row = self._row(session, _checked(name), make=True)
            row.claimed_role, row.last_seen = None if claimed is None else str(claimed), datetime.now(UTC)

    def end_sessions(self, name: str) -> None:
        """End all sessions that somebody else has now. Raises `NotAllowedError` where who acts may not."""
        require(Action.SET_ROLES)
        with self._database.transaction("people") as session:
            row = self._row(session, _checked(name), make=True)
            with deed(Action.SET_ROLES, name, session=session, before="signed in", after="sessions ended"):
                row.signed_out_at = datetime.now(UTC)

    def sign_out(self, name: str) -> None:
        """End all sessions that somebody has now; for themselves."""
        with self._database.transaction("people") as session:
            self._row(session, _checked(name), make=True).signed_out_at = datetime.now(UTC)

    def _row(self, session: Session, name: str, *, make: bool = False) -> PersonRow:
        row = session.get(PersonRow, name)
        if row is None and not make:
            raise NotFoundError(f"Nobody called {name!r} was given a role.")
        if row is None:
            row = PersonRow(name=name)
            session.add(row)
        return row


def _keep_an_admin(session: Session, leaving: PersonRow, other_admins: Collection[str]) -> None:
    if leaving.role != Role.ADMIN or set(other_admins) - {leaving.name}:
        return
    others = select(PersonRow.name).where(PersonRow.role == str(Role.ADMIN), PersonRow.name != leaving.name)
    if session.execute(others).first() is None:
        raise InputError("this is the last admin. Make somebody else one first.", field="role")


def _checked(name: str) -> str:
    """As sign-in writes it: an address in small letters, or a role would be somebody's who can never sign in."""
    name = unicodedata.normalize("NFC", name.strip())
    name = name.lower() if "@" in name else name
    check_storable(name, "name")
    if len(name) > 200:
        raise InputError("a name has at most 200 characters", field="name")
    return name


def _from_row(row: PersonRow) -> Person:
    values = {field.name: getattr(row, field.name) for field in fields(Person)}
    for name in ("role", "claimed_role"):
        values[name] = None if values[name] is None else Role(values[name])
    return Person(**values)
