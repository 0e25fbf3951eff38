"""Drafts as the pages share them: the store, what is served of them, and their cards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import streamlit as st

from engine.edits.drafts.served import DraftBuffer, drafts_in_cache, vectors_of_drafts
from engine.edits.drafts.store import SERVED, Draft, DraftStore
from engine.recommend.recommender import Neighbour
from engine.untrusted.bounded import BoundedChildren
from engine.untrusted.uploads import picture_children
from ui.app.resources import card_maker, judgements, recommender, settings, shop_words, workspace
from ui.products.warm_up import get_ready
from ui.widgets.addresses import picture_url, thumb_url
from ui.widgets.background_result import BackgroundResult
from ui.widgets.cards import Card
from ui.widgets.formatting import price_phrase

__all__ = ["buffer", "buffer_is_whole", "children", "draft_card", "drafts", "neighbour_card", "placer"]

logger = logging.getLogger(__name__)


def drafts() -> DraftStore:
    """The store of drafts."""
    return DraftStore(judgements(), workspace())


def buffer() -> DraftBuffer:
    """The approved drafts beside the release that is served; read again when one changes.

    Drafts that no process has placed yet are left out, and placed by a thread meanwhile.
    """
    return _now().result


def buffer_is_whole() -> bool:
    """Whether every approved draft has its place by now, or cannot have one."""
    return _now().done


def placer() -> Callable[[Sequence[str], Callable[[int], None]], None]:
    """What finds the places of drafts that were just approved, so that no page has to wait for them.

    Made in a page, it may be called from a thread: with the ids, and a function to tell how many are placed.
    """
    facade, there, store = recommender(), workspace(), drafts()

    def place(draft_ids: Sequence[str], count: Callable[[int], None]) -> None:
        get_ready(facade, there).join()
        chosen = set(draft_ids)
        some = [draft for draft in store.all(SERVED) if draft.id in chosen]
        try:
            vectors_of_drafts(facade, there, some, lambda step, done, message="": count(round(done * len(some))))
        except Exception:  # they are saved all the same, and tried again by whoever needs them
            logger.warning("the places of new products could not be found", exc_info=True)

    return place


def draft_card(draft: Draft, rank: int | None = None, note: str = "New") -> Card:
    """A draft as a card like a product's."""
    like = card_maker().card(0)
    image = draft.pictures[0] if draft.pictures else None
    price = draft.product.price
    return replace(
        like, item_id=draft.id, title=draft.title, brand=draft.product.brand or "",
        price=price_phrase(price, shop_words().currency) if price is not None else "", count=note, level="none",
        image=thumb_url(image) if image else None, large=picture_url(image) if image else None,
        href=f"new_product?view=drafts&draft={draft.id}", rank=rank, note="",
    )  # fmt: skip


def neighbour_card(neighbour: Neighbour, served: DraftBuffer) -> Card:
    """The card of a product of the catalogue or of an approved draft."""
    if neighbour.row >= 0:
        return card_maker().card(neighbour.row, rank=neighbour.rank)
    draft = next(one for one in served.drafts if one.id == neighbour.item_id)
    return draft_card(draft, neighbour.rank)


@st.cache_resource(show_spinner=False, max_entries=1, on_release=BoundedChildren.close)
def children() -> BoundedChildren:
    """A child that decodes pictures, kept ready."""
    return picture_children(most=2)


def _now() -> BackgroundResult[DraftBuffer]:
    url = settings().database_url or workspace().database_url
    return _placing(url, recommender().version, drafts().stamp())


@st.cache_resource(show_spinner=False, max_entries=2)
def _placing(url: str, version: str, stamp: tuple[int, str]) -> BackgroundResult[DraftBuffer]:
    facade, there = recommender(), workspace()
    fresh = tuple(draft for draft in drafts().all(SERVED) if draft.id not in facade)
    placed = tuple(drafts_in_cache(facade, there, fresh))

    def work() -> DraftBuffer:
        get_ready(facade, there).join()
        found = vectors_of_drafts(facade, there, fresh)
        return DraftBuffer(facade, there, tuple(one for one, vectors in zip(fresh, found, strict=True) if vectors))

    return BackgroundResult(DraftBuffer(facade, there, placed), work if len(placed) < len(fresh) else None)
