"""Map: the shop in two dimensions, by behaviour and by Longtail."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from engine.core.visible_text import visible
from engine.maps.places import MapPlaces
from ui.app import resources
from ui.app.navigation import open_product
from ui.app.url import query, set_query
from ui.products.map_data import colour_choices, map_card, map_places
from ui.products.shown_sets import draw_set_actions, keep_chosen, shown_set
from ui.widgets.cards import Group, card_groups
from ui.widgets.formatting import plural
from ui.widgets.map import Panel, draw_map

__all__ = ["page"]

MOST_CARDS = 48
NAMES = {"als": "By behaviour", "hybrid": "By Longtail"}


def page() -> None:
    """Two panels over the same products; what is found is ringed in both with its ten, what is selected is listed below."""
    places = map_places()
    st.title("Map")
    st.caption("Each dot is a product; similar ones sit close together. Hover over a dot or tap it to see the product.")
    choices = colour_choices(places)
    near, ringed = _highlighted(places)
    chosen, where = _chosen(places)
    opened = draw_map(
        key="map",
        version=places.version,
        n=len(places),
        panels=_panels(places),
        choices=choices,
        by=query("colour", "traffic", allowed=choices),
        on_by=lambda name: set_query(colour=None if name == "traffic" else name),
        ringed=ringed,
        near=near,
        on_near=lambda item_id: set_query(near=item_id),
        chosen=chosen,
        on_chosen=lambda rows, panel: _choose(places, rows, panel),
    )
    if opened:
        open_product(opened)
    if chosen:
        _selected(places, chosen, where)
    elif ringed:
        _cards(places, ringed, f"{near} and its ten similar items" if len(ringed) > 1 else near, "ringed on the map")


def _highlighted(places: MapPlaces) -> tuple[str, list[int]]:
    """The title of the product in the address, and its row with those of its ten similar items."""
    anchor = query("near")
    row = places.row(anchor)
    if row is None:
        return "", []
    found = [places.row(one.item_id) for one in resources.served().neighbours(anchor, "hybrid", 10)]
    return visible(places.product(row).title or anchor), [row, *(one for one in found if one is not None)]


def _panels(places: MapPlaces) -> list[Panel]:
    word = resources.shop_words().interaction_word
    missing = int((~np.isfinite(places.panel("als")[: places.n_products, 0])).sum())
    drafts = len(places) - places.n_products
    notes = [
        f"{plural(missing, 'product')} with no {word} not shown" if missing else "",
        f"every product shown, with {plural(drafts, 'new product')}" if drafts else "every product shown",
    ]
    return [
        Panel(
            name,
            visible(note),
            f"Map of {plural(places.n_products, 'product')}, {name[0].lower()}{name[1:]}. Arrow keys move it, plus and minus zoom, 0 shows all of it, "
            "Enter shows the product in the middle.",
        )
        for name, note in zip(NAMES.values(), notes, strict=True)
    ]


def _choose(places: MapPlaces, rows: Sequence[int], panel: str) -> None:
    """Keep a selection, and name it in the address: who goes on to a product and comes back finds it again."""
    name = NAMES.get(panel, NAMES["hybrid"])
    words = f"an area of the map, {name[0].lower()}{name[1:]}"
    set_query(chosen=keep_chosen(places.item_ids(rows), words) if rows else None)


def _chosen(places: MapPlaces) -> tuple[list[int], str]:
    """The rows of the selection that the address names, and how they were chosen; none where it is forgotten."""
    key = query("chosen")
    kept = shown_set(key) if key.startswith("chosen:") else None
    if kept is None:
        return [], ""
    return places.rows(kept.item_ids), kept.title


def _selected(places: MapPlaces, rows: Sequence[int], how: str) -> None:
    """What was selected: what can be done with it, and its pictures."""
    draw_set_actions(places.item_ids(rows), how, key="map_chosen")
    counts = places.release.items["interaction_count"].to_numpy()
    busiest = sorted(rows, key=lambda row: -counts[row] if row < places.n_products else 0)
    _cards(places, busiest, f"{plural(len(rows), 'product')} selected", how)


def _cards(places: MapPlaces, rows: Sequence[int], title: str, detail: str) -> None:
    maker = resources.card_maker()
    cards = [map_card(places, row, maker) for row in rows[:MOST_CARDS]]
    more = f"{detail}; the first {MOST_CARDS} of {len(rows):,}" if len(rows) > MOST_CARDS else detail
    if opened := card_groups([Group(title=title, detail=more, cards=cards)], key="map_cards"):
        open_product(opened)
