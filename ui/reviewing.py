"""What the Review page's routes do: hand out cards, and turn decisions into stored judgements.

A card's id says what lies on it and is signed: whatever became of the server meanwhile a decision on it can be stored,
and nothing can be stored about pairs that were not handed out. The ids of a decision's judgements are made in the
browser, so that sending it again stores nothing twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from engine.curation.judgements import Judgement, Seen
from engine.errors import InputError, StoreError
from ui.group_writer import GroupWriter
from ui.passes import Pass, read_card, sign_card
from ui.resources import card_maker, judgements, recommender, settings, workspace
from ui.review_component import REASONS, browser_card
from ui.review_desk import CARD_SIZE, Desk, ReviewCard

__all__ = ["desk", "next_cards", "store_decisions"]

CONFLICT = "stored with other content"  # what the store says of an id that came back changed
NOTHING_LEFT = {
    "title": "Nothing left to judge for now",
    "text": "Every product is judged or with a colleague at this moment. New cards appear here by themselves.",
}


def desk() -> Desk:
    """The desk of the published release, shared by all curators."""
    url = settings().database_url or workspace().database_url
    return _desk(url, recommender().release_id)


def next_cards(holder: Pass, want: int, have: Sequence[str], *, pair: bool = False) -> dict[str, Any]:
    """Cards for this curator, leased, with ten neighbours or with one; `message` says why there are none."""
    made = []
    facade, maker = recommender(), card_maker()
    for card, expires in desk().draw(holder.rater, want, size=1 if pair else CARD_SIZE):
        neighbours = [neighbour for neighbour, _ in card.neighbours]
        card_id = sign_card(workspace(), card.to_content())
        made.append(browser_card(card_id, card.anchor_id, neighbours, expires, facade, maker))
    message = None if made or have else NOTHING_LEFT
    return {"cards": made, "progress": desk().progress(holder.rater), "message": message}


def store_decisions(holder: Pass, sent: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Store decisions in their order. When this returns, those named `stored` are on the disk, once.

    `refused` gives a sentence for each that can never be stored. Raises `StoreError` where the database does not take
    them now: then none is confirmed, and they are to be sent again.
    """
    writer = _writer(settings().database_url or workspace().database_url)
    stored: list[str] = []
    refused: dict[str, str] = {}
    for decision in sent:
        decision_id = str(decision.get("id"))
        try:
            card = ReviewCard.from_content(read_card(workspace(), decision.get("card")))
            _store(writer, card, decision, holder.rater)
        except InputError as exc:
            refused[decision_id] = str(exc)
        except StoreError as exc:
            if CONFLICT not in str(exc):
                raise
            refused[decision_id] = str(exc)
        else:
            stored.append(decision_id)
    return {"stored": stored, "refused": refused, "progress": desk().progress(holder.rater)}


def _store(writer: GroupWriter, card: ReviewCard, decision: Mapping[str, Any], rater: str) -> None:
    kind = decision.get("kind")
    if kind == "judged":
        writer.add(_judgements(card, decision, rater))
        desk().judged(card.anchor_id, rater)
    elif kind == "undone":
        if decision.get("of") != "skipped":
            writer.add(_withdrawn(card, decision, rater))
        desk().undone(card.anchor_id, rater)
    elif kind == "skipped":
        desk().skipped(card.anchor_id, rater)
    else:
        raise InputError(f"{kind!r} is no decision", field="kind")


def _judgements(card: ReviewCard, decision: Mapping[str, Any], rater: str) -> list[Judgement]:
    verdicts = decision.get("verdicts")
    if not isinstance(verdicts, list) or not all(isinstance(one, dict) for one in verdicts):
        raise InputError("a judged card has a verdict for each of its products", field="verdicts")
    if sorted(str(one.get("neighbour")) for one in verdicts) != sorted(neighbour for neighbour, _ in card.neighbours):
        raise InputError("the verdicts are not about the products of the card", field="verdicts")
    made = []
    for one in verdicts:
        if one.get("verdict") not in ("irrelevant", "relevant", "unsure"):
            raise InputError(f"{one.get('verdict')!r} is no verdict", field="verdict")
        if one.get("reason") not in (None, *REASONS):
            raise InputError(f"{one.get('reason')!r} is no reason", field="reason")
        made.append(_judgement(card, str(one["neighbour"]), str(one.get("client_id")), one, rater))
    return made


def _withdrawn(card: ReviewCard, decision: Mapping[str, Any], rater: str) -> list[Judgement]:
    """Rows that take the card's votes back, under ids that follow from the decision's own."""
    try:
        decision_id = uuid.UUID(str(decision.get("id")))
    except ValueError as exc:
        raise InputError("a decision needs an id", field="id") from exc
    back = {"verdict": "withdrawn", "implied": False}
    return [
        _judgement(card, neighbour, str(uuid.uuid5(decision_id, neighbour)), back, rater)
        for neighbour, _ in card.neighbours
    ]


def _judgement(card: ReviewCard, neighbour: str, client_id: str, one: Mapping[str, Any], rater: str) -> Judgement:
    places = dict(card.neighbours)[neighbour]
    return Judgement(
        client_id=client_id,
        anchor_id=card.anchor_id,
        neighbour_id=neighbour,
        verdict=one["verdict"],
        implied=bool(one.get("implied")),
        rater=rater,
        source="review",
        release_id=card.release_id,
        anchor_count=card.anchor_count,
        seen=tuple(Seen(arm, rank) for arm, rank in sorted(places.items())),
        reason=one.get("reason"),
    )


@st.cache_resource(show_spinner=False, max_entries=2)
def _desk(url: str, release_id: str) -> Desk:
    return Desk(recommender(), judgements().current())


@st.cache_resource(show_spinner=False, max_entries=4)
def _writer(url: str) -> GroupWriter:
    return GroupWriter(judgements().add)
