"""The products found on Similar items, a page of cards at a time, under the search that found them."""

from __future__ import annotations

import math
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillAtWork

import numpy as np
import streamlit as st

from engine.core.errors import LongtailError
from engine.search.catalogue import SearchCatalogue
from engine.search.search import Found, Search, search
from ui.app.navigation import link_to
from ui.app.resources import served, shop_words, traffic
from ui.app.url import mirror, query, set_query, writer
from ui.products.browse import PAGE_SIZE, Part, clear_search, open_long_tail, parts_of, search_in_address
from ui.products.filters import draw_chips, draw_facets, draw_search_field
from ui.products.finding import FoundIds, catalogue_to_search, found_cards, rows_of, searched
from ui.products.saved_search import draw_save
from ui.products.search_by_meaning import (
    MOST_FOUND,
    closest,
    draw_by_picture,
    picture_in_address,
    say_like,
    similar_in_meaning,
)
from ui.products.selection import draw_selection, selecting, store_selection
from ui.products.shown_sets import ShownSet, draw_set_actions, shown_set
from ui.review.judged_lists import forget_left_out
from ui.widgets.cards import Group, card_groups
from ui.widgets.formatting import plain, plural

__all__ = ["draw_catalogue"]

GRID = "catalogue"
FEW = PAGE_SIZE  # where words find fewer, results by meaning follow
QUICK_SECONDS = 0.15  # a search by meaning is this quick once the network is loaded
LOOK_AGAIN_SECONDS = 0.7


def draw_catalogue() -> None:
    """The search, and the products it finds."""
    forget_left_out()
    image = picture_in_address()
    with st.container(horizontal=True, vertical_alignment="center", key="list_head"):
        st.title("Similar items", anchor=False)
        draw_by_picture()
        st.button("Show me a long-tail product", icon=":material/casino:", on_click=open_long_tail, type="primary")
    catalogue = catalogue_to_search()
    wanted = search_in_address(catalogue)
    draw_search_field(wanted.text, wanted.order, ordered=not image)
    shown = _shown_set()
    own = None if shown is None else rows_of(catalogue, served(), shown.item_ids)
    found = searched(wanted) if own is None else search(catalogue, traffic(), wanted, _mask(catalogue, own))
    draw_facets(found, shop_words().currency)
    parts = _draw_parts(wanted, shown, image)
    try:
        rows = _ordered(found, own, image)
    except LongtailError as exc:
        st.error(plain(exc), icon=":material/broken_image:")
        return
    if own is not None and not own.size:
        _say_done(shown)
        return
    if rows.size:
        item_ids = _say_found(found, rows, parts)
        _draw_page(catalogue, rows)
        draw_selection(GRID, item_ids, "products found on Similar items")
    if _follows_meaning(found, rows, image):
        _draw_similar(found, rows)
    elif not rows.size:
        _say_nothing()


def _shown_set() -> ShownSet | None:
    """The set in the address; one that is gone is said to be."""
    key = query("show")
    shown = shown_set(key) if key else None
    if key and shown is None:
        st.warning("These products were not kept. Choose them again.", icon=":material/search_off:")
    return shown


def _mask(catalogue: SearchCatalogue, rows: np.ndarray) -> np.ndarray:
    mask = np.zeros(len(catalogue), dtype=bool)
    mask[rows] = True
    return mask


def _ordered(found: Found, own: np.ndarray | None, image: str) -> np.ndarray:
    """The rows found in the order of the picture's likeness, of the set, or of the search."""
    if image:
        nearest = closest(image)
        rows = nearest[found.mask()[nearest]][:MOST_FOUND]
    elif own is not None and not found.search.order and not found.search.text:
        rows = own[found.mask()[own]]
    else:
        rows = found.rows
    return np.asarray(rows)


def _draw_parts(wanted: Search, shown: ShownSet | None, image: str) -> list[str]:
    """Draw what is asked for as chips, each of which can be taken away; their words."""
    parts = list(parts_of(wanted, shop_words().currency))
    if shown:
        st.markdown(f"**{plain(shown.title)}**" + (f" · {plain(shown.note)}" if shown.note else ""))
    if query("show"):
        parts.insert(
            0, Part(f"Set: {shown.title}" if shown else "A set that is gone", lambda: set_query(show=None, page=None))
        )
    if image:
        parts.insert(0, Part("Your picture", lambda: set_query(like=None, page=None)))
    if parts:
        with st.container(horizontal=True, vertical_alignment="center", key="chips"):
            draw_chips(parts)
            if len(parts) > 1:
                st.button("Clear all", type="tertiary", on_click=clear_search)
            if not query("show") and not image:
                draw_save(wanted.text or parts[0].label)
    if image:
        say_like(image)
    return [part.label for part in parts]


