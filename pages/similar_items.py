"""Similar items: find a product, look at its neighbours by behaviour and by Longtail, flag what is irrelevant."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from engine.errors import NotFoundError
from ui.browse import PAGE_SIZE, clear_search, draw_filters, find, random_long_tail, search_in_address
from ui.cards import CardMaker, Group, card_groups
from ui.judging import ask_for_name, judged_sentence, judging_data, store_outbox
from ui.product import draw_product
from ui.resources import card_maker, judgements, recommender, settings, shop_words, traffic
from ui.url import mirror, query, set_query, writer
from ui.words import ARM_HELP, ARM_NAMES, arm_name, plural

__all__ = ["page"]

VIEWS = {"": "Side by side"} | ARM_NAMES
SIDE_BY_SIDE = ("als", "hybrid")


def page() -> None:
    """The list of products, or with `?item=` one product and its neighbours."""
    if item_id := query("item"):
        try:
            row = recommender().row(item_id)
        except NotFoundError as exc:
            st.warning(str(exc), icon=":material/search_off:")
            st.button("Show all products", on_click=set_query, kwargs={"item": None})
            return
        _product(row)
    else:
        _catalogue()


def _catalogue() -> None:
    items, levels = recommender().items, traffic()
    with st.container(horizontal=True, vertical_alignment="center", key="list_head"):
        st.title("Similar items", anchor=False)
        st.button("Show me a long-tail product", icon=":material/casino:", on_click=_open_long_tail, type="primary")
    search = search_in_address(items)
    draw_filters(items, search, shop_words().currency)
    rows = find(items, levels, search)
    if not rows.size:
        st.info("No product is like that. Loosen a filter, or search for fewer words.", icon=":material/search_off:")
        st.button("Show all products", on_click=clear_search)
        return
    pages = math.ceil(rows.size / PAGE_SIZE)
    number = min(max(_whole(query("page")), 1), pages)
    st.caption(plural(int(rows.size), "product"))
    start = (number - 1) * PAGE_SIZE
    cards = [card_maker().card(row) for row in rows[start : start + PAGE_SIZE]]
    card_groups([Group(cards=cards)], key="catalogue", on_open=_open)
    if pages > 1:
        mirror("find_page", number)
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key="find_page", on_change=writer("find_page", "page", to_text=_page_text))


def _product(row: int) -> None:
    facade, maker = recommender(), card_maker()
    item_id = str(facade.items["item_id"].iloc[row])
    st.button("All products", icon=":material/arrow_back:", type="tertiary", on_click=set_query, kwargs={"item": None})
    left, right = st.columns([2, 7], gap="medium")
    with left:
        draw_product(row, maker)
        st.button("Another long-tail product", icon=":material/casino:", on_click=_open_long_tail)
    with right:
        view = query("view", allowed=VIEWS)
        mirror("view", view)
        st.segmented_control(
            "Neighbours", list(VIEWS), key="view", format_func=VIEWS.__getitem__, required=True,
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
        sentence = judged_sentence(current, {group.name: [card.item_id for card in group.cards] for group in groups})
        st.caption(sentence or "Nobody has judged these yet. Flag what does not belong, then say that the rest fits.")
    ask_for_name()


def _neighbours(item_id: str, arm: str, maker: CardMaker) -> Group:
    neighbours = recommender().neighbours(item_id, arm, settings().serving.neighbours)
    return Group(
        name=arm,
        title=arm_name(arm),
        hint=ARM_HELP[arm],
        cards=[maker.card(neighbour.row, rank=neighbour.rank) for neighbour in neighbours],
        empty=_empty(arm),
    )


def _empty(arm: str) -> str:
    if arm == "als":
        return f"No {shop_words().interaction_word} yet, so behaviour has nothing to show for this product."
    return "Nothing to show: this product has no text, picture or attributes to go by."


def _open(item_id: str) -> None:
    set_query(item=item_id)


def _open_long_tail() -> None:
    set_query(item=random_long_tail(recommender().items, traffic(), np.random.default_rng()))


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _page_text(value: object) -> str | None:
    return None if value == 1 else str(value)
