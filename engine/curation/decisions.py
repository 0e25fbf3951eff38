"""What a curator decides on a card: judge it, skip it, or take the last decision back.

Every function works within a transaction that its caller opens (`Database.write`). A card belongs to one person, and
nothing can be stored about pairs that were not handed out.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.access.audit import deed
from engine.access.roles import Action
from engine.core.errors import InputError
from engine.core.identifiers import check_uuid
from engine.curation.judgements import add_within, check_own, said, said_before
from engine.curation.leases import LEASE_SECONDS, holds
from engine.curation.votes import GIVEN, Judgement, Source, Verdict, Vote
from engine.store import CampaignAnchorRow, CardRow

__all__ = ["Decision", "Kind", "decide", "judge", "skip", "undo"]

LONGEST_SECONDS = 1e6  # a longer look at a card is a clock that was changed


class Kind(StrEnum):
    """What becomes of the card."""

    JUDGED = "judged"
    SKIPPED = "skipped"
    UNDONE = "undone"


@dataclass(frozen=True)
class Decision:
    """One decision on one card.

    Parameters
    ----------
    id : a UUID made in the browser; the same decision sent twice is stored once.
    votes : where the card is judged, one for each neighbour on it.
    seconds : how long the card was looked at; None where that is not known.
    """

    id: str
    kind: Kind
    card_id: str
    votes: tuple[Vote, ...] = ()
    seconds: float | None = None

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Decision:
        """A decision as the browser sends it: id, kind, card, verdicts, seconds. Raises `InputError` naming the field."""
        try:
            kind = Kind(str(entry.get("kind")))
        except ValueError as exc:
            raise InputError(f"{entry.get('kind')!a} is not a decision", field="kind") from exc
        for name in ("id", "card"):
            check_uuid(entry.get(name), name)
        return cls(
            id=str(entry.get("id")),
            kind=kind,
            card_id=str(entry.get("card")),
            votes=_votes(entry.get("verdicts")) if kind is Kind.JUDGED else (),
            seconds=_seconds(entry.get("seconds")),
        )


def decide(session: Session, decision: Decision, rater: str, *, now: float) -> None:
    """Store a decision; raises what `judge`, `skip` or `undo` raises, and `NotAllowedError` where who acts may not judge, or judges in
    somebody else's name.

    Parameters
    ----------
    now : epoch seconds.
    """
    card = _own_card(session, decision.card_id, rater)
    with deed(Action.JUDGE, card.anchor_id, session=session) as done:
        check_own(done, [rater])
        if decision.kind is Kind.JUDGED:
            votes = [_judgement(card, vote) for vote in decision.votes if vote.neighbour_id in dict(card.pairs)]
            done.before, done.after = said_before(session, votes), said(votes)
            stored = judge(session, card.id, rater, decision.votes, now=now, seconds=decision.seconds)
            done.nothing_done = not stored
        elif decision.kind is Kind.SKIPPED:
            skip(session, card.id, rater, now=now)
            done.nothing_done = True  # nothing was said
        else:
            done.nothing_done, done.after = card.state != "judged", "taken back"
            undo(session, card.id, rater, decision.id, now=now)


def judge(
    session: Session, card_id: str, rater: str, votes: Sequence[Vote], *, now: float, seconds: float | None = None
) -> int:
    """Store what was said on a card; 0 where it was stored before.

    A lease that ended does not matter: what was judged is stored, and where somebody else judged the product meanwhile
    it has two opinions. Raises `InputError` where the card is not this person's or the votes are not about its
    neighbours.

    Parameters
    ----------
    seconds : how long the card was looked at.
    """
    card = _own_card(session, card_id, rater)
    if sorted(vote.neighbour_id for vote in votes) != sorted(neighbour for neighbour, _ in card.pairs):
        raise InputError("the verdicts are not about the products of the card", field="verdicts")
    stored = add_within(session, [_judgement(card, vote) for vote in votes])
    card.state, card.seconds = "judged", seconds
    _decided(session, card, now)
    anchor = _anchor(session, card)
    if anchor is not None:
        _record_judged(anchor, card)
    return stored


def skip(session: Session, card_id: str, rater: str, *, now: float) -> None:
    """This person does not want to judge the card; others may."""
    card = _own_card(session, card_id, rater)
    if card.state == "judged":
        raise InputError("this card is already judged; undo that first", field="card")
    card.state = "skipped"
    _decided(session, card, now)
    anchor = _anchor(session, card)
    if anchor is not None:
        _end_lease(anchor, card)


def undo(session: Session, card_id: str, rater: str, decision_id: str, *, now: float) -> None:
    """Take the decision on a card back: its votes are withdrawn, under ids that follow from the decision's own, and this
    person holds the card again.

    Raises `InputError` where somebody else has taken a skipped product meanwhile.
    """
    card = _own_card(session, card_id, rater)
    check_uuid(decision_id, "id")
    decision = uuid.UUID(decision_id)
    anchor = _anchor(session, card)
    if anchor is not None and card.state == "skipped" and _is_taken(anchor, card, now):
        raise InputError("someone else has taken this product in the meantime", field="card")
    if card.state == "judged":
        add_within(session, [_judgement(card, vote) for vote in _withdrawals(card, decision)])
    card.state, card.lease_until, card.decided_at, card.decision_number = "leased", now + LEASE_SECONDS, None, None
    if anchor is not None:
        _lease_again(anchor, card)


def _votes(verdicts: object) -> tuple[Vote, ...]:
    if not isinstance(verdicts, list) or not all(isinstance(one, dict) for one in verdicts):
        raise InputError("a judged card has a verdict for each of its products", field="verdicts")
    votes = tuple(Vote.from_json(one) for one in verdicts)
    for vote in votes:
        if vote.verdict not in GIVEN:
            raise InputError(f"{str(vote.verdict)!r} is not a verdict on a card", field="verdict")
    return votes


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value < LONGEST_SECONDS else None


def _withdrawals(card: CardRow, decision: uuid.UUID) -> list[Vote]:
    return [
        Vote(
            client_id=str(uuid.uuid5(decision, neighbour)), neighbour_id=neighbour, verdict=Verdict.WITHDRAWN,
            implied=False,
        )
        for neighbour, _ in card.pairs
    ]  # fmt: skip


def _judgement(card: CardRow, vote: Vote) -> Judgement:
    ranks = dict(card.pairs)[vote.neighbour_id].get(card.release_id, {})
    return Judgement(
        **vars(vote),
        anchor_id=card.anchor_id,
        rater=card.rater,
        source=Source.REPEAT if card.kind == "repeat" else Source.REVIEW,
        release_id=card.release_id,
        anchor_count=card.anchor_count,
        ranks=ranks,
        card_id=card.id,
    )


def _own_card(session: Session, card_id: str, rater: str) -> CardRow:
    card = session.get(CardRow, card_id)
    if card is None:
        raise InputError("this card was not handed out here; the next ones will be", field="card")
    if card.rater != rater:
        raise InputError("this card is assigned to someone else", field="card")
    return card


def _decided(session: Session, card: CardRow, now: float) -> None:
    """When it was decided, and which of this person's decisions it is: a clock that is set does not change their order."""
    latest = select(func.max(CardRow.decision_number)).where(
        CardRow.campaign_id == card.campaign_id, CardRow.rater == card.rater, CardRow.state != "leased"
    )
    card.decided_at, card.decision_number = datetime.fromtimestamp(now, UTC), (session.scalar(latest) or 0) + 1


