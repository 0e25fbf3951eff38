"""Drafts as the pages share them: the store, their cards, and the children that decode their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from engine.core.visible_text import visible
from engine.edits.drafts.store import Draft, DraftStore
from engine.recommend.neighbour import Neighbour
from engine.serving.served_shop import ServedShop
from engine.untrusted.bounded import BoundedChildren
from ui.app.resources import card_maker, database, served, shop_words, workspace
from ui.widgets.addresses import picture_url, thumb_url
from ui.widgets.background_work import Count
from ui.widgets.cards import Card, product_href
from ui.widgets.formatting import price_phrase

__all__ = ["children", "draft_card", "drafts", "neighbour_cards", "prepare"]


def drafts() -> DraftStore:
    """The store of drafts."""
    return DraftStore(database(), workspace())


def prepare(shop: ServedShop, draft_ids: Sequence[str], count: Count) -> None:
    """Put drafts that were just approved into the lists; reports to `count` how many are. May run in a thread."""
    shop.prepare_drafts(draft_ids, lambda _step, share, _message="": count(round(share * len(draft_ids))))


def draft_card(draft: Draft, rank: int | None = None, note: str = "New") -> Card:
    """A draft as a card like a product's."""
    like = card_maker().card(0)
    image = draft.pictures[0] if draft.pictures else None
    price = draft.product.price
    return replace(
        like, item_id=draft.id, title=visible(draft.title), brand=visible(draft.product.brand or ""),
        price=visible(price_phrase(price, shop_words().currency)) if price is not None else "", count=note, level="none",
        image=thumb_url(image) if image else None, large=picture_url(image) if image else None,
        href=product_href(draft.id) if draft.state == "approved" else f"new_product?{urlencode({'view': 'drafts', 'draft': draft.id})}",
        rank=rank, note="",
    )  # fmt: skip


def neighbour_cards(neighbours: Sequence[Neighbour]) -> list[Card]:
    """The cards of products of the catalogue and of approved drafts, in their order."""
    maker, placed = card_maker(), served().places.active
    known = {draft.id: draft for draft in served().drafts.drafts}
    return [
        maker.card(one.row, rank=one.rank, note="Given a place" if one.item_id in placed else "")
        if one.row >= 0
        else draft_card(known.get(one.item_id) or drafts().get(one.item_id), one.rank)
        for one in neighbours
    ]


@st.cache_resource(show_spinner=False, max_entries=1, on_release=BoundedChildren.close)
def children() -> BoundedChildren:
    """Child processes that decode pictures, ready to use."""
    from engine.untrusted.uploads import picture_children

    return picture_children(most=2)
