"""Keeping a search as a set: it is made anew whenever the set is opened."""

from __future__ import annotations

import streamlit as st

from engine.access.roles import Action
from engine.core.errors import LongtailError
from engine.edits.sets.store import LONGEST_NAME
from ui.app.notices import say
from ui.app.person import curator_name, only
from ui.products.shown_sets import sets
from ui.widgets.closing import close, closing
from ui.widgets.formatting import plain

__all__ = ["draw_save"]

_NOT_KEPT = ("page", "item")


def draw_save(name: str) -> None:
    """Draw the popover that saves the search in the page's address under a name, `name` unless another is given."""
    with st.popover("Save search", icon=":material/bookmark_add:", type="tertiary", key=closing("save_search")):
        given = st.text_input("Name", value=name[:LONGEST_NAME], key="save_search_name", max_chars=LONGEST_NAME)
        if st.button("Save as a set", key="save_search", type="primary", **only(Action.EDIT_SETS)):
            _save(given)
        st.caption("Products that fit later join the set by themselves.")


def _save(name: str) -> None:
    asked = {key: st.query_params.get_all(key) for key in st.query_params if key not in _NOT_KEPT}
    try:
        sets().save(name, by=curator_name(), note="a saved search", search=asked)
    except LongtailError as exc:
        st.error(plain(exc), icon=":material/error:")
    else:
        say(f"“{plain(name)}” is on the Sets page", ":material/check:")
        close("save_search")
        st.rerun()
