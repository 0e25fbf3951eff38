"""Cards that somebody chose on a grid, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import streamlit as st

from ui.products.shown_sets import draw_set_actions
from ui.widgets.cards import Selecting
from ui.widgets.formatting import plural

__all__ = ["draw_selection", "selecting", "store_selection"]

MOST_CHOSEN = 10_000  # the browser gets their ids with every run; all that was found has buttons of its own above it


@dataclass
class _Selection:
    chosen: list[str] = field(default_factory=list)
    version: int = 0
    of: str = ""


def selecting(key: str, of: str = "") -> Selecting:
    """What the boxes of the grid under this key need.

    Parameters
    ----------
    of : whose products the grid shows; nothing is chosen any more where that is somebody else.
    """
    held = _held(key)
    if held.of != of:
        held.of = of
        _set(key, [])
    return Selecting(tuple(held.chosen), held.version)


def store_selection(key: str) -> Callable[[], None]:
    """A callback for `card_groups`: keep what was chosen on the grid under this key."""

    def store() -> None:
        chosen = st.session_state[key].get("chosen") or []
        _held(key).chosen = [str(one) for one in chosen]

    return store


def draw_selection(
    key: str, everything: Sequence[str], how: str, *, flag: Callable[[Sequence[str]], None] | None = None
) -> None:
    """Say how many are chosen, with what can be done with them; nothing where nothing is. Drawn after the grid, it stays in sight.

    Parameters
    ----------
    everything : ids of all that the grid could show, on all of its pages.
    how : how these came to be there, in a few words.
    flag : marks products irrelevant where they stand; without it that is not offered.
    """
    held = _held(key)
    if not held.chosen:
        return
    with st.container(key=f"selection_{key}", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plural(len(held.chosen), 'product')} selected**", width="content")
        if len(held.chosen) < min(len(everything), MOST_CHOSEN):
            many = f"all {len(everything):,}" if len(everything) <= MOST_CHOSEN else f"the first {MOST_CHOSEN:,}"
            st.button(
                f"Select {many}", key=f"{key}_all", type="tertiary",
                on_click=lambda: _set(key, list(everything[:MOST_CHOSEN])),
            )  # fmt: skip
        st.button("Clear", key=f"{key}_none", type="tertiary", icon=":material/close:", on_click=_set, args=(key, []))
        if flag is not None:
            st.button(
                "Mark irrelevant",
                key=f"{key}_flag",
                type="tertiary",
                icon=":material/flag:",
                on_click=_flag,
                args=(key, flag),
            )
        draw_set_actions(held.chosen, f"selected among {how}", key=f"{key}_chosen")


def _held(key: str) -> _Selection:
    held: _Selection = st.session_state.setdefault(f"{key}_held", _Selection())
    return held


def _flag(key: str, flag: Callable[[Sequence[str]], None]) -> None:
    """Callback: mark what is chosen irrelevant, and choose nothing any more."""
    flag(_held(key).chosen)
    _set(key, [])


def _set(key: str, chosen: list[str]) -> None:
    """Callback: choose just these."""
    held = _held(key)
    held.chosen, held.version = chosen, held.version + 1
