"""Similar items: find a product, look at its neighbours by behaviour and by Longtail, flag what is irrelevant."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import NotFoundError
from ui.app.resources import recommender, served
from ui.app.url import query, set_query
from ui.products.catalogue import draw_catalogue
from ui.products.draft_view import draw_draft_view
from ui.products.product_view import draw_product_view
from ui.widgets.formatting import plain

__all__ = ["page"]


def page() -> None:
    """The list of products, or with `?item=` one product and its neighbours."""
    item_id = query("item")
    if not item_id:
        draw_catalogue()
        return
    try:
        row = recommender().row(item_id)
    except NotFoundError as exc:
        if draft := next((one for one in served().drafts.drafts if one.id == item_id), None):
            draw_draft_view(draft)
            return
        st.warning(plain(exc), icon=":material/search_off:")
        st.button("Show all products", on_click=set_query, kwargs={"item": None})
        return
    draw_product_view(row)
