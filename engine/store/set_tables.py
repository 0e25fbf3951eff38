"""The table of sets of products."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.base import Base
from engine.store.dialect import UtcDateTime

__all__ = ["ProductSetRow"]


class ProductSetRow(Base):
    """Products that somebody wants to find again: by their ids, or by a search that is made anew each time.

    What is removed stays, so that it can be brought back.
    """

    __tablename__ = "product_sets"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    item_ids: Mapped[list[str]] = mapped_column(JSON)
    search: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_by: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_removed: Mapped[bool] = mapped_column(Boolean)
