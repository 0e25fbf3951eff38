"""Drafts as the pages share them: the store, what is served of them, and their cards."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from engine.drafts.served import DraftBuffer
from engine.drafts.store import SERVED, Draft, DraftStore
from engine.serving.recommender import Neighbour
from engine.shop.bounded import BoundedChildren
from engine.shop.uploads import picture_children
from ui.cards import Card
from ui.resources import card_maker, judgements, recommender, settings, shop_words, workspace
from ui.routes import picture_url, thumb_url
from ui.words import price_phrase

__all__ = ["buffer", "children", "draft_card", "drafts", "neighbour_card"]


def drafts() -> DraftStore:
    """The store of drafts."""
    return DraftStore(judgements(), workspace())


def buffer() -> DraftBuffer:
    """The approved drafts beside the release that is served; read again when one changes."""
    url = settings().database_url or workspace().database_url
    return _buffer(url, recommender().release_id, drafts().stamp())


def draft_card(draft: Draft, rank: int | None = None, note: str = "New") -> Card:
    """A draft as a card like a product's."""
    like = card_maker().card(0)
    image = draft.pictures[0] if draft.pictures else None
    price = draft.item.get("price")
    return replace(
        like, item_id=draft.id, title=draft.title, brand=str(draft.item.get("brand") or ""),
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


@st.cache_resource(show_spinner=False, max_entries=2)
def _buffer(url: str, release_id: str, stamp: tuple[int, str]) -> DraftBuffer:
    facade = recommender()
    return DraftBuffer(facade, workspace(), tuple(draft for draft in drafts().all(SERVED) if draft.id not in facade))
