"""Where somebody was: tells the browser which address is shown, so that it opens at its top, or where it was left."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

__all__ = ["keep_place"]

SCRIPT = Path(__file__).resolve().parents[2] / "assets" / "place.js"
OPENS = ("item", "page", "show", "draft", "change", "like", "words", "campaign", "shopper")
"""Parameters of the address that open something else; the others change what is on the page."""


def keep_place(module: str) -> None:
    """Tell the browser what is shown: a page, by its module, at this address. Call it before the page draws anything."""
    query = {name: st.query_params.get_all(name) for name in sorted(st.query_params)}
    opened = {name: query[name] for name in OPENS if name in query}
    _component()(
        key="place",
        data={
            "address": f"{module}?{urlencode(query, doseq=True)}",
            "opens": f"{module}?{urlencode(opened, doseq=True)}",
        },
        height=1,
    )


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component("longtail_place", js=SCRIPT.read_text("utf-8"))
