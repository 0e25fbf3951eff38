"""The search field of Similar items and its filters: every attribute, with how many products each value would leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from engine.search.search import Found, Range
from ui.app.url import mirror, writer
from ui.products.browse import (
    LONGEST_TEXT,
    ORDER_NAMES,
    Part,
    address_of,
    field_name,
    range_text,
    value_name,
)
from ui.products.typeahead import draw_typeahead
from ui.widgets.formatting import plain, price_phrase

__all__ = ["draw_chips", "draw_facets", "draw_search_field"]

PILLS = 30  # up to so many values are all visible
IN_A_ROW = 12  # facets that have a button of their own; the rest share one
MOST_LISTED = 1000  # values that can be chosen from a list


def draw_search_field(text: str, order: str, *, ordered: bool) -> None:
    """Draw the search field, which suggests products while somebody types, and the order where it can be chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="find"):
        mirror("find_text", text)
        st.text_input(
            "Search", key="find_text", placeholder="Search by word, brand or ID", icon=":material/search:",
            label_visibility="collapsed", on_change=writer("find_text", "q", page=None, sort=None),
            max_chars=LONGEST_TEXT, persist_state="session",
        )  # fmt: skip
        draw_typeahead("find_text")
        if not ordered:
            return
        orders = [one for one in ORDER_NAMES if text or one != "best"]
        mirror("find_sort", order or orders[0])
        st.selectbox(
            "Sort", orders, key="find_sort", format_func=ORDER_NAMES.__getitem__, label_visibility="collapsed",
            on_change=writer("find_sort", "sort", page=None), width=200, persist_state="session",
        )  # fmt: skip


def draw_facets(found: Found, currency: str | None) -> None:
    """Draw a filter for every field that tells products apart, with counts under the present search."""
    names = [*("category", "brand"), "traffic", *found.catalogue.numbers, *found.catalogue.choices]
    known = [name for name in dict.fromkeys(names) if name == "traffic" or _is_useful(found, name)]
    with st.container(horizontal=True, key="facets"):
        for name in known[:IN_A_ROW]:
            chosen = _chosen(found, name)
            label = f"{field_name(name)}: {chosen}" if chosen else field_name(name)
            with st.popover(plain(label), type="secondary"):
                _draw_facet(found, name, currency)
        if known[IN_A_ROW:]:
            with st.popover("More filters", type="secondary"):
                for name in known[IN_A_ROW:]:
                    st.markdown(f"**{plain(field_name(name))}**")
                    _draw_facet(found, name, currency)


def draw_chips(parts: Sequence[Part]) -> None:
    """Draw each part of a search as a button that takes it away."""
    for number, part in enumerate(parts):
        st.button(
            plain(part.label), key=f"chip_{number}", icon=":material/close:", icon_position="right",
            on_click=part.remove, help="Remove this filter",
        )  # fmt: skip


def _is_useful(found: Found, name: str) -> bool:
    if name in found.catalogue.numbers:
        return True
    facet = found.catalogue.choices.get(name)
    return facet is not None and (len(facet.values) > 1 or name in found.search.values)


def _chosen(found: Found, name: str) -> str:
    """How many values of a field are chosen, as a button says it; "" for none."""
    search = found.search
    if name in search.ranges:
        return "set"
    count = len(search.levels) if name == "traffic" else len(search.values.get(name, ()))
    return str(count) if count else ""


def _draw_facet(found: Found, name: str, currency: str | None) -> None:
    if name in found.catalogue.numbers:
        _draw_range(found, name, currency)
    else:
        chosen = found.search.levels if name == "traffic" else found.search.values.get(name, ())
        _draw_values(name, chosen, found.counts(name))


def _draw_values(name: str, chosen: Sequence[str], counts: Mapping[str, int]) -> None:
    """Values of which any may be chosen, each with how many products it leaves."""
    key, parameter = f"find_{name}", "traffic" if name == "traffic" else address_of(name)
    label, known = field_name(name), [value for value in chosen if value in counts]
    listed = [value for value in counts if counts[value] or value in known]
    if name != "traffic":
        listed.sort(key=lambda value: -counts[value])
    mirror(key, known)
    if len(counts) <= PILLS:
        st.pills(
            plain(label), listed, key=key, selection_mode="multi", persist_state="session",
            format_func=lambda value: f"{plain(value_name(name, value))} · {counts.get(value, 0):,}",
            on_change=writer(key, parameter, page=None),
        )  # fmt: skip
        return
    st.multiselect(
        plain(label), list(dict.fromkeys([*known, *listed[:MOST_LISTED]])), key=key, placeholder="Any", persist_state="session",
        format_func=lambda value: f"{value} · {counts.get(value, 0):,}",
        on_change=writer(key, parameter, page=None),
    )  # fmt: skip


def _draw_range(found: Found, name: str, currency: str | None) -> None:
    bounds = found.bounds(name)
    if bounds is not None:
        lowest, highest = (price_phrase(one, currency) if name == "price" else f"{one:g}" for one in bounds)
        st.caption(plain(f"From {lowest} to {highest} here"))
    low, high = found.search.ranges.get(name, (None, None))
    for side, label, value in (("low", "At least", low), ("high", "At most", high)):
        key = f"find_{name}_{side}"
        mirror(key, value)
        st.number_input(
            label, key=key, step=1.0, format="%.2f" if name == "price" else "%g",
            on_change=_range_writer(name, side, (low, high)), persist_state="session",
        )  # fmt: skip


def _range_writer(name: str, side: str, drawn: Range) -> Callable[[], None]:
    def to_text(value: object) -> str | None:
        number = None if value is None else float(str(value))
        return range_text((number, drawn[1]) if side == "low" else (drawn[0], number))

    return writer(f"find_{name}_{side}", address_of(name), to_text=to_text, page=None)
