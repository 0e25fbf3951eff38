"""The table of changed products."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.base import Base
from engine.store.dialect import UtcDateTime

__all__ = ["ProductChangeRow"]


class ProductChangeRow(Base):
    """What people changed of a product: of each field what it was, and what it is now; null where it was or is empty.

    `version` grows with every change, so that nobody overwrites what they have not seen.
    """

    __tablename__ = "product_changes"

    item_id: Mapped[str] = mapped_column(Text, primary_key=True)
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
    changed_by: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)
