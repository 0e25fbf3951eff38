"""What the browser's tab is called: what is shown, the page, Longtail; and our signs, as every run sends them."""

from __future__ import annotations

import base64
from functools import cache

import streamlit as st

from engine.core.visible_text import visible
from ui.widgets.scripts import ASSETS

__all__ = ["name_tab", "sign"]

LONGEST = 60


@cache
def sign(name: str) -> str:
    """One of our drawings as an address that holds all of it: of a file's name Streamlit would read the file again with every run."""
    return f"data:image/svg+xml;base64,{base64.b64encode((ASSETS / f'{name}.svg').read_bytes()).decode('ascii')}"


def name_tab(*parts: str) -> None:
    """Call the tab by these parts, the nearest first: `Red floral dress · Similar items · Longtail`."""
    shown = [visible(part if len(part) <= LONGEST else f"{part[: LONGEST - 1]}…") for part in parts]
    st.set_page_config(page_title=" · ".join([*shown, "Longtail"]))
