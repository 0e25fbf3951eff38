"""What each person has seen: how far they have read what happened, and whether they were shown around.

What happened is on record already, in the audit and with the runs; a mark says up to where it is old. Marks are nobody's deeds and
are not in the audit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from engine.store import Database, MarkRow

__all__ = ["Mark", "Marks"]


@dataclass(frozen=True)
class Mark:
    """The last row of the audit and the last run that somebody has seen, and whether they were shown around."""

    deed_id: int = 0
    run_id: str = ""
    toured: bool = False


class Marks:
    """The marks in a database. Every method raises `StoreError` where the database refuses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, person: str) -> Mark | None:
        """The mark of somebody; None where they were never here."""
        with self._database.reading() as session:
            row = session.get(MarkRow, person)
            return None if row is None else Mark(row.deed_id, row.run_id, row.toured_at is not None)

    def begin(self, person: str, deed_id: int, run_id: str) -> None:
        """For somebody who is here for the first time all that happened so far is old; a mark they have stays."""
        if self.of(person) is None:
            with self._database.transaction("marks") as session:
                _row(session, person, deed_id, run_id)

    def seen(self, person: str, deed_id: int, run_id: str) -> None:
        """Somebody has seen all up to these; a mark never goes back."""
        with self._database.transaction("marks") as session:
            row = _row(session, person)
            row.deed_id, row.run_id = max(row.deed_id, deed_id), max(row.run_id, run_id)

    def toured(self, person: str, *, toured: bool = True) -> None:
        """Somebody was shown around, or wants to be again."""
        with self._database.transaction("marks") as session:
            _row(session, person).toured_at = datetime.now(UTC) if toured else None


def _row(session: Session, person: str, deed_id: int = 0, run_id: str = "") -> MarkRow:
    row = session.get(MarkRow, person)
    if row is None:
        row = MarkRow(person=person, deed_id=deed_id, run_id=run_id)
        session.add(row)
    return row
