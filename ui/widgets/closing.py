"""Popovers that close once something was chosen in them: Streamlit's stay open over what the choice changed.

    with st.popover("Send to review", key=closing("send")):
        if st.button("Send"):
            close("send")
            st.rerun()

A popover with another key is another popover, and those begin closed.
"""

from __future__ import annotations

import streamlit as st

__all__ = ["close", "closing"]


def closing(name: str) -> str:
    """The key of the popover with this name, until it is closed."""
    return f"{name}_popover_{st.session_state.get(_count(name), 0)}"


def close(name: str) -> None:
    """Have it closed in the next run."""
    st.session_state[_count(name)] = st.session_state.get(_count(name), 0) + 1


def _count(name: str) -> str:
    return f"{name}_closed"
