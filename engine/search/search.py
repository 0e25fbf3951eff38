"""A search of the catalogue: words, filters and an order, what they find, and how many of it have which value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.catalogue.traffic import LEVELS, Traffic
from engine.search.catalogue import Matched, SearchCatalogue

__all__ = ["ORDERS", "Found", "Search", "search"]

ORDERS = ("best", "most", "least", "title", "cheap", "dear")
Mask = NDArray[np.bool_]
Range = tuple[float | None, float | None]


@dataclass(frozen=True)
class Search:
    """A search. Empty filters let everything through.

    Attributes
    ----------
    values : field -> its values, of which a product has one.
    ranges : field of numbers -> the lowest and the highest, either open.
    order : one of `ORDERS`; "" is the best match first where there are words, else the most traffic.
    """

    text: str = ""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: Mapping[str, Range] = field(default_factory=dict)
    levels: tuple[str, ...] = ()
    order: str = ""


@dataclass(frozen=True)
class Found:
    """What a search finds in a catalogue.

    Attributes
    ----------
    matched : what its words say; None where there are none.
    rows : (n_found,) int64, in the order asked for.
    """

    catalogue: SearchCatalogue
    traffic: Traffic
    search: Search
    matched: Matched | None
    among: Mask | None

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        rows = np.flatnonzero(self.mask())
        return rows[np.lexsort((rows, *reversed(self._keys(rows))))]

    def mask(self, *, but: str = "") -> Mask:
        """(n,) bool: the products found, or those that would be if one filter ("text", "traffic", a field) were not there."""
        mask = np.ones(len(self.catalogue), dtype=bool)
        for name, passing in self._filters:
            if name != but:
                mask &= passing
        return mask

    def counts(self, name: str) -> dict[str, int]:
        """Value -> how many products would be found if it were chosen, for a field with values or "traffic"."""
        mask = self.mask(but=name)
        if name == "traffic":
            levels = self._levels[mask]
            return {level: int(np.count_nonzero(levels == level)) for level in LEVELS}
        facet = self.catalogue.choices[name]
        return dict(zip(facet.values, facet.counts(mask).tolist(), strict=True))

    def bounds(self, name: str) -> tuple[float, float] | None:
        """The lowest and highest number that can be found in a field of numbers; None where there is none."""
        return self.catalogue.numbers[name].bounds(self.mask(but=name))

    @cached_property
    def _filters(self) -> list[tuple[str, Mask]]:
        return list(self._passing())

    def _passing(self) -> Iterator[tuple[str, Mask]]:
        catalogue, search = self.catalogue, self.search
        if self.among is not None:
            yield "among", self.among
        if self.matched is not None:
            yield "text", self.matched.scores > 0
        for name, values in search.values.items():
            facet = catalogue.choices.get(name)
            yield name, np.zeros(len(catalogue), dtype=bool) if facet is None else facet.having(values)
        for name, (low, high) in search.ranges.items():
            numbers = catalogue.numbers.get(name)
            yield name, np.zeros(len(catalogue), dtype=bool) if numbers is None else numbers.between(low, high)
        if search.levels:
            yield "traffic", np.isin(self._levels, search.levels)

    @cached_property
    def _levels(self) -> NDArray[np.str_]:
        counts, traffic = self.catalogue.counts, self.traffic
        conditions = [counts <= 0, counts >= traffic.head_from, counts < traffic.tail_below]
        return np.select(conditions, ["none", "head", "tail"], "middle")

    def _keys(self, rows: NDArray[np.int64]) -> list[NDArray[np.float64]]:
        """What the order goes by, the most important first."""
        catalogue, order = self.catalogue, self.search.order or ("best" if self.matched else "most")
        traffic = -catalogue.counts[rows].astype(np.float64)
        if order == "least":
            return [-traffic]
        if order == "title":
            return [catalogue.title_order[rows].astype(np.float64)]
        if order in ("cheap", "dear") and "price" in catalogue.numbers:
            prices = catalogue.numbers["price"].numbers[rows]
            return [np.nan_to_num(prices if order == "cheap" else -prices, nan=np.inf)]
        if order == "best" and self.matched is not None:
            return [-self.matched.scores[rows].astype(np.float64), traffic]
        return [traffic]


def search(catalogue: SearchCatalogue, traffic: Traffic, wanted: Search, among: Mask | None = None) -> Found:
    """Search a catalogue, or those products (n,) bool of it that are `among`."""
    matched = catalogue.match(wanted.text) if wanted.text.strip() else None
    return Found(catalogue, traffic, wanted, matched, among)
