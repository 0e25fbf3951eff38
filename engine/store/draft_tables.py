"""The table of drafts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.base import Base
from engine.store.dialect import UtcDateTime

__all__ = ["DraftRow"]


class DraftRow(Base):
    """A product to be, under the id it will keep; `item` is its description, `pictures` content hashes, the leading one first.

    `version` grows with every change, so that nobody overwrites what they have not seen.
    """

    __tablename__ = "drafts"
    __table_args__ = (CheckConstraint("state IN ('draft', 'approved', 'taken_in', 'discarded')", name="state"),)

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    item: Mapped[dict[str, Any]] = mapped_column(JSON)
    pictures: Mapped[list[str]] = mapped_column(JSON)
    created_by: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)
