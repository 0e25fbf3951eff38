"""The review queue: hands out the cards of a campaign.

A card is leased to one person; nobody else gets its product until the lease ends. On it are up to ten of what any arm
returned for the product, drawn by chance and shuffled, each as likely as the others. Some products come a second time,
to another person, with the same neighbours; and some cards come back to the same person after a while, unannounced.

Every function works within a transaction that its caller opens (`Database.write`), so that many people's requests can
share one commit; those of several processes take turns.

Leases end by the clock, which may be set: one that ends later than any lease can is void, so a clock that went back a day
locks nothing. A clock that went on ends leases early, and what was judged meanwhile is stored all the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import func, not_, select
from sqlalchemy.orm import Session, aliased

from engine.access.acting import require
from engine.access.roles import Action
from engine.curation.campaigns import Campaign
from engine.curation.leases import MOST_HELD, give_back, held, in_force, lease_again, lease_seconds, room
from engine.curation.pools import Pool
from engine.store import CampaignAnchorRow, CardRow

__all__ = ["CARD_SIZE", "REPEAT_AFTER", "Card", "draw", "judged_by"]

CARD_SIZE = 10
RENEWED = 60  # seconds of a lease that are gone when it is renewed
LOOKED_UP = 5  # free products at a time
REPEAT_AFTER = 20  # cards of the same person between a card and its repetition


@dataclass(frozen=True)
class Card:
    """A card as one person gets it; `lease_until` in epoch seconds."""

    id: str
    anchor_id: str
    neighbour_ids: tuple[str, ...]
    lease_until: float


def draw(
    session: Session,
    campaign: Campaign,
    rater: str,
    want: int,
    pool: Callable[[str], Pool],
    *,
    now: float,
    rng: np.random.Generator,
    size: int = CARD_SIZE,
    have: Collection[str] = (),
) -> list[Card]:
    """Up to `want` cards that nobody else holds and this person has not had; fewer where there are no more.

    Raises `NotAllowedError` where who acts may not judge. Nobody holds more than `engine.curation.leases` allows: whoever asks for
    more gets those again that their browser has lost, and gives back the oldest of other campaigns.

    Parameters
    ----------
    have : ids of the cards that this person's browser has; they stay theirs as long as they decide.
    pool : what lies beside a product; raises where the release is gone, and then nothing is drawn.
    now : epoch seconds.
    size : neighbours on a card at most.
    """
    require(Action.JUDGE)
    if want <= 0 or not campaign.is_open(datetime.fromtimestamp(now, UTC)):
        return []
    everything = held(session, rater, now)
    here = [card for card in everything if card.campaign_id == campaign.id]
    elsewhere = [card for card in everything if card.campaign_id != campaign.id]
    until = now + lease_seconds(session, campaign.id, rater, now)
    for one in here:
        if one.id in have and one.lease_until < until - RENEWED:
            lease_again(session, one, until)
    space = room(session, campaign.id, len(here), want)
    lost = [card for card in here if card.id not in have][:want] if want > space else []
    for one in lost:
        if one.lease_until < until - RENEWED:  # what somebody asks for again and again is written once
            lease_again(session, one, until)
    fresh = min(want - len(lost), space)
    give_back(session, elsewhere[: max(len(everything) + fresh - MOST_HELD, 0)])
    drawn = [_as_card(one) for one in lost]
    turn = _Turn(session, campaign, rater, pool, now, until, rng, size)
    while len(drawn) < len(lost) + fresh:
        card = turn.next()
        if card is None:
            break
        drawn.append(card)
    return drawn


def judged_by(session: Session, campaign_id: str, rater: str) -> int:
    """How many cards of a campaign this person has judged."""
    query = select(func.count()).where(
        CardRow.campaign_id == campaign_id, CardRow.rater == rater, CardRow.state == "judged"
    )
    return int(session.execute(query).scalar_one())


def _as_card(card: CardRow) -> Card:
    return Card(card.id, card.anchor_id, tuple(neighbour for neighbour, _ in card.pairs), card.lease_until)


class _Turn:
    """One person's turn at a campaign: what is free is looked up once."""

    def __init__(
        self,
        session: Session,
        campaign: Campaign,
        rater: str,
        pool: Callable[[str], Pool],
        now: float,
        until: float,
        rng: np.random.Generator,
        size: int,
    ) -> None:
        self._session, self._campaign, self._rater, self._pool = session, campaign, rater, pool
        self._now, self._until, self._rng, self._size = now, until, rng, size
        self._free: list[CampaignAnchorRow] = []

    def next(self) -> Card | None:
        if self._rng.random() < self._campaign.repeat_share and (card := self._repeat()) is not None:
            return card
        # Second opinions are asked for as they fall due, before new products more often than not.
        early = self._rng.random() < 0.5
        return (self._second() if early else None) or self._first() or (None if early else self._second())

    def _first(self) -> Card | None:
        while True:
            if not self._free:
                self._free = self._look()
                if not self._free:
                    return None
            anchor = self._free.pop(0)
            pool = self._pool(anchor.anchor_id)
            if pool.ranks:
                card = self._card(anchor, "first", None, *self._drawn(pool))
                anchor.first_card, anchor.taken_until = card.id, card.lease_until
                return card
            anchor.done, anchor.first_card = True, None  # nothing lies beside it, so there is nothing to judge

    def _look(self) -> list[CampaignAnchorRow]:
        """The next free products, in their order."""
        row = CampaignAnchorRow
        had = select(CardRow.anchor_id).where(
            CardRow.campaign_id == self._campaign.id, CardRow.rater == self._rater, CardRow.state != "leased"
        )
        query = (
            select(row)
            .where(
                row.campaign_id == self._campaign.id,
                row.done.is_(False),
                not_(in_force(row.taken_until, self._now)),
                row.anchor_id.not_in(had),
            )
            .order_by(row.position, row.stratum)
            .limit(LOOKED_UP)
        )
        return list(self._session.scalars(query))

    def _second(self) -> Card | None:
        row = CampaignAnchorRow
        had = select(CardRow.anchor_id).where(CardRow.campaign_id == self._campaign.id, CardRow.rater == self._rater)
        query = (
            select(row)
            .where(
                row.campaign_id == self._campaign.id,
                row.twice.is_(True),
                row.done.is_(True),
                row.first_card.is_not(None),
                row.second_done.is_(False),
                not_(in_force(row.second_until, self._now)),
                row.first_rater != self._rater,
                row.anchor_id.not_in(had),
            )
            .order_by(row.position, row.stratum)
            .limit(1)
        )
        anchor = self._session.scalars(query).first()
        first = None if anchor is None else self._session.get(CardRow, anchor.first_card)
        if anchor is None or first is None:
            return None
        card = self._card(anchor, "second", first.id, self._shuffled(first.pairs), first.lists, first.pair_probability)
        anchor.second_card, anchor.second_until = card.id, card.lease_until
        return card

    def _repeat(self) -> Card | None:
        again = aliased(CardRow)
        mine = (CardRow.campaign_id == self._campaign.id, CardRow.rater == self._rater, CardRow.state == "judged")
        repeated = select(again.of).where(
            again.campaign_id == self._campaign.id, again.rater == self._rater, again.kind == "repeat"
        )
        latest = select(CardRow.id).where(*mine).order_by(CardRow.decision_number.desc()).limit(REPEAT_AFTER)
        query = (
            select(CardRow)
            .where(*mine, CardRow.kind != "repeat", CardRow.id.not_in(latest), CardRow.id.not_in(repeated))
            .order_by(CardRow.decision_number.desc())
            .limit(REPEAT_AFTER)
        )
        found = list(self._session.scalars(query))
        if not found:
            return None
        card = found[int(self._rng.integers(len(found)))]
        return self._card(card, "repeat", card.id, self._shuffled(card.pairs), card.lists, card.pair_probability)

    def _drawn(self, pool: Pool) -> tuple[list[Any], dict[str, Any], float]:
        neighbours = sorted(pool.ranks)
        size = min(self._size, len(neighbours))
        chosen = [neighbours[index] for index in self._rng.permutation(len(neighbours))[:size]]
        pairs = [[neighbour, _as_json(pool.ranks[neighbour])] for neighbour in chosen]
        return pairs, _as_json(pool.lengths), size / len(neighbours)

    def _shuffled(self, pairs: Sequence[Any]) -> list[Any]:
        return [pairs[index] for index in self._rng.permutation(len(pairs))]

    def _card(
        self,
        about: CampaignAnchorRow | CardRow,
        kind: str,
        of: str | None,
        pairs: list[Any],
        lists: dict[str, Any],
        probability: float,
    ) -> Card:
        row = CardRow(
            id=str(uuid.UUID(bytes=self._rng.bytes(16), version=4)), campaign_id=self._campaign.id,
            release_id=self._campaign.release_id, anchor_id=about.anchor_id, anchor_count=about.anchor_count,
            stratum=about.stratum, kind=kind, of=of, rater=self._rater, pairs=pairs, lists=lists,
            pair_probability=probability, drawn_at=datetime.fromtimestamp(self._now, UTC), lease_until=self._until,
            state="leased", decided_at=None, decision_number=None, seconds=None,
        )  # fmt: skip
        self._session.add(row)
        return _as_card(row)


def _as_json(by_release: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    return {release: dict(numbers) for release, numbers in by_release.items()}