def _anchor(session: Session, card: CardRow) -> CampaignAnchorRow | None:
    return session.get(CampaignAnchorRow, (card.campaign_id, card.anchor_id))


def _record_judged(anchor: CampaignAnchorRow, card: CardRow) -> None:
    if card.kind == "first" and (not anchor.done or anchor.first_rater == card.rater):
        anchor.done, anchor.first_card, anchor.first_rater, anchor.taken_until = True, card.id, card.rater, 0.0
    elif card.kind == "first":
        anchor.second_done = True  # somebody else judged it first meanwhile
    elif card.kind == "second":
        anchor.second_done, anchor.second_until = True, 0.0


def _end_lease(anchor: CampaignAnchorRow, card: CardRow) -> None:
    # A lease that has ended may be somebody else's by now.
    if card.kind == "second" and anchor.second_card == card.id:
        anchor.second_until = 0.0
    elif card.kind == "first" and anchor.first_card == card.id:
        anchor.taken_until = 0.0


def _is_taken(anchor: CampaignAnchorRow, card: CardRow, now: float) -> bool:
    """Whether somebody else holds, or has judged, the product of a card that was skipped."""
    if card.kind == "repeat":
        return False
    if card.kind == "second":
        holder, until, judged = anchor.second_card, anchor.second_until, anchor.second_done
    else:
        holder, until, judged = anchor.first_card, anchor.taken_until, anchor.done
    return holder != card.id and (holds(until, now) or judged)


def _lease_again(anchor: CampaignAnchorRow, card: CardRow) -> None:
    if card.kind == "second":
        anchor.second_done, anchor.second_card, anchor.second_until = False, card.id, card.lease_until
    elif card.kind == "first" and anchor.first_rater in (None, card.rater):
        anchor.done, anchor.first_card, anchor.first_rater = False, card.id, None
        anchor.taken_until = card.lease_until
