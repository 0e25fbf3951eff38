"""The tables of people and of what they did. Rows of `audit` are added and never changed: the database itself refuses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.base import Base
from engine.store.dialect import ROW_NUMBER, ROW_NUMBERS_ARE_NEVER_REUSED, UtcDateTime

__all__ = ["AuditRow", "PersonRow"]


class PersonRow(Base):
    """Somebody who was here, or was given a role.

    Attributes
    ----------
    role : what an admin gave them; null where nobody did.
    claimed_role : what sign-in said of them when they were last here.
    signed_out_at : sessions that began before are over.
    """

    __tablename__ = "people"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    role: Mapped[str | None] = mapped_column(String(16))
    claimed_role: Mapped[str | None] = mapped_column(String(16))
    set_by: Mapped[str | None] = mapped_column(Text)
    set_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_seen: Mapped[datetime | None] = mapped_column(UtcDateTime)
    signed_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditRow(Base):
    """One thing that somebody did, or began: rows of one deed share its `deed`, and the last of them says how it ended."""

    __tablename__ = "audit"
    __table_args__ = (
        CheckConstraint("outcome IN ('begun', 'done', 'failed')", name="outcome"),
        Index(None, "actor", "id"),
        ROW_NUMBERS_ARE_NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    deed: Mapped[str] = mapped_column(String(36))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(16))
    via: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(Text)
    before: Mapped[Any] = mapped_column(JSON)
    after: Mapped[Any] = mapped_column(JSON)
    outcome: Mapped[str] = mapped_column(String(8))
