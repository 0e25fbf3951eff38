"""Map: the shop in two dimensions, by behaviour and by Longtail."""

from __future__ import annotations

import streamlit as st

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
    release, traffic, shop = resources.recommender(), resources.traffic(), resources.shop()
    st.title("Map")
    st.caption(
        "Each dot is a product; products that lie close together are shown as similar. "
        "Hover for the picture, click to open the product, drag over an area to choose what lies in it."
    )
    anchor = _anchor(release)
    ringed = [anchor, *(n.item_id for n in resources.served().neighbours(anchor, "hybrid", 10))] if anchor else []
    table = map_table(release.items, release.maps, traffic, shop.interaction_word, keep=ringed)
    hidden = int(table["als_x"].isna().sum())
    panels = {
        "als": f"By behaviour: {plural(hidden, 'product')} without {shop.interaction_word} missing"
        if hidden
        else "By behaviour",
        "hybrid": "By Longtail: every product has its place",
    }
    for column, (arm, title) in zip(st.columns(2), panels.items(), strict=True):
        with column:
            chart = map_chart(table, arm, title, ringed)
            event = st.altair_chart(
                chart, key=f"map_{arm}", on_select="rerun", selection_mode=[PICK, AREA], width="stretch"
            )
            if chosen := inside(table, event.selection.get(AREA) or {}):
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.caption(f"{plural(len(chosen), 'product')} chosen")
                    draw_send(chosen, f"an area of the map, {title.split(':')[0].lower()}", key=f"send_{arm}")
            if picked := event.selection.get(PICK):
                open_product(str(picked[0]["item_id"]))
    if len(release.items) > len(table):
        st.caption(f"{MAX_DOTS:,} of {plural(len(release.items), 'product')} are drawn, a random sample.")


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
        format_func=lambda item_id: titles[item_id],
        placeholder="Ring a product and its ten similar items",
        on_change=writer("map_near", "near"),
    )
    return chosen
