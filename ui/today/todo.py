"""What there is to do, on Today: a line each, with pictures of the first products and what can be done with all of them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from engine.access.roles import Action
from ui.app.navigation import link_to, open_similar_items
from ui.app.person import allowed
from ui.app.resources import recommender
from ui.products.shown_sets import draw_set_actions
from ui.runs.release_change import draw_compare_link
from ui.today.lines import SETS, Line
from ui.today.sets import PREFIX, ids_in
from ui.widgets.addresses import thumb_url
from ui.widgets.formatting import html_text, plural, text_or_none

__all__ = ["draw_lines", "draw_skeleton"]

PICTURES = 4
_UNFOLDED = "today_unfolded"


def draw_lines(lines: Sequence[Line]) -> None:
    """The lines in this order; the first is where to start."""
    items = recommender().items
    for place, line in enumerate(lines):
        with st.container(border=True, key=f"todo_{line.name}"):
            _draw_head(line, items, first=place == 0)
            if line.name == "drafts":
                link_to("new_product", "Look at the drafts", ":material/arrow_forward:")
            elif line.name == "release":
                _draw_release_links()
            else:
                _draw_actions(line, items)


def _draw_release_links() -> None:
    with st.container(horizontal=True):
        draw_compare_link(recommender().release_id)
        link_to("model", "Go back on the Model page", ":material/history:")


def draw_skeleton(lines: int, *, again: bool = False) -> None:
    """As much room as lines will take that are still worked out; `again`, where those above it pale meanwhile, as they may be out of date."""
    kind = "lt-wait lt-again" if again else "lt-wait"
    st.html(f'<div class="{kind}" role="status" aria-label="Looking at the catalogue">{"<i></i>" * lines}</div>')


def _draw_actions(line: Line, items: pd.DataFrame) -> None:
    """Open it at once; what else can be done with its products takes long to draw, so one line has it at a time."""
    unfolded = st.session_state.get(_UNFOLDED) == line.name
    with st.container(horizontal=True, vertical_alignment="center"):
        label = f"Open {plural(len(line.rows), 'product')}"
        if st.button(label, icon=":material/grid_view:", key=f"open_{line.name}"):
            open_similar_items({"show": f"{PREFIX}:{line.name}"})
        if line.name == "disputed" and allowed(Action.SETTLE_DISPUTES):
            link_to("campaigns", "Settle them", ":material/gavel:")
        st.button(
            "Less" if unfolded else "Review, keep or export", type="tertiary", key=f"more_{line.name}",
            icon=":material/expand_less:" if unfolded else ":material/expand_more:",
            on_click=_unfold, args=(None if unfolded else line.name,),
        )  # fmt: skip
    if unfolded:
        draw_set_actions(ids_in(line), f"listed on Today: {SETS[line.name].lower()}", f"today_{line.name}", opens=False)


def _unfold(name: str | None) -> None:
    """Callback: show what can be done with the products of this line alone."""
    st.session_state[_UNFOLDED] = name


def _draw_head(line: Line, items: pd.DataFrame, *, first: bool) -> None:
    start = '<span class="lt-start">Start here</span>' if first else ""
    st.html(
        f'<div class="lt-todo"><div><h3>{html_text(line.title)}{start}</h3><p>{html_text(line.why)}</p></div>'
        f"{_pictures(line, items)}</div>"
    )


def _pictures(line: Line, items: pd.DataFrame) -> str:
    """The first products, as many as have a picture among the first few."""
    shown = [text_or_none(image) for image in items["image"].iloc[line.rows[: 2 * PICTURES]]]
    pictures = [image for image in shown if image][:PICTURES]
    drawn = "".join(f'<img src="{html_text(thumb_url(image))}" alt="" loading="lazy">' for image in pictures)
    return f'<div class="lt-thumbs" aria-hidden="true">{drawn}</div>' if drawn else ""
