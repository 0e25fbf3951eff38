"""Products found by words, quickly: what pages, the search field and the command palette ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import streamlit as st

from engine.catalogue.traffic import Traffic
from engine.core.workspace import Workspace
from engine.edits.drafts.store import Draft
from engine.search.catalogue import Base, SearchCatalogue, searchable
from engine.search.search import Found, Search, search
from engine.serving.served_shop import ServedShop
from ui.app.resources import card_maker, served, traffic, workspace
from ui.products.draft_resources import draft_card
from ui.widgets.cards import Card

__all__ = ["FoundIds", "Hit", "catalogue_to_search", "found", "found_cards", "rows_of", "searched"]

KEPT = 4  # searches, some 10 MB each at a million products


@dataclass(frozen=True)
class Hit:
    """A product that was found. `image` is the address of its thumbnail, or None; `href` that of its page."""

    item_id: str
    title: str
    brand: str
    image: str | None
    href: str


class FoundIds(Sequence[str]):
    """The ids of rows of the catalogue that is searched, looked up when somebody wants them: a page that shows 24 finds 100,000."""

    def __init__(self, catalogue: SearchCatalogue, rows: np.ndarray) -> None:
        self._ids, self._rows = catalogue.item_ids, rows
        self._catalogue = catalogue

    def __len__(self) -> int:
        return len(self._rows)

    def rows_in(self, catalogue: SearchCatalogue) -> np.ndarray | None:
        """The rows, int64; None in another catalogue."""
        return np.asarray(self._rows, dtype=np.int64) if catalogue is self._catalogue else None

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        return self._ids.take(self._rows[place]) if isinstance(place, slice) else self._ids[self._rows[place]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids.take(self._rows))


def found(text: str, limit: int) -> list[Hit]:
    """The products that words find, best first; none where the catalogue does not have the words, in any spelling."""
    catalogue, shop = catalogue_to_search(), served()
    cards = found_cards(catalogue, shop, catalogue.best(text, limit))
    return [Hit(card.item_id, card.title, card.brand, card.image, card.href) for card in cards]


def catalogue_to_search() -> SearchCatalogue:
    """The served products and approved drafts, as they are searched; made once for each version of them."""
    shop = served()
    return _catalogue(workspace(), _version(shop), shop, shop.drafts.drafts)


def searched(wanted: Search) -> Found:
    """What a search finds in `catalogue_to_search`; the last ones are kept, since a page runs again with every click."""
    parts = (wanted.text, sorted(wanted.values.items()), sorted(wanted.ranges.items()), wanted.levels, wanted.order)
    return _searched(workspace(), _version(served()), repr(parts), catalogue_to_search(), traffic(), wanted)


def found_cards(catalogue: SearchCatalogue, shop: ServedShop, rows: Iterable[int]) -> list[Card]:
    """The cards of products of the catalogue that is searched."""
    maker, n_items = card_maker(), len(shop.release.items)
    drafts = {draft.id: draft for draft in shop.drafts.drafts}
    return [maker.card(int(row)) if row < n_items else draft_card(drafts[catalogue.item_ids[int(row)]]) for row in rows]


def rows_of(catalogue: SearchCatalogue, shop: ServedShop, item_ids: Sequence[str]) -> np.ndarray:
    """Rows of products in the catalogue that is searched, in their order, without those that are not there, int64."""
    if isinstance(item_ids, FoundIds) and (known := item_ids.rows_in(catalogue)) is not None:
        return known
    first = len(shop.release.items)
    drafts = {draft_id: row for row, draft_id in enumerate(catalogue.item_ids[first:], start=first)}
    rows = shop.release.rows_of(item_ids)
    for place in np.flatnonzero(rows < 0) if drafts else ():
        rows[place] = drafts.get(item_ids[int(place)], -1)
    return rows[rows >= 0]


def _version(shop: ServedShop) -> tuple[object, ...]:
    return (shop.release.version, *((draft.id, draft.version) for draft in shop.drafts.drafts))


@st.cache_resource(show_spinner=False, max_entries=KEPT, hash_funcs={Workspace: lambda w: str(w.root)})
def _searched(
    workspace: Workspace,
    version: tuple[object, ...],
    parts: str,
    _catalogue: SearchCatalogue,
    _traffic: Traffic,
    _wanted: Search,
) -> Found:
    return search(_catalogue, _traffic, _wanted)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={Workspace: lambda w: str(w.root)})
def _catalogue(
    workspace: Workspace, version: tuple[object, ...], _shop: ServedShop, _drafts: tuple[Draft, ...]
) -> SearchCatalogue:
    release, trained = _shop.release, _shop.as_trained
    products = {draft.id: draft.product for draft in _drafts}
    base = Base(trained.edition, trained.items, release.changed_rows)
    return searchable(release.items, release.attribute_kinds, products, workspace, base)
