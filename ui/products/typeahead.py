"""Suggestions under a text field while somebody types: products that the words find (assets/typeahead.js, GET /find)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st

from ui.app.url import set_query
from ui.widgets.addresses import base_path
from ui.widgets.scripts import ASSETS

__all__ = ["draw_typeahead"]

SUGGESTED = 6


def draw_typeahead(field: str) -> None:
    """Suggest products under the text input with this key; choosing one opens its page."""
    key = f"{field}_suggested"

    def opened() -> None:
        if item_id := st.session_state[key].get("open"):
            set_query(item=str(item_id))

    _component()(
        key=key,
        data={"field": field, "address": f"{base_path()}/find", "limit": SUGGESTED},
        on_open_change=opened,
    )


@functools.cache
def _component() -> Callable[..., Any]:
    css = (ASSETS / "typeahead.css").read_text("utf-8")
    js = (ASSETS / "typeahead.js").read_text("utf-8")
    return st.components.v2.component("longtail_typeahead", css=css, js=js, isolate_styles=False)
