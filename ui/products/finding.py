"""Products found by words, quickly: what pages, the search field and the command palette ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine.core.workspace import Workspace
from engine.edits.drafts.store import Draft
from engine.search.catalogue import SearchCatalogue, searchable
from engine.serving.served_shop import ServedShop
from ui.app.resources import card_maker, served, workspace
from ui.products.draft_resources import draft_card
from ui.widgets.cards import Card

__all__ = ["Hit", "catalogue_to_search", "found", "found_card", "rows_of"]


@dataclass(frozen=True)
class Hit:
    """A product that was found. `image` is the address of its thumbnail, or None; `href` that of its page."""

    item_id: str
    title: str
    brand: str
    image: str | None
    href: str


def found(text: str, limit: int) -> list[Hit]:
    """The products that words find, best first; none where the catalogue does not have the words, in any spelling."""
    catalogue, shop = catalogue_to_search(), served()
    cards = [found_card(catalogue, shop, int(row)) for row in catalogue.best(text, limit)]
    return [Hit(card.item_id, card.title, card.brand, card.image, card.href) for card in cards]


def catalogue_to_search() -> SearchCatalogue:
    """The served products and approved drafts, as they are searched; made once for each version of them."""
    shop = served()
    drafts = shop.drafts.drafts
    version = (shop.release.version, *((draft.id, draft.version) for draft in drafts))
    return _catalogue(workspace(), version, shop, drafts)


def found_card(catalogue: SearchCatalogue, shop: ServedShop, row: int) -> Card:
    """The card of a product of the catalogue that is searched."""
    if row < len(shop.release.items):
        return card_maker().card(row)
    draft_id = catalogue.item_ids[row]
    return draft_card(next(draft for draft in shop.drafts.drafts if draft.id == draft_id))


def rows_of(catalogue: SearchCatalogue, shop: ServedShop, item_ids: Sequence[str]) -> np.ndarray:
    """Rows of products in the catalogue that is searched, in their order, without those that are not there, int64."""
    release = shop.release
    first = len(release.items)
    drafts = {draft_id: row for row, draft_id in enumerate(catalogue.item_ids[first:], start=first)}
    rows = [release.row(one) if one in release else drafts.get(one) for one in item_ids]
    return np.array([row for row in rows if row is not None], dtype=np.int64)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={Workspace: lambda w: str(w.root)})
def _catalogue(
    workspace: Workspace, version: tuple[object, ...], _shop: ServedShop, _drafts: tuple[Draft, ...]
) -> SearchCatalogue:
    release = _shop.release
    products = {draft.id: draft.product for draft in _drafts}
    return searchable(release.items, release.attribute_kinds, products, workspace)