def _say_found(found: Found, rows: np.ndarray, parts: list[str]) -> FoundIds:
    """Say how many were found and how, and what can be done with them; their ids."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plural(rows.size, "product"))
        item_ids = FoundIds(found.catalogue, rows)
        if parts:
            draw_set_actions(item_ids, f"found on Similar items by {', '.join(parts)}", key="found", opens=False)
    if said := _how_found(found):
        st.caption(plain(said))
    return item_ids


def _how_found(found: Found) -> str:
    """What became of words that the catalogue does not have as they are."""
    matched = found.matched
    if matched is None:
        return ""
    said = []
    if matched.corrected:
        spelled = ", ".join(f"“{right}” for “{typed}”" for typed, right in matched.corrected.items())
        said.append(f"Searched for {spelled}.")
    if matched.unknown:
        words = ", ".join(f"“{word}”" for word in matched.unknown)
        said.append(f"No product has {words}; these have the other words.")
    elif matched.partly:
        said.append("No product has all of these words; these have most of them.")
    return " ".join(said)


def _draw_page(catalogue: SearchCatalogue, rows: np.ndarray) -> None:
    """Draw the cards of one page of the products found."""
    pages = math.ceil(rows.size / PAGE_SIZE)
    number = min(max(_whole(query("page")), 1), pages)
    start = (number - 1) * PAGE_SIZE
    cards = found_cards(catalogue, served(), rows[start : start + PAGE_SIZE])
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


def _follows_meaning(found: Found, rows: np.ndarray, image: str) -> bool:
    """Whether products similar in meaning are looked for: where words find few, and no id was asked for."""
    matched = found.matched
    return matched is not None and not image and not matched.by_id and rows.size < FEW


def _draw_similar(found: Found, rows: np.ndarray) -> None:
    """Draw what is similar in meaning to the words, under a heading that says so."""
    future = similar_in_meaning(found.search.text)
    try:
        near = future.result(QUICK_SECONDS)
    except StillAtWork:
        _wait_for(future)
        return
    except LongtailError:
        near = np.empty(0, dtype=np.int64)  # a release without texts has no meanings
    near = near[found.mask(but="text")[near] & ~np.isin(near, rows)]
    if not near.size:
        if not rows.size:
            _say_nothing()
        return
    title = "Also similar in meaning" if rows.size else "Similar in meaning"
    detail = f"{plural(near.size, 'product')}, the closest first"
    cards = found_cards(found.catalogue, served(), near[:PAGE_SIZE])
    if near.size > PAGE_SIZE:
        detail = f"the closest {PAGE_SIZE} of {plural(near.size, 'product')}"
    if not rows.size:
        matched = found.matched is not None and found.matched.scores.any()
        st.caption("No product left by the filters has these words." if matched else "No product has these words.")
    card_groups([Group(title=title, detail=detail, cards=cards)], key="in_meaning", on_open=_open)


def _wait_for(future: Future[np.ndarray]) -> None:
    """A skeleton of cards until the search by meaning is done."""

    @st.fragment(run_every=LOOK_AGAIN_SECONDS)
    def waiting() -> None:
        if future.done():
            st.rerun()
        st.caption("Looking for products similar in meaning…")
        st.html('<div class="lt-wait-cards" aria-hidden="true"><i></i><i></i><i></i><i></i></div>')

    waiting()


def _say_nothing() -> None:
    st.info("No products match. Remove a filter, or search for other words.", icon=":material/search_off:")
    st.button("Show all products", on_click=clear_search)


def _say_done(shown: ShownSet | None) -> None:
    """What was opened has no product any more."""
    title = shown.title if shown is not None else ""
    st.success(plain(f"Nothing is left of “{title}”."), icon=":material/task_alt:")
    link_to("today", "Back to Today", ":material/arrow_back:")


def _open(item_id: str) -> None:
    set_query(item=item_id)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _page_text(value: object) -> str | None:
    return None if value == 1 else str(value)
