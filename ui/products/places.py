"""A product's place on lists: giving it one for some days, and taking it back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import streamlit as st

from engine.access.roles import Action
from engine.core.errors import LongtailError
from engine.edits.places.store import Kind, Place, PlaceStore
from ui.app.notices import say
from ui.app.person import curator_name, only
from ui.app.resources import database, recommender, served
from ui.app.second_thoughts import offer_undo
from ui.widgets.formatting import plain, plural

__all__ = ["draw_place", "end_places", "place_sentence"]

DAYS, LISTS = (7, 14, 30, 60), (10, 20, 50, 100)
KIND_NAMES: dict[Kind, str] = {"guaranteed": "A fixed place", "boosted": "A head start"}
HELP: dict[Kind, str] = {
    "guaranteed": "Puts it fifth on the lists of the products it belongs with most. Where it ranks higher by itself, nothing changes.",
    "boosted": "Its similarity counts 15% more on every list, so it overtakes products that are just ahead of it.",
}


def draw_place(item_id: str) -> None:
    """Draw what place a product or approved draft has, with a button that ends it; or a popover that gives it one."""
    place = served().places.active.get(item_id)
    closed = only(Action.GIVE_PLACES)
    if place is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":material/push_pin: {plain(place_sentence(place))}")
            st.button("End it now", key="place_end", type="tertiary", on_click=end_places, args=([item_id],), **closed)
        return
    with st.popover("Give it a place", icon=":material/push_pin:", type="tertiary"):
        kind: Kind = st.radio(
            "What it gets",
            list(KIND_NAMES),
            key="place_kind",
            format_func=KIND_NAMES.__getitem__,
            captions=list(HELP.values()),
        )
        lists = 0
        if kind == "guaranteed":
            lists = st.select_slider("On how many lists", LISTS, value=20, key="place_lists")
        days = st.select_slider("For how many days", DAYS, value=14, key="place_days")
        st.button(
            "Give it this place",
            type="primary",
            key="place_give",
            on_click=_give,
            args=(item_id, kind, lists, days),
            **closed,
        )


def place_sentence(place: Place) -> str:
    """`A fixed place on 20 lists until 4 December.`"""
    what = (
        f"A fixed place on {plural(place.lists, 'list')}"
        if place.kind == "guaranteed"
        else "A head start on every list"
    )
    until = place.until.astimezone()
    return f"{what} until {until.day} {until:%B}."


def _give(item_id: str, kind: Kind, lists: int, days: int) -> None:
    """Callback: give the place."""

    def known(wanted: str) -> bool:
        return wanted in recommender() or wanted in served().drafts.ids

    try:
        place = PlaceStore(database()).give(item_id, kind, days, curator_name(), known, lists=lists)
    except LongtailError as exc:
        say(plain(exc), ":material/error:")
    else:
        say(plain(place_sentence(place)), ":material/push_pin:")


def end_places(item_ids: Sequence[str]) -> None:
    """Callback: end the places of products, with an Undo."""
    active = served().places.active
    places = [active[one] for one in item_ids if one in active]
    try:
        for place in places:
            PlaceStore(database()).take_back(place.item_id)
    except LongtailError as exc:
        say(plain(exc), ":material/error:")
        return
    if places:
        words = "Its place has ended" if len(places) == 1 else f"{len(places):,} places have ended"
        offer_undo(words, partial(_give_again, places))


def _give_again(places: Sequence[Place]) -> None:
    for place in places:
        days = max(1, math.ceil((place.until - datetime.now(UTC)) / timedelta(days=1)))
        _give(place.item_id, place.kind, place.lists, days)
