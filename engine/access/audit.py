"""The record of who did what, and when: every write goes through `deed`, which asks whether it is allowed and writes it down.

What changes the database is recorded in the same transaction: both are there or neither. What changes files cannot be; it is
recorded as begun before it happens, and as done or failed afterwards, so that a process that was killed in between leaves
"begun" behind, never nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.access.acting import Actor, require
from engine.access.roles import Action
from engine.core.settings import Settings, load_settings
from engine.core.workspace import Workspace
from engine.store import AuditRow, Database, database_url

__all__ = ["AuditEntry", "AuditLog", "Deed", "deed", "recorded"]

LONGEST_SUBJECT = 400


@dataclass
class Deed:
    """What is being done; whoever does it may say more about it until the block ends.

    Attributes
    ----------
    before, after : JSON values: what it was, and what it is now.
    """

    actor: Actor
    action: Action
    subject: str
    before: Any = None
    after: Any = None
    nothing_done: bool = False
    """Set where it turned out that nothing changes: then nothing is recorded."""


@dataclass(frozen=True)
class AuditEntry:
    """One row of the audit as people read it; `outcome` is "begun", "done" or "failed"."""

    id: int
    deed: str
    at: datetime
    actor: str
    role: str
    via: str
    action: str
    subject: str
    before: Any
    after: Any
    outcome: str


class AuditLog:
    """The audit in a database. Every method raises `StoreError` where the database refuses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before_id: int | None = None,
        after_id: int | None = None,
        actions: Collection[str] | None = None,
        outcome: str | None = None,
        most: int | None = 200,
    ) -> list[AuditEntry]:
        """What was done, the newest first; `before_id` gives the next page, `most=None` all of it, `actions` any of several."""
        query = select(AuditRow).order_by(AuditRow.id.desc())
        wanted: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
            (actor, AuditRow.actor.__eq__),
            (action, AuditRow.action.__eq__),
            (since, AuditRow.at.__ge__),
            (until, AuditRow.at.__lt__),
            (before_id, AuditRow.id.__lt__),
            (after_id, AuditRow.id.__gt__),
            (actions, AuditRow.action.in_),
            (outcome, AuditRow.outcome.__eq__),
        )
        for given, condition in wanted:
            if given is not None:
                query = query.where(condition(given))
        with self._database.reading() as session:
            return [_from_row(row) for row in session.scalars(query.limit(most))]

    def last_id(self) -> int:
        """The number of the last row; 0 where there is none."""
        with self._database.reading() as session:
            return session.scalar(select(func.max(AuditRow.id))) or 0

    def actors(self) -> list[str]:
        """Everybody who ever did something, by name."""
        with self._database.reading() as session:
            return list(session.scalars(select(AuditRow.actor).distinct().order_by(AuditRow.actor)))


@contextmanager
def deed(
    action: Action,
    subject: str,
    *,
    session: Session | None = None,
    workspace: Workspace | None = None,
    settings: Settings | None = None,
    before: Any = None,
    after: Any = None,
) -> Iterator[Deed]:
    """Do something that has to be allowed and is recorded. Raises `NotAllowedError` before the block where it is not.

    Parameters
    ----------
    subject : what it is done to, as people call it: a product's id, a release's.
    session : the transaction that the block writes in; then the record is part of it.
    workspace, settings : otherwise where the database of the record is; the workspace's own settings unless given. Raises
        `StoreError` before the block where nothing can be recorded.
    """
    done = Deed(require(action), action, subject, before, after)
    if session is not None:
        yield done
        if not done.nothing_done:
            recorded(session, done)
        return
    if workspace is None:
        raise ValueError("a deed is recorded in a session or in a workspace's database")
    number, url = str(uuid.uuid4()), database_url(workspace, settings or load_settings(workspace.root))
    with closing(Database(url)) as database:
        with database.transaction("audit") as begun:
            recorded(begun, done, "begun", number)
        outcome = "failed"
        try:
            yield done
            outcome = "done"
        finally:
            with database.transaction("audit") as ended:
                recorded(ended, done, outcome, number)


def recorded(session: Session, done: Deed, outcome: str = "done", number: str | None = None) -> None:
    """Write a row in this transaction; for what `deed` cannot wrap."""
    actor = done.actor
    session.add(
        AuditRow(
            deed=number or str(uuid.uuid4()), at=datetime.now(UTC), actor=actor.name, role=str(actor.role), via=actor.via,
            action=str(done.action), subject=_storable(done.subject), before=done.before, after=done.after,
            outcome=outcome,
        )
    )  # fmt: skip


def _storable(subject: str) -> str:
    return subject[:LONGEST_SUBJECT].replace("\0", "").encode("utf-8", "backslashreplace").decode("utf-8")


def _from_row(row: AuditRow) -> AuditEntry:
    return AuditEntry(**{field.name: getattr(row, field.name) for field in fields(AuditEntry)})
