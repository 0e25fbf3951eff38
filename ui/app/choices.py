"""One of a few choices, kept in the page's address: as a menu or as a switch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import streamlit as st

from engine.core.visible_text import visible
from ui.app.url import Value, mirror, query, writer
from ui.widgets.formatting import plain

__all__ = ["menu", "switch"]


def menu(
    label: str, name: str, choices: Mapping[str, str], *, key: str, default: str = "", width: int, **also: Value
) -> str:
    """Draw a menu; the choice in the address, or the default.

    Parameters
    ----------
    name : the parameter of the address.
    choices : what the address may hold -> what it is called on screen.
    also : other parameters of the address to set when the choice changes, as for `writer`.
    """
    values, chosen = list(choices), query(name, default, allowed=choices)
    mirror(key, chosen)
    write = writer(key, name, to_text=None, **also)
    st.selectbox(
        label, values, key=key, format_func=lambda value: visible(choices[value]), on_change=write, width=width,
        persist_state="session",
    )  # fmt: skip
    return chosen


def switch(
    label: str,
    name: str,
    choices: Mapping[str, str],
    *,
    key: str,
    default: str = "",
    label_visibility: Literal["visible", "collapsed"] = "collapsed",
    **also: Value,
) -> str:
    """Draw a segmented control; the choice in the address, or the default. Parameters as for `menu`."""
    values, chosen = list(choices), query(name, default, allowed=choices)
    mirror(key, chosen)
    st.segmented_control(
        label,
        values,
        key=key,
        format_func=lambda value: plain(choices[value]),
        required=True,
        label_visibility=label_visibility,
        on_change=writer(key, name, to_text=None, **also),
        persist_state="session",
    )
    return chosen
