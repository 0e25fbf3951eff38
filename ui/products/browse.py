"""Finding products in the catalogue: search, filters and order, which the page's address holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine.catalogue.traffic import LEVELS, Traffic
from ui.app.resources import known_values, recommender, traffic
from ui.app.url import mirror, query, query_list, set_query, writer
from ui.widgets.cards import LEVEL_NAMES
from ui.widgets.formatting import plain, price_phrase

__all__ = [
    "ORDERS",
    "PAGE_SIZE",
    "Search",
    "clear_search",
    "draw_filters",
    "find",
    "open_long_tail",
    "random_long_tail",
    "search_in_address",
]

PAGE_SIZE = 24
PILLS = 16  # up to so many values are all visible
ORDERS = {
    "most": "Most traffic first",
    "least": "Least traffic first",
    "title": "Title",
    "cheap": "Lowest price first",
    "dear": "Highest price first",
}


@dataclass(frozen=True)
class Search:
    """A search. Empty filters let everything through; `low` and `high` bound the price."""

    text: str = ""
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    order: str = "most"

    def words(self) -> list[str]:
        """Its parts, a few words each."""
        asked = [f"“{self.text}”"] if self.text else []
        asked += [
            *self.categories,
            *self.brands,
            *(name for level, name in LEVEL_NAMES.items() if level in self.levels),
        ]
        asked += [f"from {self.low:g}"] if self.low is not None else []
        return asked + ([f"up to {self.high:g}"] if self.high is not None else [])


def find(items: pd.DataFrame, traffic: Traffic, search: Search) -> np.ndarray:
    """Rows of the products found, in the order asked for, (n,) int64.

    Every word of the text must be in the title or begin the id; case does not matter.
    """
    wanted = np.ones(len(items), dtype=bool)
    counts = items["interaction_count"].to_numpy()
    for word in search.text.lower().split():
        titles = items["title"].fillna("").str.lower().str.contains(word, regex=False)
        wanted &= (titles | items["item_id"].str.lower().str.startswith(word)).to_numpy(dtype=bool)
    for column, values in (("category", search.categories), ("brand", search.brands)):
        if values:
            wanted &= items[column].isin(values).to_numpy(dtype=bool)
    if search.levels:
        wanted &= np.isin(_levels(counts, traffic), search.levels)
    prices = items["price"].to_numpy(dtype=float)
    if search.low is not None:
        wanted &= prices >= search.low
    if search.high is not None:
        wanted &= prices <= search.high
    rows = np.flatnonzero(wanted)
    keys = {
        "most": -counts[rows],
        "least": counts[rows],
        "cheap": np.nan_to_num(prices[rows], nan=np.inf),
        "dear": np.nan_to_num(-prices[rows], nan=np.inf),
    }
    if search.order == "title":
        return rows[items["title"].iloc[rows].fillna("￿").str.lower().argsort(kind="stable").to_numpy()]
    return rows[np.argsort(keys.get(search.order, keys["most"]), kind="stable")]


def random_long_tail(items: pd.DataFrame, traffic: Traffic, rng: np.random.Generator) -> str:
    """The id of a random long-tail product with clicks, or of any product if the shop has none."""
    counts = items["interaction_count"].to_numpy()
    candidates = np.flatnonzero(traffic.is_long_tail(counts) & (counts > 0))
    return str(items["item_id"].iloc[rng.choice(candidates if candidates.size else len(items))])


def search_in_address(items: pd.DataFrame) -> Search:
    """The search in the page's address; invalid values are left out."""
    return Search(
        text=query("q"),
        categories=tuple(query_list("category")),
        brands=tuple(query_list("brand")),
        levels=tuple(query_list("traffic", allowed=LEVELS)),
        low=_number(query("from")),
        high=_number(query("to")),
        order=query("sort", "most", allowed=ORDERS),
    )


def draw_filters(items: pd.DataFrame, search: Search, currency: str | None, *, ordered: bool = True) -> None:
    """Draw the search field and the filters; each updates the address and goes back to the first page.

    `ordered` is whether the order can be chosen.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", key="find"):
        mirror("find_text", search.text)
        st.text_input(
            "Search", key="find_text", placeholder="Search by title or ID", icon=":material/search:",
            label_visibility="collapsed", on_change=writer("find_text", "q", page=None), max_chars=200, width=360,
            persist_state="session",
        )  # fmt: skip
        _choice("Category", "category", search.categories, known_values("category"))
        _choice("Brand", "brand", search.brands, known_values("brand"))
        _choice("Traffic", "traffic", search.levels, list(LEVELS), names=LEVEL_NAMES)
        _price(items["price"], search, currency)
        if not ordered:
            return
        mirror("find_sort", search.order)
        st.selectbox(
            "Sort", list(ORDERS), key="find_sort", format_func=ORDERS.__getitem__, label_visibility="collapsed",
            on_change=writer("find_sort", "sort", page=None), width=200, persist_state="session",
        )  # fmt: skip


def _choice(
    label: str, name: str, chosen: Sequence[str], values: list[str], names: Mapping[Any, str] | None = None
) -> None:
    """A filter in a popover: any of some values."""
    if len(values) < 2 and not chosen:
        return
    key = f"find_{name}"
    shown = f"{label}: {len(chosen)}" if chosen else label
    with st.popover(shown, type="secondary"):
        mirror(key, [value for value in chosen if value in values])
        written = names.__getitem__ if names else str
        if len(values) <= PILLS:
            st.pills(
                label,
                values,
                key=key,
                selection_mode="multi",
                format_func=lambda value: plain(written(value)),
                on_change=writer(key, name, page=None),
                persist_state="session",
            )
        else:
            st.multiselect(
                label,
                values,
                key=key,
                format_func=written,
                placeholder="Any",
                on_change=writer(key, name, page=None),
                persist_state="session",
            )


def _price(prices: pd.Series, search: Search, currency: str | None) -> None:
    known = prices.dropna()
    if known.empty or known.min() == known.max():
        return
    chosen = search.low is not None or search.high is not None
    with st.popover("Price: set" if chosen else "Price", type="secondary"):
        st.caption(plain(f"From {price_phrase(known.min(), currency)} to {price_phrase(known.max(), currency)}"))
        for label, name, value in (("At least", "from", search.low), ("At most", "to", search.high)):
            mirror(f"find_{name}", value)
            st.number_input(
                label, key=f"find_{name}", min_value=0.0, step=1.0, format="%.2f",
                on_change=writer(f"find_{name}", name, to_text=_text, page=None), persist_state="session",
            )  # fmt: skip


def _levels(counts: np.ndarray, traffic: Traffic) -> np.ndarray:
    return np.select(
        [counts <= 0, counts >= traffic.head_from, counts < traffic.tail_below], ["none", "head", "tail"], "middle"
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) and value >= 0 else None


def _text(value: object) -> str | None:
    return None if value is None else f"{value:g}"


def clear_search() -> None:
    """Callback: show every product again."""
    set_query(
        show=None,
        like=None,
        words=None,
        q=None,
        category=None,
        brand=None,
        traffic=None,
        sort=None,
        page=None,
        **{"from": None, "to": None},
    )


def open_long_tail() -> None:
    """Callback: open a random long-tail product."""
    set_query(item=random_long_tail(recommender().items, traffic(), np.random.default_rng()))
