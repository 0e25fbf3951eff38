"""Similar items: find a product, look at its neighbours by behaviour and by Longtail, flag what is irrelevant."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import streamlit as st

from engine.arms import registry
from engine.core.errors import LongtailError, NotFoundError
from ui.app.navigation import open_draft
from ui.app.resources import card_maker, judgements, recommender, served, settings, shop_words, traffic
from ui.app.url import mirror, query, set_query, writer
from ui.products.browse import PAGE_SIZE, Search, clear_search, draw_filters, find, random_long_tail, search_in_address
from ui.products.changes import draw_change_of
from ui.products.draft_resources import neighbour_card
from ui.products.facts import draw_product
from ui.products.search_by_meaning import Like, closest, draw_like, like_in_address, say_like
from ui.review.flags import ask_for_name, judged_sentence, judging_data, store_outbox
from ui.review.send_to_review import draw_send
from ui.widgets.cards import CardMaker, Group, card_groups
from ui.widgets.formatting import plain, plural

__all__ = ["page"]

_OPENED = "similar_items_opened"
SIDE_BY_SIDE = ("als", "hybrid")


def page() -> None:
    """The list of products, or with `?item=` one product and its neighbours."""
    if item_id := query("item"):
        try:
            row = recommender().row(item_id)
        except NotFoundError as exc:
            if item_id in served().drafts.ids:
                open_draft(item_id)
            st.warning(plain(exc), icon=":material/search_off:")
            st.button("Show all products", on_click=set_query, kwargs={"item": None})
            return
        _product(row)
    else:
        _catalogue()


def _catalogue() -> None:
    st.session_state.pop(_OPENED, None)
    items, levels = recommender().items, traffic()
    with st.container(horizontal=True, vertical_alignment="center", key="list_head"):
        st.title("Similar items", anchor=False)
        like = like_in_address()
        draw_like(like)
        st.button("Show me a long-tail product", icon=":material/casino:", on_click=_open_long_tail, type="primary")
    search = search_in_address(items)
    draw_filters(items, search, shop_words().currency, ordered=like is None)
    rows = find(items, levels, search)
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


def _draw_page(rows: np.ndarray) -> None:
    """Draw the cards of one page of the products found."""
    pages = math.ceil(rows.size / PAGE_SIZE)
    number = min(max(_whole(query("page")), 1), pages)
    start = (number - 1) * PAGE_SIZE
    cards = [card_maker().card(row) for row in rows[start : start + PAGE_SIZE]]
    card_groups([Group(cards=cards)], key="catalogue", on_open=_open)
    if pages > 1:
        mirror("find_page", number)
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key="find_page", on_change=writer("find_page", "page", to_text=_page_text))


def _by_words(text: str) -> None:
    """Callback: search for the meaning of what was typed, not its letters."""
    set_query(q=None, words=text, page=None)


def _found(item_ids: list[str], search: Search, like: Like | None) -> None:
    """Say how many were found, and offer to have just these judged."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plural(len(item_ids), "product"))
        asked = [*search.words(), *(like.parts() if like else [])]
        if asked:
            draw_send(item_ids, f"found on Similar items by {', '.join(asked)}", key="send")


def _product(row: int) -> None:
    facade, maker = recommender(), card_maker()
    item_id = str(facade.items["item_id"].iloc[row])
    st.button("All products", icon=":material/arrow_back:", type="tertiary", on_click=set_query, kwargs={"item": None})
    left, right = st.columns([2, 7], gap="medium")
    with left:
        draw_product(row, maker)
        draw_change_of(item_id)
        st.button("Another long-tail product", icon=":material/casino:", on_click=_open_long_tail)
        draw_send([item_id], "one product, on Similar items", key="send_one")
    with right:
        views = {"": "Side by side"} | {name: one.title for name, one in registry.arms().items()}
        view = query("view", allowed=views)
        mirror("view", view)
        st.segmented_control(
            "Neighbours", list(views), key="view", format_func=views.__getitem__, required=True,
            label_visibility="collapsed", on_change=writer("view", "view"),
        )  # fmt: skip
        groups = [_neighbours(item_id, arm, maker) for arm in ([view] if view else SIDE_BY_SIDE)]
        current = judgements().current(item_id)
        card_groups(
            groups,
            key="neighbours",
            layout="grid" if view else "columns",
            on_open=_open,
            judging=judging_data(current, item_id, rest=any(group.cards for group in groups)),
            on_outbox=lambda: store_outbox("neighbours"),
        )
        sentence = judged_sentence(current, {group.name: _returned(item_id, group.name) for group in groups})
        _ruled_out(item_id, current, maker)
        st.caption(sentence or "Nothing judged yet. Flag what does not belong, then confirm that the rest fits.")
    ask_for_name()


def _neighbours(item_id: str, arm: str, maker: CardMaker) -> Group:
    k = settings().serving.neighbours
    neighbours = served().neighbours(item_id, arm, k, suppressed=_left_out(item_id))
    return Group(
        name=arm,
        title=registry.title_of(arm),
        hint=registry.arm(arm).help,
        cards=[neighbour_card(neighbour) for neighbour in neighbours],
        empty=_empty(arm),
    )


def _returned(item_id: str, arm: str) -> list[str]:
    """The list before anything is left out: the one that is judged."""
    return [one.item_id for one in recommender().neighbours(item_id, arm, settings().serving.neighbours)]


def _left_out(item_id: str) -> frozenset[str]:
    """What was ruled out when this product was opened: what is flagged since stays visible, marked, until it is left."""
    now = served().suppressed(item_id)
    opened = st.session_state.get(_OPENED)
    if opened is None or opened[0] != item_id:
        st.session_state[_OPENED] = opened = (item_id, now)
    return frozenset(opened[1] & now)


def _ruled_out(item_id: str, current: pd.DataFrame, maker: CardMaker) -> None:
    """Draw the products left out because people called them irrelevant, so that one can be brought back."""
    facade = recommender()
    out = sorted(neighbour for neighbour in _left_out(item_id) if neighbour in facade)
    if not out:
        return
    with st.expander(f"{plural(len(out), 'product')} left out: marked irrelevant here", icon=":material/block:"):
        st.caption("No longer shown beside this product, here or in your shop. Remove your flag to bring one back.")
        card_groups(
            [Group(cards=[maker.card(facade.row(neighbour)) for neighbour in out])],
            key="ruled_out",
            on_open=_open,
            judging=judging_data(current, item_id, rest=False),
            on_outbox=lambda: store_outbox("ruled_out"),
        )


def _empty(arm: str) -> str:
    if arm == "als":
        return f"No {shop_words().interaction_word} yet, so behaviour has nothing to show for this product."
    return "Nothing to show: this product has no text, picture or attributes."


def _open(item_id: str) -> None:
    set_query(item=item_id)


def _open_long_tail() -> None:
    set_query(item=random_long_tail(recommender().items, traffic(), np.random.default_rng()))


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _page_text(value: object) -> str | None:
    return None if value == 1 else str(value)
