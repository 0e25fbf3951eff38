"""Going from one page to another from inside a page."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.navigation.page import Page

__all__ = ["link_to", "open_product", "remember_pages"]

_KEY = "pages"


def remember_pages(pages: Mapping[str, Page]) -> None:
    """Keep the pages of this run's navigation at hand."""
    st.session_state[_KEY] = dict(pages)


def open_product(item_id: str) -> None:
    """Leave this page for the page of a product; call it in a page's own run, not in a callback."""
    st.switch_page(st.session_state[_KEY]["similar_items"], query_params={"item": item_id})


def link_to(module: str, label: str, icon: str | None = None) -> None:
    """Draw a link to another page of the navigation, named by its module."""
    if page := st.session_state.get(_KEY, {}).get(module):
        st.page_link(page, label=label, icon=icon)
