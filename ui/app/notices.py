"""Short messages that a callback leaves for the run that follows it."""

from __future__ import annotations

import streamlit as st

__all__ = ["say", "show"]

_KEY = "notices"


def say(text: str, icon: str | None = None) -> None:
    """Have `text` shown as a toast when the page runs next."""
    st.session_state.setdefault(_KEY, []).append((text, icon))


def show() -> None:
    """Show what was left."""
    for text, icon in st.session_state.pop(_KEY, []):
        st.toast(text, icon=icon)
