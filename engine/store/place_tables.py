"""The table of places that people gave to products."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.base import Base
from engine.store.dialect import UtcDateTime

__all__ = ["PlaceRow"]


class PlaceRow(Base):
    """A product, or a draft that is one already, that stands higher on lists than it would by itself, until a day."""

    __tablename__ = "places"
    __table_args__ = (
        CheckConstraint("kind IN ('guaranteed', 'boosted')", name="kind"),
        CheckConstraint("lists >= 0", name="lists"),
    )

    item_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    lists: Mapped[int] = mapped_column(Integer)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    given_by: Mapped[str | None] = mapped_column(Text)
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
