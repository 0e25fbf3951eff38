"""What the map needs of the shop as it is served, worked out once for each version of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from engine.catalogue.traffic import LEVELS
from engine.core.visible_text import visible
from engine.maps.colours import Colouring, by_fact, by_irrelevance, by_traffic
from engine.maps.mixing import Mixing, facts_to_compare, how_mixed
from engine.maps.places import PANELS, MapPlaces, places_of, places_version
from engine.maps.regions import Region, regions_of, words_of
from engine.recommend.recommender import Recommender
from ui.app import resources
from ui.widgets.addresses import picture_url, thumb_url
from ui.widgets.cards import LEVEL_NAMES, Card, CardMaker, product_href
from ui.widgets.formatting import count_phrase, price_phrase

__all__ = ["colour_choices", "colouring", "map_card", "map_places", "mixing_sentence", "mixing_words", "regions"]

_FIXED = {
    "traffic": "Traffic",
    "irrelevance": "Irrelevant neighbours",
    "price": "Price",
    "category": "Category",
    "brand": "Brand",
}
_FEWEST_VALUES = 2
NAMED_BY = 50_000  # products whose words name the regions


def map_places() -> MapPlaces:
    """Where everything lies that is served now; errors as `resources.served`."""
    served = resources.served()
    release, drafts = served.release, served.drafts
    return _places(places_version(release, drafts), release, drafts)


def colour_choices(places: MapPlaces) -> dict[str, str]:
    """What the map can be coloured by: name -> what it is called. Texts of many words and facts that nothing has are left out."""
    return _choices(places.release.version, places.release)


def colouring(places: MapPlaces, by: str) -> Colouring:
    """The groups of one of `colour_choices`; traffic where it is none of them."""
    if by == "irrelevance":
        store = resources.judgements()
        return _irrelevance(places.version, store.last_id(), places, store)
    return _colouring(places.version, by, places)


def regions(places: MapPlaces) -> Mapping[str, Sequence[Region]]:
    """The named regions of each panel."""
    return _regions(places.release.version, places.release)


def mixing_sentence(places: MapPlaces) -> str:
    """What long-tail products have in common with what lies around them, in words."""
    return mixing_words(_mixing(places.release.version, places.release))


def mixing_words(mixing: Mixing | None) -> str:
    """What was measured as a sentence; None is too little to tell."""
    if mixing is None:
        return "Too few long-tail products, or too little known of them, to tell how well they lie among their like."
    facts = [visible(name).replace("_", " ") for name in mixing.facts]
    named = ", ".join(facts[:3]) + (f" and {len(facts) - 3} more" if len(facts) > 3 else "")
    longtail, behaviour = f"{mixing.longtail:.0%}", f"{mixing.behaviour:.0%}"
    shares = f"{longtail} of what is known ({named})"
    who = (
        "as much by Longtail as by behaviour"
        if longtail == behaviour
        else f"by Longtail, and on {behaviour} by behaviour"
    )
    what = f"Long-tail products agree with the ten around them on {shares} {who}. Any two products agree on {mixing.chance:.0%}."
    return what if mixing.is_clear or longtail == behaviour else f"{what} The difference may be chance."


def map_card(places: MapPlaces, row: int, maker: CardMaker) -> Card:
    """The card of a product or draft of the map."""
    if row < places.n_products:
        return maker.card(row)
    product, draft_id = places.product(row), places.item_id(row)
    return Card(
        item_id=draft_id,
        title=visible(product.title or draft_id),
        brand=visible(product.brand or ""),
        price=visible(price_phrase(product.price, maker.currency)),
        count=count_phrase(0, maker.word),
        level="none",
        image=thumb_url(product.image) if product.image else None,
        large=picture_url(product.image) if product.image else None,
        href=product_href(draft_id),
        note="New product",
    )


@st.cache_resource(show_spinner=False, max_entries=3)
def _places(version: str, _release: Recommender, _drafts: Any) -> MapPlaces:
    return places_of(_release, _drafts)


@st.cache_resource(show_spinner=False, max_entries=3)
def _choices(version: str, _release: Recommender) -> dict[str, str]:
    kinds, items = _release.attribute_kinds, _release.items
    named = [name for name, kind in kinds.items() if kind != "text"]
    useful = [name for name in ("category", "brand", "price", *named) if items[name].notna().any()]
    names = ["traffic", "irrelevance", *useful]
    return {name: _FIXED.get(name) or visible(name).replace("_", " ").capitalize() for name in names}


@st.cache_resource(show_spinner=False, max_entries=40)
def _colouring(version: str, by: str, _places: MapPlaces) -> Colouring:
    kinds = _places.release.attribute_kinds
    if by in _choices(_places.release.version, _places.release) and by != "traffic":
        words = resources.words_of(_places.release)
        number = by == "price" or kinds.get(by) == "number"

        def label(value: float) -> str:
            return price_phrase(value, words.currency) if by == "price" else _number(value)

        return by_fact(_places, by, number=number, number_label=label)
    return by_traffic(_places, resources.traffic(), [LEVEL_NAMES[level] for level in LEVELS])


@st.cache_resource(show_spinner=False, max_entries=3)
def _irrelevance(version: str, last_id: int, _places: MapPlaces, _store: Any) -> Colouring:
    return by_irrelevance(_places, _store.current(), _store.appearances())


@st.cache_resource(show_spinner=False, max_entries=3)
def _regions(version: str, _release: Recommender) -> dict[str, list[Region]]:
    named = [name for name, kind in _release.attribute_kinds.items() if kind in ("category", "multi")]
    n = len(_release.items)
    rows = np.sort(np.random.default_rng(0).permutation(n)[:NAMED_BY])
    words, maps = words_of(_release.items.iloc[rows], named), _release.maps.iloc[rows]
    points = {panel: maps[[f"{panel}_x", f"{panel}_y"]].to_numpy(dtype="float32") for panel in PANELS}
    return {panel: regions_of(points[panel], words) for panel in PANELS}


@st.cache_resource(show_spinner=False, max_entries=3)
def _mixing(version: str, _release: Recommender) -> Mixing | None:
    items, kinds = _release.items, dict(_release.attribute_kinds)
    points = [_release.maps[[f"{panel}_x", f"{panel}_y"]].to_numpy(dtype="float32") for panel in PANELS]
    long_tail = resources.traffic().is_long_tail(items["interaction_count"].to_numpy())
    return how_mixed(items, facts_to_compare(items, kinds), points[0], points[1], long_tail)


def _number(value: float) -> str:
    return f"{value:,.0f}" if math.isclose(value, round(value)) else f"{value:,.2f}"
