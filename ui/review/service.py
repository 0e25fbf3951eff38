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
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from engine.catalogue.traffic import Traffic
from engine.core.errors import LongtailError, NoRoomError, NotFoundError, ReleaseError
from engine.curation import queue
from engine.curation.campaigns import Campaign, campaign, campaigns, everyday_campaign
from engine.curation.decisions import Decision, Kind, decide
from engine.curation.leases import products_left
from engine.curation.pools import DEPTH, Pool, joined, pool_of_release
from engine.recommend.recommender import Recommender
from engine.store import Database, database_url
from ui.app.resources import database, release, served, settings, words_of, workspace
from ui.review.address_leases import AddressLeases
from ui.review.cards import ReviewCard, review_card
from ui.review.progress import Progress, ProgressBoard
from ui.review.tokens import ReviewToken
from ui.widgets.cards import CardMaker

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["Cards", "Message", "Stored", "board", "next_cards", "open_campaigns", "store_decisions"]


@dataclass(frozen=True)
class Message:
    """What stands where a card would."""

    title: str
    text: str


@dataclass(frozen=True)
class Cards:
    """Cards for one curator; `message` says why there are none."""

    cards: list[ReviewCard]
    progress: Progress
    message: Message | None


@dataclass(frozen=True)
class Stored:
    """What became of decisions: ids of those that are on the disk, and id -> sentence for those that can never be."""

    stored: list[str]
    refused: Mapping[str, str]
    progress: Progress


NOTHING_LEFT = Message(
    "Nothing left to judge for now",
    "Every product is already judged, or assigned to someone. New cards will appear here by themselves.",
)
ENDED = Message("This campaign has ended", "Your judgements are saved. Pick another campaign above, or “Everyday”.")


def open_campaigns() -> list[Campaign]:
    """The campaigns one may judge in now: Everyday first, then the newest."""
    now = datetime.now(UTC)
    others = [one for one in campaigns(database()) if one.kind != "everyday" and one.is_open(now)]
    return [_context().everyday, *others]


def board() -> ProgressBoard:
    """Who has judged how much."""
    return _context().board


def next_cards(
    holder: ReviewToken, want: int, have: Sequence[str], *, pair: bool = False, address: str | None = None
) -> Cards:
    """Cards for this curator, leased to them, with ten neighbours or with one.

    Parameters
    ----------
    have : ids of the cards that the browser holds already.
    address : of the network, where anybody may give any name; no more than its share of cards goes there.
    """
    context = _context()
    chosen = context.campaign(holder.campaign)
    progress = functools.partial(context.board.progress, chosen.id, holder.rater)
    try:
        opened = _opened(context.url, chosen, context.edition if chosen is context.everyday else "")
    except (ReleaseError, NotFoundError) as exc:
        what = "cannot be opened now" if isinstance(exc, NoRoomError) else "is gone"
        text = f"{exc} Its judgements are kept. Pick another campaign above."
        return Cards([], progress(), None if have else Message(f"The release of this campaign {what}", text))
    if address is not None:
        want = context.leases.room(address, chosen.id, want, lambda: _left(context.database, chosen.id))
    drawn = context.database.write(
        lambda session: queue.draw(
            session, chosen, holder.rater, want, opened.pool,
            now=time.time(), rng=np.random.default_rng(), size=1 if pair else queue.CARD_SIZE, have=have,
        )
    )  # fmt: skip
    if address is not None:
        context.leases.given(address, chosen.id, [(card.id, card.lease_until) for card in drawn])
    made = [review_card(card, opened.recommender, opened.maker) for card in drawn]
    message = None
    if not made and not have:
        message = NOTHING_LEFT if chosen.is_open(datetime.now(UTC)) else ENDED
    return Cards(made, progress(), message)


def store_decisions(holder: ReviewToken, decisions: Sequence[Decision], *, address: str | None = None) -> Stored:
    """Store decisions in their order. When this returns, those named `stored` are on the disk, once.

    `address` is the one that the cards were given to, as for `next_cards`.

    Raises `StoreError` where the database does not take them now: then none is confirmed, and they are to be sent again.
    """
    context = _context()
    campaign_id = context.campaign(holder.campaign).id

    def store(session: Session) -> tuple[list[str], dict[str, str], int]:
        stored, refused = _store_all(session, decisions, holder.rater)
        return stored, refused, queue.judged_by(session, campaign_id, holder.rater)

    stored, refused, mine = context.database.write(store)
    context.board.counted(campaign_id, holder.rater, mine)
    if address is not None:
        answered = [one.card_id for one in decisions if one.kind is not Kind.UNDONE and one.id in stored]
        context.leases.answered(address, campaign_id, answered)
    return Stored(stored, refused, context.board.progress(campaign_id, holder.rater))


def _left(database: Database, campaign_id: str) -> int:
    with database.reading() as session:
        return products_left(session, campaign_id)


def _store_all(session: Session, decisions: Sequence[Decision], rater: str) -> tuple[list[str], dict[str, str]]:
    stored: list[str] = []
    refused: dict[str, str] = {}
    for decision in decisions:
        try:
            with session.begin_nested():  # one that is refused halfway leaves nothing
                decide(session, decision, rater, now=time.time())
        except LongtailError as exc:
            # The store itself refuses here only an id that came back with other content.
            refused[decision.id] = str(exc)
        else:
            stored.append(decision.id)
    return stored, refused


@dataclass(frozen=True)
class _Opened:
    """The release that a campaign judges: its lists, what makes its cards, and its pools, each worked out once."""

    recommender: Recommender
    maker: CardMaker
    pool: Callable[[str], Pool]


@dataclass(frozen=True)
class _Context:
    """What every request needs; the campaign is looked up for each, because another dashboard may have ended or reopened it."""

    url: str
    everyday: Campaign
    edition: str
    database: Database
    board: ProgressBoard
    leases: AddressLeases

    def campaign(self, campaign_id: str) -> Campaign:
        """The campaign of this id, else Everyday; raises `NotFoundError` where there is none of that id."""
        return campaign(self.database, campaign_id) if campaign_id else self.everyday


def _context() -> _Context:
    shop, url = served(), database_url(workspace(), settings())
    everyday = everyday_campaign(database(), shop.release)
    return _Context(url, everyday, shop.as_trained.edition, database(), _board(url), _leases(url))


@st.cache_resource(show_spinner=False, max_entries=4)
def _board(url: str) -> ProgressBoard:
    return ProgressBoard(database())


@st.cache_resource(show_spinner=False, max_entries=4)
def _leases(url: str) -> AddressLeases:
    return AddressLeases()


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs={Campaign: lambda one: one.id})
def _opened(url: str, chosen: Campaign, edition: str) -> _Opened:
    releases = [chosen.release_id, *([chosen.other_release_id] if chosen.other_release_id else [])]
    facades = [release(release_id) for release_id in releases]
    first = facades[0]
    words = words_of(first)
    maker = CardMaker(first.items, Traffic.of(first.items["interaction_count"]), words.interaction_word, words.currency)

    @functools.lru_cache(maxsize=20_000)
    def pool(anchor: str) -> Pool:
        having = (facade for facade in facades if anchor in facade)
        pools = [
            pool_of_release(facade.release_id, facade.arms_returning(anchor, DEPTH), chosen.arms) for facade in having
        ]
        return joined(pools, shown=first.__contains__)

    return _Opened(first, maker, pool)
