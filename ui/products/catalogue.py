"""The products found on Similar items, a page of cards at a time, under the search that found them."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from engine.core.errors import LongtailError
from ui.app.resources import card_maker, recommender, shop_words, traffic
from ui.app.url import mirror, query, set_query, writer
from ui.products.browse import (
    PAGE_SIZE,
    Search,
    clear_search,
    draw_filters,
    find,
    open_long_tail,
    search_in_address,
)
from ui.products.search_by_meaning import Like, closest, draw_like, like_in_address, say_like
from ui.products.selection import draw_selection, selecting, store_selection
from ui.products.shown_sets import ShownSet, draw_set_actions, shown_set
from ui.review.judged_lists import forget_left_out
from ui.widgets.cards import Group, card_groups
from ui.widgets.formatting import plain, plural

__all__ = ["draw_catalogue"]

GRID = "catalogue"


def draw_catalogue() -> None:
    """The search, and the products it finds."""
    forget_left_out()
    items, levels = recommender().items, traffic()
    with st.container(horizontal=True, vertical_alignment="center", key="list_head"):
        st.title("Similar items", anchor=False)
        like = like_in_address()
        draw_like(like)
        st.button("Show me a long-tail product", icon=":material/casino:", on_click=open_long_tail, type="primary")
    search = search_in_address(items)
    draw_filters(items, search, shop_words().currency, ordered=like is None)
    rows = find(items, levels, search)
    if (shown := _draw_shown_set()) is not None:
        rows = _within(rows, shown)
    if like is not None:
        say_like(like)
        try:
            rows = closest(like, rows)
        except LongtailError as exc:
            st.error(plain(exc), icon=":material/broken_image:")
            return
    if not rows.size:
        st.info("No products match. Remove a filter, or search for fewer words.", icon=":material/search_off:")
        with st.container(horizontal=True):
            if search.text and like is None:
                st.button("Search by meaning", icon=":material/image_search:", on_click=_by_words, args=(search.text,))
            st.button("Show all products", on_click=clear_search)
        return
    _found(items["item_id"].iloc[rows].tolist(), search, like)
    _draw_page(rows)


def _draw_shown_set() -> ShownSet | None:
    """The set in the address, under its title with a way out; a set that is gone is said to be."""
    key = query("show")
    if not key:
        return None
    shown = shown_set(key)
    with st.container(horizontal=True, vertical_alignment="center"):
        if shown is None:
            st.warning("These products were not kept. Choose them again.", icon=":material/search_off:")
        else:
            st.markdown(
                f"**{plain(shown.title)}**" + (f" · {plain(shown.note)}" if shown.note else ""), width="content"
            )
        st.button("Show all products", icon=":material/close:", type="tertiary", key="leave_set", on_click=clear_search)
    return shown


def _within(rows: np.ndarray, shown: ShownSet) -> np.ndarray:
    """Those of these rows that are of a set; in the set's own order where nothing else was asked for."""
    release = recommender()
    own = np.array([release.row(one) for one in shown.item_ids if one in release], dtype=np.int64)
    return rows[np.isin(rows, own)] if query("sort") else own[np.isin(own, rows)]


def _draw_page(rows: np.ndarray) -> None:
    """Draw the cards of one page of the products found."""
    pages = math.ceil(rows.size / PAGE_SIZE)
    number = min(max(_whole(query("page")), 1), pages)
    start = (number - 1) * PAGE_SIZE
    cards = [card_maker().card(row) for row in rows[start : start + PAGE_SIZE]]
    card_groups(
        [Group(cards=cards)],
        key=GRID,
        on_open=_open,
        selecting=selecting(GRID),
        on_select=store_selection(GRID),
    )
    if pages > 1:
        mirror("find_page", number)
        with st.container(horizontal_alignment="center"):
            st.pagination(
                pages,
                key="find_page",
                on_change=writer("find_page", "page", to_text=_page_text),
                persist_state="session",
            )


def _by_words(text: str) -> None:
    """Callback: search for the meaning of what was typed, not its letters."""
    set_query(q=None, words=text, page=None)


def _found(item_ids: list[str], search: Search, like: Like | None) -> None:
    """Say how many were found, and what can be done with all of them, or with those that are chosen."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plural(len(item_ids), "product"))
        asked = [*(["a set"] if query("show") else []), *search.words(), *(like.parts() if like else [])]
        if asked:
            draw_set_actions(item_ids, f"found on Similar items by {', '.join(asked)}", key="found", opens=False)
    draw_selection(GRID, item_ids, "products found on Similar items")


def _open(item_id: str) -> None:
    set_query(item=item_id)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _page_text(value: object) -> str | None:
    return None if value == 1 else str(value)
