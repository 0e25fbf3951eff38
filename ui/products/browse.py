"""What is searched for on Similar items: the search that the page's address holds, and its parts in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from engine.catalogue.product import field_label
from engine.catalogue.traffic import LEVELS, Traffic
from engine.search.catalogue import SearchCatalogue
from engine.search.search import ORDERS, Range, Search
from ui.app.resources import recommender, traffic
from ui.app.url import query, query_list, set_query
from ui.widgets.cards import LEVEL_NAMES
from ui.widgets.formatting import price_phrase

__all__ = [
    "LONGEST_TEXT",
    "ORDER_NAMES",
    "PAGE_SIZE",
    "Part",
    "address_of",
    "clear_search",
    "field_name",
    "open_long_tail",
    "parts_of",
    "random_long_tail",
    "range_text",
    "search_in_address",
    "value_name",
]

PAGE_SIZE = 24
LONGEST_TEXT = 200
ORDER_NAMES = {
    "best": "Best match first",
    "most": "Most traffic first",
    "least": "Least traffic first",
    "title": "Title",
    "cheap": "Lowest price first",
    "dear": "Highest price first",
}
_ATTRIBUTE = "a."  # before an attribute's name in the address: it may be called like a parameter of ours
_PLAIN = ("category", "brand", "price")
_OWN = ("q", "category", "brand", "traffic", "price", "sort", "show", "like")


@dataclass(frozen=True)
class Part:
    """One part of a search: what it is called, and what takes it away."""

    label: str
    remove: Callable[[], None]


def search_in_address(catalogue: SearchCatalogue) -> Search:
    """The search in the page's address; what makes no sense is left out."""
    text = query("q").strip()[:LONGEST_TEXT]
    values = {name: tuple(query_list(address_of(name))) for name in catalogue.choices}
    ranges = {name: _range(query(address_of(name))) for name in catalogue.numbers}
    return Search(
        text=text,
        values={name: chosen for name, chosen in values.items() if chosen},
        ranges={name: bounds for name, bounds in ranges.items() if bounds != (None, None)},
        levels=tuple(query_list("traffic", allowed=LEVELS)),
        order=query("sort", allowed=[one for one in ORDERS if text or one != "best"]),
    )


def parts_of(search: Search, currency: str | None) -> Iterator[Part]:
    """The parts of a search that can be taken away one by one."""
    if search.text:
        yield Part(f"“{search.text}”", _setting("q", None))
    for name, chosen in search.values.items():
        for value in chosen:
            rest = [one for one in chosen if one != value]
            yield Part(f"{field_name(name)}: {value}", _setting(address_of(name), rest))
    for level in search.levels:
        rest = [one for one in search.levels if one != level]
        yield Part(f"Traffic: {value_name('traffic', level)}", _setting("traffic", rest))
    for name, bounds in search.ranges.items():
        yield Part(f"{field_name(name)}: {_bounds_words(name, bounds, currency)}", _setting(address_of(name), None))


def address_of(name: str) -> str:
    """The parameter of the address that a field's filter stands in."""
    return name if name in _PLAIN else f"{_ATTRIBUTE}{name}"


def range_text(bounds: Range) -> str | None:
    """A range as the address holds it, `20..50`, `..50` or `20..`; None for one that is open on both sides."""
    low, high = ("" if one is None else f"{one:g}" for one in bounds)
    return f"{low}..{high}" if low or high else None


def field_name(name: str) -> str:
    """What a field is called on screen, as a heading."""
    words = field_label(name)
    return words[:1].upper() + words[1:]


def value_name(name: str, value: str) -> str:
    """What a value of a field is called on screen."""
    return {str(level): words for level, words in LEVEL_NAMES.items()}[value] if name == "traffic" else value


def random_long_tail(items: pd.DataFrame, traffic: Traffic, rng: np.random.Generator) -> str:
    """The id of a random long-tail product with clicks, or of any product if the shop has none."""
    counts = items["interaction_count"].to_numpy()
    candidates = np.flatnonzero(traffic.is_long_tail(counts) & (counts > 0))
    return str(items["item_id"].iloc[rng.choice(candidates if candidates.size else len(items))])


def open_long_tail() -> None:
    """Callback: open a random long-tail product."""
    set_query(item=random_long_tail(recommender().items, traffic(), np.random.default_rng()))


def clear_search() -> None:
    """Callback: show every product again."""
    asked = [name for name in st.query_params if name in _OWN or name.startswith(_ATTRIBUTE)]
    set_query(page=None, **dict.fromkeys(asked))


def _setting(name: str, value: list[str] | None) -> Callable[[], None]:
    """A callback that changes one parameter and goes back to the first page."""
    return lambda: set_query(page=None, **{name: value})


def _bounds_words(name: str, bounds: Range, currency: str | None) -> str:
    low, high = (
        None if one is None else price_phrase(one, currency) if name == "price" else f"{one:g}" for one in bounds
    )
    if low and high:
        return f"{low} to {high}"
    return f"from {low}" if low else f"up to {high}"


def _range(text: str) -> Range:
    low, dots, high = text.partition("..")
    return (_number(low), _number(high)) if dots else (None, None)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
