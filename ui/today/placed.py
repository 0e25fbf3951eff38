"""Products that hold a place on lists, on Today: how many, until when, and ending it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

import streamlit as st

from engine.access.roles import Action
from engine.edits.places.store import Place
from ui.app.navigation import open_similar_items
from ui.app.person import only
from ui.app.resources import recommender, served
from ui.products.places import end_places, place_sentence
from ui.products.shown_sets import ShownSet, known_products
from ui.widgets.formatting import plain, plural, text_or_none

__all__ = ["SET", "TITLE", "draw_placed", "placed_sentence", "placed_set"]

SET = "placed"
"""The name of the set of products with a place, among Today's."""
TITLE = "Products with a place on lists"
MOST_LISTED = 12


def draw_placed() -> None:
    """Draw how many products hold a place, with what opens them and ends each; nothing where there are none."""
    placed = _placed()
    if not placed:
        return
    with st.container(border=True, key="todo_placed"):
        st.markdown(f":material/push_pin: {plain(placed_sentence(placed))}")
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(f"Open {plural(len(placed), 'product')}", icon=":material/grid_view:", key="open_placed"):
                open_similar_items({"show": f"today:{SET}"})
            with st.popover("End places", type="tertiary", icon=":material/keep_off:"):
                _draw_ends(placed)


def placed_sentence(placed: Sequence[Place]) -> str:
    """`3 products hold a place on lists until 4 December.`, or how long the first and the last of them do."""
    days = [one.until.astimezone().date() for one in placed]
    first, last = min(days), max(days)
    who = f"{plural(len(placed), 'product')} {'holds' if len(placed) == 1 else 'hold'} a place on lists"
    if first == last:
        return f"{who} until {_day(first)}."
    return f"{who}: the first ends on {_day(first)}, the last on {_day(last)}."


def placed_set() -> ShownSet | None:
    """The products with a place, those that lose it first in front; None where there are none."""
    placed = _placed()
    if not placed:
        return None
    return ShownSet(f"today:{SET}", TITLE, [one.item_id for one in placed], placed_sentence(placed))


def _placed() -> list[Place]:
    active = served().places.active
    known = set(known_products(list(active)))
    return sorted((one for one in active.values() if one.item_id in known), key=lambda one: (one.until, one.item_id))


def _draw_ends(placed: Sequence[Place]) -> None:
    closed = only(Action.GIVE_PLACES)
    for one in placed[:MOST_LISTED]:
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(width="stretch"):
                st.markdown(f"{plain(_title(one.item_id))}  \n:small[{plain(place_sentence(one))}]")
            st.button(
                "End", key=f"end_{one.item_id}", type="tertiary", on_click=end_places, args=([one.item_id],), **closed
            )
    if len(placed) > MOST_LISTED:
        st.caption(f"And {len(placed) - MOST_LISTED:,} more that end later: open them to see which.")
    if len(placed) > 1:
        every = partial(end_places, [one.item_id for one in placed])
        st.button(f"End all {len(placed):,}", key="end_all_places", on_click=every, **closed)


def _title(item_id: str) -> str:
    release = recommender()
    if item_id in release:
        title = text_or_none(release.items["title"].iloc[release.row(item_id)])
    else:
        title = next((one.title for one in served().drafts.drafts if one.id == item_id), None)
    return (title or item_id)[:80]


def _day(day: date) -> str:
    return f"{day.day} {day:%B}"
