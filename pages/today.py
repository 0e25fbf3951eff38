"""Today: how the catalogue is, and what to do about it."""

from __future__ import annotations

import streamlit as st

from ui.app.resources import recommender, shop_words, traffic
from ui.widgets.formatting import plain, plural

__all__ = ["page"]


def page() -> None:
    """How much of the catalogue lives from few interactions."""
    counts = recommender().items["interaction_count"].to_numpy()
    quiet = int(traffic().is_long_tail(counts).sum())
    st.title("Today", anchor=False)
    st.markdown(
        plain(f"{plural(quiet, 'product')} of {len(counts):,} have few {shop_words().interaction_word} or none.")
    )
