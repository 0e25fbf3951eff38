"""Sets: products and searches that people keep to find them again."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from engine.access.roles import Action
from engine.core.errors import LongtailError
from engine.edits.sets.store import LONGEST_NAME, ProductSet
from ui.app.navigation import open_similar_items
from ui.app.notices import say
from ui.app.person import only
from ui.app.resources import card_maker, recommender, served
from ui.app.second_thoughts import offer_undo
from ui.products.draft_resources import draft_card
from ui.products.shown_sets import draw_set_actions, known_products, set_key, sets
from ui.widgets.cards import Card, Group, card_groups
from ui.widgets.closing import close, closing
from ui.widgets.formatting import day_phrase, plain, plural

__all__ = ["page"]

PREVIEWED = 8


def page() -> None:
    """Every set with its first products, and what can be done with it."""
    st.title("Sets", anchor=False)
    st.caption("Products and searches that you and your colleagues keep. Everybody sees the same sets.")
    every = sets().all()
    if not every:
        st.html(
            '<div class="lt-empty"><p>No sets yet.</p>'
            "<p>Search on Similar items, or select products on any page, and choose Add to set.</p></div>"
        )
        return
    for one in every:
        with st.container(border=True):
            _draw_set(one)


def _draw_set(one: ProductSet) -> None:
    known = known_products(one.item_ids)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(one.name), anchor=False)
        st.space("stretch")
        if st.button("Open", key=f"open_{one.id}", icon=":material/grid_view:"):
            open_similar_items(_address(one))
        _draw_more(one)
    st.caption(plain(_described(one, len(known))))
    if known:
        card_groups(
            [Group(cards=[_card(item_id) for item_id in known[:PREVIEWED]])], key=f"cards_{one.id}", layout="strip"
        )
        draw_set_actions(known, one.name, f"set_{one.id}", opens=False)


def _address(one: ProductSet) -> dict[str, str | list[str]]:
    """What the address of Similar items holds to show a set."""
    if one.search is None:
        return {"show": set_key(one.id)}
    return {name: list(values) for name, values in one.search.items()}


def _described(one: ProductSet, known: int) -> str:
    """How many products it has and where it comes from."""
    who = f" by {one.created_by}" if one.created_by else ""
    when = f"changed {day_phrase(one.updated_at)}{who}"
    if one.search is not None:
        return f"A search, made anew each time: {urlencode(dict(one.search), doseq=True)} · {when}"
    gone = len(one.item_ids) - known
    left = f", {gone:,} of them no longer in the shop" if gone else ""
    return f"{plural(len(one.item_ids), 'product')}{left} · {when}" + (f" · {one.note}" if one.note else "")


def _draw_more(one: ProductSet) -> None:
    closed = only(Action.EDIT_SETS)
    with st.popover("More", icon=":material/more_horiz:", type="tertiary", key=closing(f"more_{one.id}")):
        name = st.text_input("Name", one.name, key=f"name_{one.id}", max_chars=LONGEST_NAME)
        if st.button("Rename", key=f"rename_{one.id}", **closed):
            try:
                sets().rename(one.id, name)
            except LongtailError as exc:
                st.error(plain(exc), icon=":material/error:")
            else:
                close(f"more_{one.id}")
                st.rerun()
        st.button(
            "Remove this set", key=f"remove_{one.id}", icon=":material/delete:", on_click=_remove, args=(one,), **closed
        )


def _remove(one: ProductSet) -> None:
    """Callback: remove a set."""
    try:
        sets().remove(one.id)
    except LongtailError as exc:
        say(plain(exc), ":material/error:")
    else:
        offer_undo(f"“{one.name}” is removed", lambda: sets().restore(one.id))


def _card(item_id: str) -> Card:
    release = recommender()
    if item_id in release:
        return card_maker().card(release.row(item_id))
    return draft_card(next(one for one in served().drafts.drafts if one.id == item_id))
