"""What the Review page's routes do: hand out cards, and turn decisions into stored judgements.

Cards are rows of the database: whatever became of the server meanwhile a decision on one can be stored, and nothing can
be stored about pairs that were not handed out. The ids of a decision's judgements are made in the browser, so that
sending it again stores nothing twice.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.core.errors import InputError, LongtailError, NotFoundError, ReleaseError
from engine.curation import queue
from engine.curation.campaigns import Campaign, campaign, campaigns, everyday_campaign
from engine.recommend.recommender import Recommender
from engine.recommend.traffic import Traffic
from engine.store import Database
from ui.app.resources import database, recommender, release, settings, words_of, workspace
from ui.review.component import REASONS, browser_card
from ui.review.progress import ProgressBoard
from ui.review.tokens import ReviewToken
from ui.widgets.cards import CardMaker

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["board", "next_cards", "open_campaigns", "store_decisions"]

NOTHING_LEFT = {
    "title": "Nothing left to judge for now",
    "text": "Every product is judged or with a colleague at this moment. New cards appear here by themselves.",
}
ENDED = {
    "title": "This campaign has ended",
    "text": "Nothing of yours is lost. Pick another campaign above, or “Everyday”.",
}


def open_campaigns() -> list[Campaign]:
    """The campaigns one may judge in now: Everyday first, then the newest."""
    now = datetime.now(UTC)
    others = [one for one in campaigns(database()) if one.kind != "everyday" and one.is_open(now)]
    return [_room().everyday, *others]


def board() -> ProgressBoard:
    """Who has judged how much."""
    return _room().board


def next_cards(holder: ReviewToken, want: int, have: Sequence[str], *, pair: bool = False) -> dict[str, Any]:
    """Cards for this curator, leased, with ten neighbours or with one; `message` says why there are none."""
    room = _room()
    chosen = room.campaign(holder.campaign)
    try:
        opened = room.everyday_release if chosen is room.everyday else _opened(room.url, chosen)
    except (ReleaseError, NotFoundError) as exc:
        text = f"{exc} What was judged on it is kept. Pick another campaign above."
        gone = None if have else {"title": "The release of this campaign is gone", "text": text}
        return {"cards": [], "progress": room.board.progress(chosen.id, holder.rater), "message": gone}
    drawn = room.database.write(
        lambda session: queue.draw(
            session, chosen, holder.rater, want, opened.pool,
            now=time.time(), rng=np.random.default_rng(), size=1 if pair else queue.CARD_SIZE,
        )
    )  # fmt: skip
    made = [
        browser_card(card.id, card.anchor_id, card.neighbour_ids, card.lease_until, opened.recommender, opened.maker)
        for card in drawn
    ]
    message = None
    if not made and not have:
        message = NOTHING_LEFT if chosen.is_open(datetime.now(UTC)) else ENDED
    return {"cards": made, "progress": room.board.progress(chosen.id, holder.rater), "message": message}


def store_decisions(holder: ReviewToken, sent: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Store decisions in their order. When this returns, those named `stored` are on the disk, once.

    `refused` gives a sentence for each that can never be stored. Raises `StoreError` where the database does not take
    them now: then none is confirmed, and they are to be sent again.
    """
    room = _room()
    campaign_id = room.campaign(holder.campaign).id

    def store(session: Session) -> tuple[list[str], dict[str, str], int]:
        stored, refused = _store_all(session, sent, holder.rater)
        return stored, refused, queue.judged_by(session, campaign_id, holder.rater)

    stored, refused, mine = room.database.write(store)
    room.board.counted(campaign_id, holder.rater, mine)
    return {"stored": stored, "refused": refused, "progress": room.board.progress(campaign_id, holder.rater)}


def _store_all(session: Session, sent: Sequence[Mapping[str, Any]], rater: str) -> tuple[list[str], dict[str, str]]:
    stored: list[str] = []
    refused: dict[str, str] = {}
    for decision in sent:
        decision_id = str(decision.get("id"))
        try:
            with session.begin_nested():  # one that is refused halfway leaves nothing
                _store(session, decision, rater)
        except LongtailError as exc:
            # Of what the store itself refuses here there is but an id that came back with other content.
            refused[decision_id] = str(exc)
        else:
            stored.append(decision_id)
    return stored, refused


