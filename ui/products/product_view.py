"""One product on Similar items: its facts, and what is shown beside it by every arm, on cards that can be flagged."""

from __future__ import annotations

import streamlit as st

from engine.arms import registry
from ui.app.choices import switch
from ui.app.resources import card_maker, recommender, served, settings, shop_words
from ui.app.titles import name_tab
from ui.app.url import set_query
from ui.products.browse import open_long_tail
from ui.products.changes import draw_change_of
from ui.products.compare_links import draw_compare_links
from ui.products.draft_resources import neighbour_cards
from ui.products.facts import draw_product as draw_facts
from ui.products.places import draw_place
from ui.products.why import explained
from ui.review.judged_lists import draw_judged_lists, left_out
from ui.review.send_to_review import draw_send
from ui.widgets.cards import Group
from ui.widgets.formatting import text_or_none

__all__ = ["draw_product_view"]

SIDE_BY_SIDE = ("als", "hybrid")


def draw_product_view(row: int) -> None:
    """The product in this row of the catalogue, and its neighbours."""
    item_id = str(recommender().items["item_id"].iloc[row])
    name_tab(text_or_none(recommender().items["title"].iloc[row]) or item_id, "Similar items")
    st.button("All products", icon=":material/arrow_back:", type="tertiary", on_click=set_query, kwargs={"item": None})
    left, right = st.columns([2, 7], gap="medium")
    with left:
        draw_facts(row, card_maker())
        with st.container(key="product_actions"):  # on a phone they come after the neighbours
            draw_change_of(item_id)
            draw_place(item_id)
            draw_compare_links(item_id)
            st.button("Another long-tail product", icon=":material/casino:", on_click=open_long_tail)
            draw_send([item_id], "one product, on Similar items", key="send_one")
    with right:
        views = {"": "Side by side"} | {name: one.title for name, one in registry.arms().items()}
        view = switch("Neighbours", "view", views, key="view")
        groups = [_neighbours(item_id, arm) for arm in ([view] if view else SIDE_BY_SIDE)]
        draw_judged_lists(item_id, groups, layout="grid" if view else "columns", on_open=_open)


def _neighbours(item_id: str, arm: str) -> Group:
    k = settings().serving.neighbours
    neighbours = served().neighbours(item_id, arm, k, suppressed=left_out(item_id))
    return Group(
        name=arm,
        title=registry.title_of(arm),
        hint=registry.arm(arm).help,
        cards=explained(item_id, arm, neighbours, neighbour_cards(neighbours)),
        empty=_empty(arm),
    )


def _empty(arm: str) -> str:
    if arm == "als":
        return f"No {shop_words().interaction_word} yet, so behaviour has nothing to show for this product."
    return "Nothing to show: this product has no text, picture or attributes."


def _open(item_id: str) -> None:
    set_query(item=item_id)
