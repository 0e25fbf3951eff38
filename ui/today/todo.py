"""What there is to do, on Today: a line each, with pictures of the first products and what can be done with all of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.access.roles import Action
from ui.app.navigation import link_to, open_similar_items
from ui.app.person import allowed
from ui.app.resources import recommender
from ui.products.shown_sets import draw_set_actions
from ui.today.lines import SETS, Line
from ui.today.sets import PREFIX
from ui.widgets.addresses import thumb_url
from ui.widgets.formatting import html_text, plural, text_or_none

__all__ = ["draw_lines", "draw_skeleton"]

PICTURES = 4


def draw_lines(lines: Sequence[Line]) -> None:
    """The lines in this order; the first is where to start."""
    for place, line in enumerate(lines):
        with st.container(border=True, key=f"todo_{line.name}"):
            _draw_head(line, first=place == 0)
            if line.name == "drafts":
                link_to("new_product", "Look at the drafts", ":material/arrow_forward:")
                continue
            _draw_actions(line)


def draw_skeleton(lines: int) -> None:
    """As much room as lines will take that are still worked out."""
    st.html('<div class="lt-wait" role="status" aria-label="Looking at the catalogue">' + "<i></i>" * lines + "</div>")


def _draw_actions(line: Line) -> None:
    ids = recommender().items["item_id"].to_numpy()[line.rows].tolist()
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(f"Open {plural(len(ids), 'product')}", icon=":material/grid_view:", key=f"open_{line.name}"):
            open_similar_items({"show": f"{PREFIX}:{line.name}"})
        if line.name == "disputed" and allowed(Action.SETTLE_DISPUTES):
            link_to("campaigns", "Settle them", ":material/gavel:")
        draw_set_actions(ids, f"listed on Today: {SETS[line.name].lower()}", f"today_{line.name}", opens=False)


def _draw_head(line: Line, *, first: bool) -> None:
    start = '<span class="lt-start">Start here</span>' if first else ""
    st.html(
        f'<div class="lt-todo"><div><h3>{html_text(line.title)}{start}</h3><p>{html_text(line.why)}</p></div>'
        f"{_pictures(line)}</div>"
    )


def _pictures(line: Line) -> str:
    """The first products, as many as have a picture among the first few."""
    items = recommender().items
    shown = [text_or_none(items["image"].iat[row]) for row in line.rows[: 2 * PICTURES].tolist()]
    pictures = [image for image in shown if image][:PICTURES]
    drawn = "".join(f'<img src="{html_text(thumb_url(image))}" alt="" loading="lazy">' for image in pictures)
    return f'<div class="lt-thumbs" aria-hidden="true">{drawn}</div>' if drawn else ""