def _store(session: Session, decision: Mapping[str, Any], rater: str) -> None:
    kind, card, now = decision.get("kind"), str(decision.get("card")), time.time()
    if kind == "judged":
        seconds = decision.get("seconds")
        looked = float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e6 else None
        queue.judge(session, card, rater, _votes(decision), now=now, seconds=looked)
    elif kind == "undone":
        queue.undo(session, card, rater, str(decision.get("id")), now=now)
    elif kind == "skipped":
        queue.skip(session, card, rater, now=now)
    else:
        raise InputError(f"{kind!r} is no decision", field="kind")


def _votes(decision: Mapping[str, Any]) -> list[queue.Vote]:
    verdicts = decision.get("verdicts")
    if not isinstance(verdicts, list) or not all(isinstance(one, dict) for one in verdicts):
        raise InputError("a judged card has a verdict for each of its products", field="verdicts")
    votes = []
    for one in verdicts:
        if one.get("verdict") not in ("irrelevant", "relevant", "unsure"):
            raise InputError(f"{one.get('verdict')!r} is no verdict", field="verdict")
        if one.get("reason") not in (None, *REASONS):
            raise InputError(f"{one.get('reason')!r} is no reason", field="reason")
        votes.append(
            queue.Vote(
                str(one.get("client_id")), str(one.get("neighbour")), one["verdict"], bool(one.get("implied")),
                one.get("reason"),
            )
        )  # fmt: skip
    return votes


@dataclass(frozen=True)
class _Opened:
    """The release that a campaign judges: its lists, what makes its cards, and its pools, each worked out once."""

    recommender: Recommender
    maker: CardMaker
    pool: Callable[[str], queue.Pool]


@dataclass(frozen=True)
class _Room:
    """What every request of one database and published release needs."""

    url: str
    everyday: Campaign
    everyday_release: _Opened
    database: Database
    board: ProgressBoard

    def campaign(self, campaign_id: str) -> Campaign:
        """The campaign of this id, else Everyday; raises `NotFoundError` where there is none of that id."""
        return campaign(self.database, campaign_id) if campaign_id else self.everyday


def _room() -> _Room:
    return _make_room(settings().database_url or workspace().database_url, recommender().release_id)


@st.cache_resource(show_spinner=False, max_entries=2)
def _make_room(url: str, release_id: str) -> _Room:
    everyday = everyday_campaign(database(), recommender())
    return _Room(url, everyday, _opened(url, everyday), database(), _board(url))


@st.cache_resource(show_spinner=False, max_entries=4)
def _board(url: str) -> ProgressBoard:
    return ProgressBoard(database())


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs={Campaign: lambda one: one.id})
def _opened(url: str, chosen: Campaign) -> _Opened:
    releases = [chosen.release_id, *([chosen.other_release_id] if chosen.other_release_id else [])]
    facades = [release(release_id) for release_id in releases]
    first = facades[0]
    words = words_of(first)
    maker = CardMaker(first.items, Traffic.of(first.items["interaction_count"]), words.interaction_word, words.currency)

    @functools.lru_cache(maxsize=20_000)
    def pool(anchor: str) -> queue.Pool:
        places: dict[str, dict[str, dict[str, int]]] = {}
        lists: dict[str, dict[str, int]] = {}
        for facade in facades:
            if anchor not in facade:
                continue  # the other release does not have it
            found, lengths = queue.pool_of_release(
                facade.release_id, facade.arms_returning(anchor, queue.DEPTH), chosen.arms
            )
            for neighbour, by_release in found.items():
                if neighbour in first:
                    places.setdefault(neighbour, {}).update(by_release)
            lists |= lengths
        return queue.Pool(places, lists)

    return _Opened(first, maker, pool)
