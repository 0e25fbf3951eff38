"""Stamps: whether drafts or changes are still what they were when somebody last looked, whichever process wrote them.

A stamp is drawn anew with every write. Neither counts nor times would do: a clock that is set back makes an edit look older
than what it replaces, and one row can take the place of another of the same version.
"""

from __future__ import annotations

import secrets

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.store.base import Base

__all__ = ["StampRow", "renew_stamp", "stamp"]


class StampRow(Base):
    """The stamp of a subject; none before anything was written about it."""

    __tablename__ = "stamps"
    __table_args__ = {"info": {"derived": True}}  # noqa: RUF012

    subject: Mapped[str] = mapped_column(String(32), primary_key=True)
    stamp: Mapped[str] = mapped_column(String(32))


def renew_stamp(session: Session, subject: str) -> None:
    """Give the subject another stamp when this transaction ends."""
    session.merge(StampRow(subject=subject, stamp=secrets.token_hex(16)))


def stamp(session: Session, subject: str) -> str:
    """The subject's stamp; empty where nothing was written about it."""
    row = session.get(StampRow, subject)
    return "" if row is None else row.stamp
