"""The tables that hold people's judgements.

`judgements` is a log: rows are added and never changed. `appearances` says where a judged pair stood when it was
judged: every arm that returned it in that release, with its rank. A migration under `migrations/versions` makes every
change to these tables; a test holds that the two agree.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

__all__ = ["AppearanceRow", "Base", "JudgementRow"]


class Base(DeclarativeBase):
    """Names every constraint, so that later migrations can refer to it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class JudgementRow(Base):
    """One vote of one rater about one pair; the newest of them (highest `id`) is in force."""

    __tablename__ = "judgements"
    __table_args__ = (
        UniqueConstraint("client_id"),
        CheckConstraint("verdict IN ('irrelevant', 'relevant', 'unsure', 'withdrawn')", name="verdict"),
        CheckConstraint("anchor_count >= 0", name="anchor_count"),
        Index(None, "anchor_id", "neighbour_id", "rater", "id"),
        # SQLite otherwise gives the number of a removed last row to the next one, and numbers are the order of votes.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
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
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    appearances: Mapped[list[AppearanceRow]] = relationship(order_by="AppearanceRow.arm", lazy="selectin")


class AppearanceRow(Base):
    """One arm that returned the judged pair, and the place (1-based) it gave the neighbour."""

    __tablename__ = "appearances"
    __table_args__ = (CheckConstraint("rank >= 1", name="rank"),)

    judgement_id: Mapped[int] = mapped_column(ForeignKey("judgements.id", ondelete="CASCADE"), primary_key=True)
    arm: Mapped[str] = mapped_column(String(32), primary_key=True)
    rank: Mapped[int] = mapped_column(Integer)
