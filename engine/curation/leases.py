"""Leases of cards: how many one person may hold, and for how long; enough to work ahead, and never what others need.

Every function works within a transaction that its caller opens. A decision on a card whose lease has
ended is stored all the same, so to take a lease from somebody costs them nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, func, select, update
from sqlalchemy.orm import Session

from engine.store import CampaignAnchorRow, CardRow

__all__ = [
    "AHEAD",
    "FIRST_LEASE_SECONDS",
    "LEASE_SECONDS",
    "MOST_HELD",
    "give_back",
    "held",
    "holds",
    "in_force",
    "lease_again",
    "lease_seconds",
    "products_left",
    "room",
]

LEASE_SECONDS = 10 * 60
FIRST_LEASE_SECONDS = 3 * 60  # of who has decided nothing lately: they may never
CLOCKS_APART = 60  # seconds by which the clocks of two dashboards may differ
MOST_HELD = 30  # cards that one person holds at a time, of all campaigns; a browser holds a few
AHEAD = 10  # that many anybody may hold, however few products are left
SHARE = 4  # else no more than one of so many products that nobody has judged yet


def holds(until: float, now: float) -> bool:
    """Whether a lease that ends then is in force; both in epoch seconds."""
    return now < until <= now + LEASE_SECONDS + CLOCKS_APART


def in_force(until: SQLColumnExpression[float], now: float) -> ColumnElement[bool]:
    """`holds`, asked of a column."""
    return and_(until > now, until <= now + LEASE_SECONDS + CLOCKS_APART)


def held(session: Session, rater: str, now: float) -> list[CardRow]:
    """This person's cards of every campaign that are neither decided nor lapsed, the oldest first."""
    query = (
        select(CardRow)
        .where(CardRow.rater == rater, CardRow.state == "leased", in_force(CardRow.lease_until, now))
        .order_by(CardRow.drawn_at, CardRow.id)
    )
    return list(session.scalars(query))


def room(session: Session, campaign_id: str, holding: int, want: int) -> int:
    """How many of the wanted cards of a campaign somebody may hold beside those that they hold."""
    if holding + want <= AHEAD:
        return want  # without a look at the campaign: what browsers ask for
    share = products_left(session, campaign_id) // SHARE
    return max(min(max(share, AHEAD), MOST_HELD) - holding, 0)


def products_left(session: Session, campaign_id: str) -> int:
    """The products of a campaign that nobody has judged."""
    row = CampaignAnchorRow
    query = select(func.count()).where(row.campaign_id == campaign_id, row.done.is_(False))
    return int(session.execute(query).scalar_one())


def lease_seconds(session: Session, campaign_id: str, rater: str, now: float) -> float:
    """How long a card is this person's: long for those who answer, short for those who only ask."""
    since = datetime.fromtimestamp(now - LEASE_SECONDS, UTC)
    query = select(CardRow.id).where(
        CardRow.campaign_id == campaign_id,
        CardRow.rater == rater,
        CardRow.state != "leased",
        CardRow.decided_at > since,
    )
    return LEASE_SECONDS if session.scalars(query.limit(1)).first() is not None else FIRST_LEASE_SECONDS


def lease_again(session: Session, card: CardRow, until: float) -> None:
    """The same card for another while."""
    card.lease_until = until
    anchor = session.get(CampaignAnchorRow, (card.campaign_id, card.anchor_id))
    if anchor is not None and card.kind == "first" and anchor.first_card == card.id:
        anchor.taken_until = until
    elif anchor is not None and card.kind == "second" and anchor.second_card == card.id:
        anchor.second_until = until


def give_back(session: Session, cards: Sequence[CardRow]) -> None:
    """End the leases of cards, of whichever campaign: others may have their products."""
    for card in sorted(cards, key=lambda card: (card.campaign_id, card.anchor_id)):
        card.lease_until = 0.0
        row = CampaignAnchorRow
        about = (row.campaign_id == card.campaign_id, row.anchor_id == card.anchor_id)
        if card.kind == "first":
            session.execute(
                update(row).where(*about, row.first_card == card.id, row.done.is_(False)).values(taken_until=0.0)
            )
        elif card.kind == "second":
            session.execute(update(row).where(*about, row.second_card == card.id).values(second_until=0.0))
