"""The table of what each person has seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.base import Base
from engine.store.dialect import UtcDateTime

__all__ = ["MarkRow"]


class MarkRow(Base):
    """How far somebody has read what happened, and whether they were shown around.

    Attributes
    ----------
    deed_id : of the last row of the audit that they have seen. run_id : of the last run whose end they have seen; "" for none.
    toured_at : when they took the tour, or said that they do not want it; null before.
    """

    __tablename__ = "marks"

    person: Mapped[str] = mapped_column(Text, primary_key=True)
    deed_id: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[str] = mapped_column(String(200))
    toured_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
