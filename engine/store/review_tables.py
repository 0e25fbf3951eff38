"""The tables of the review queue: campaigns, the order in which a campaign draws its products, and the cards drawn.

Together they are the sampling record: whatever chance decided stands here, so that rates can be worked out from it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.base import Base
from engine.store.dialect import UtcDateTime

__all__ = ["CampaignAnchorRow", "CampaignRow", "CardRow"]


class CampaignRow(Base):
    """What is judged, and how its products are drawn."""

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint("kind IN ('everyday', 'planned', 'chosen')", name="kind"),
        Index(None, "kind", "release_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(16))
    release_id: Mapped[str] = mapped_column(Text)
    other_release_id: Mapped[str | None] = mapped_column(Text)
    arms: Mapped[list[str]] = mapped_column(JSON)
    strata: Mapped[list[int]] = mapped_column(JSON)
    target: Mapped[int] = mapped_column(Integer)
    second_share: Mapped[float] = mapped_column(Float)
    repeat_share: Mapped[float] = mapped_column(Float)
    sampling: Mapped[str] = mapped_column(Text)
    guidelines: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deadline: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CampaignAnchorRow(Base):
    """A product of a campaign: its place in the random order of its stratum, and how far it is judged.

    `first_card` and `second_card` were drawn last; `taken_until` and `second_until` are when their leases end, epoch
    seconds, 0 where nobody holds them.
    """

    __tablename__ = "campaign_anchors"
    __table_args__ = (Index(None, "campaign_id", "done", "position", "stratum"),)

    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    anchor_id: Mapped[str] = mapped_column(Text, primary_key=True)
    anchor_count: Mapped[int] = mapped_column(Integer)
    stratum: Mapped[int] = mapped_column(Integer)
    stratum_size: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    twice: Mapped[bool] = mapped_column(Boolean)
    taken_until: Mapped[float] = mapped_column(Float)
    done: Mapped[bool] = mapped_column(Boolean)
    first_card: Mapped[str | None] = mapped_column(String(36))
    first_rater: Mapped[str | None] = mapped_column(Text)
    second_card: Mapped[str | None] = mapped_column(String(36))
    second_until: Mapped[float] = mapped_column(Float)
    second_done: Mapped[bool] = mapped_column(Boolean)


class CardRow(Base):
    """A card as it was drawn for one person.

    `pairs` are the neighbours in the order shown, each with {release: {arm: rank}}; `lists` is {release: {arm: length}} of
    the product's lists, and `pair_probability` the chance with which each pair of their union came onto the card.
    `decision_number` counts what its person decided in the campaign, in their order.
    """

    __tablename__ = "cards"
    __table_args__ = (
        CheckConstraint("kind IN ('first', 'second', 'repeat')", name="kind"),
        CheckConstraint("state IN ('leased', 'judged', 'skipped')", name="state"),
        CheckConstraint("pair_probability > 0 AND pair_probability <= 1", name="pair_probability"),
        Index(None, "campaign_id", "rater", "state"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    release_id: Mapped[str] = mapped_column(Text)
    anchor_id: Mapped[str] = mapped_column(Text)
    anchor_count: Mapped[int] = mapped_column(Integer)
    stratum: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(8))
    of: Mapped[str | None] = mapped_column(String(36))
    rater: Mapped[str] = mapped_column(Text)
    pairs: Mapped[list[Any]] = mapped_column(JSON)
    lists: Mapped[dict[str, Any]] = mapped_column(JSON)
    pair_probability: Mapped[float] = mapped_column(Float)
    drawn_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_until: Mapped[float] = mapped_column(Float)
    state: Mapped[str] = mapped_column(String(8))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision_number: Mapped[int | None] = mapped_column(Integer, info={"derived": True})
    seconds: Mapped[float | None] = mapped_column(Float)
