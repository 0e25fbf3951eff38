"""Map: the shop in two dimensions, by behaviour and by Longtail."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.core.visible_text import visible
from engine.recommend.recommender import Recommender
from ui.app import resources
from ui.app.navigation import open_product
from ui.app.url import mirror, query, writer
from ui.review.send_to_review import draw_send
from ui.widgets.formatting import plural, text_or_none
from ui.widgets.map import AREA, MAX_DOTS, PICK, inside, map_chart, map_table

__all__ = ["page"]


def page() -> None:
    """Two panels over the same products; a dot opens its product, a found product is ringed in both with its ten."""
    release, word = resources.recommender(), resources.shop().interaction_word
    st.title("Map")
    st.caption(
        "Each dot is a product; similar products sit close together. "
        "Hover to see its picture, click to open it, or drag to select an area."
    )
    anchor = _anchor(release)
    ringed = [anchor, *(one.item_id for one in resources.served().neighbours(anchor, "hybrid", 10))] if anchor else []
    table = map_table(release.items, release.maps, resources.traffic(), word, keep=ringed)
    hidden = int(table["als_x"].isna().sum())
    missing = f" ({plural(hidden, 'product')} with no {word} not shown)" if hidden else ""
    left, right = st.columns(2)
    with left:
        _panel(table, "als", "By behaviour", missing, ringed)
    with right:
        _panel(table, "hybrid", "By Longtail", " (every product shown)", ringed)
    if len(release.items) > len(table):
        st.caption(f"Showing a random sample: {MAX_DOTS:,} of {plural(len(release.items), 'product')}.")


def _panel(table: pd.DataFrame, arm: str, name: str, note: str, ringed: list[str]) -> None:
    """One map. What is clicked is opened; what is dragged over can be sent to review."""
    chart = map_chart(table, arm, f"{name}{note}", ringed)
    event = st.altair_chart(chart, key=f"map_{arm}", on_select="rerun", selection_mode=[PICK, AREA], width="stretch")
    if chosen := inside(table, event.selection.get(AREA) or {}):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{plural(len(chosen), 'product')} selected")
            draw_send(chosen, f"an area of the map, {name[0].lower()}{name[1:]}", key=f"send_{arm}")
    if picked := event.selection.get(PICK):
        open_product(str(picked[0]["item_id"]))


def _anchor(release: Recommender) -> str | None:
    """The product asked for, by the address or by the search field."""
    titles = {
        str(item_id): f"{text_or_none(title) or item_id} ({item_id})"
        for item_id, title in zip(release.items["item_id"], release.items["title"], strict=True)
    }
    chosen = query("near", allowed=titles) or None
    mirror("map_near", chosen)
    st.selectbox(
        "Find a product",
        list(titles),
        key="map_near",
        index=None,
        format_func=lambda item_id: visible(titles[item_id]),
        placeholder="Highlight a product and its ten similar items",
        on_change=writer("map_near", "near"),
        persist_state="session",
    )
    return chosen
