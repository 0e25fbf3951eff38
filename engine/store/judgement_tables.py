"""The tables that hold people's judgements.

`judgements` is a log: rows are added and never changed. `appearances` says where a judged pair stood when it was
judged: every arm that returned it in that release, with its rank. A migration under `migrations/versions` makes every
change to these tables; a test holds that the two agree. The verdicts that the database takes are in the migrations alone.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from engine.store.base import Base
from engine.store.dialect import ROW_NUMBER, ROW_NUMBERS_ARE_NEVER_REUSED, UtcDateTime

__all__ = ["AppearanceRow", "JudgementRow"]


class JudgementRow(Base):
    """One vote of one rater about one pair; the newest of them (highest `id`) is in force."""

    __tablename__ = "judgements"
    __table_args__ = (
        UniqueConstraint("client_id"),
        CheckConstraint("anchor_count >= 0", name="anchor_count"),
        Index(None, "anchor_id", "neighbour_id", "rater", "id"),
        ROW_NUMBERS_ARE_NEVER_REUSED,  # they are the order of votes
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    client_id: Mapped[str] = mapped_column(String(36))
    anchor_id: Mapped[str] = mapped_column(Text)
    neighbour_id: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(String(16))
    implied: Mapped[bool] = mapped_column(Boolean)
    rater: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(32))
    release_id: Mapped[str] = mapped_column(Text)
    anchor_count: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str | None] = mapped_column(Text)
    card_id: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    appearances: Mapped[list[AppearanceRow]] = relationship(order_by="AppearanceRow.arm", lazy="selectin")


class AppearanceRow(Base):
    """One arm that returned the judged pair, and the rank it gave the neighbour; the first is 1."""

    __tablename__ = "appearances"
    __table_args__ = (CheckConstraint("rank >= 1", name="rank"),)

    judgement_id: Mapped[int] = mapped_column(ForeignKey("judgements.id", ondelete="CASCADE"), primary_key=True)
    arm: Mapped[str] = mapped_column(String(32), primary_key=True)
    rank: Mapped[int] = mapped_column(Integer)
