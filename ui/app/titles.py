"""What the browser's tab is called: what is shown, the page, Longtail."""

from __future__ import annotations

import streamlit as st

from engine.core.visible_text import visible

__all__ = ["name_tab"]

LONGEST = 60


def name_tab(*parts: str) -> None:
    """Call the tab by these parts, the nearest first: `Red floral dress · Similar items · Longtail`."""
    shown = [visible(part if len(part) <= LONGEST else f"{part[: LONGEST - 1]}…") for part in parts]
    st.set_page_config(page_title=" · ".join([*shown, "Longtail"]))
