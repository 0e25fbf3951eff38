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
    """What a search finds in a catalogue. Whoever asks the same search again keeps it: what is counted is counted once.

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
        catalogue, order, mask = self.catalogue, self.search.order, self.mask()
        if self.matched is not None and order in ("", "best"):
            return catalogue.by_score(np.flatnonzero(mask), self.matched.scores)
        whole = catalogue.in_order("most" if order in ("", "best") else order)
        return whole[mask[whole]].astype(np.int64)

    def mask(self, *, but: str = "") -> Mask:
        """(n,) bool: the products found, or those that would be if one filter ("text", "traffic", a field) were not there."""
        mask = np.ones(len(self.catalogue), dtype=bool)
        for name, passing in self._filters:
            if name != but:
                mask &= passing
        return mask

    def counts(self, name: str) -> Mapping[str, int]:
        """Value -> how many products would be found if it were chosen, for a field with values or "traffic"; counted once."""
        if name not in self._counted:
            self._counted[name] = self._count(name, self.mask(but=name))
        return self._counted[name]

    def bounds(self, name: str) -> tuple[float, float] | None:
        """The lowest and highest number that can be found in a field of numbers, looked for once; None where there is none."""
        if name not in self._bounds:
            self._bounds[name] = self.catalogue.numbers[name].bounds(self.mask(but=name))
        return self._bounds[name]

    def _count(self, name: str, mask: Mask) -> dict[str, int]:
        if name == "traffic":
            return dict(zip(LEVELS, np.bincount(self._levels[mask], minlength=len(LEVELS)).tolist(), strict=True))
        facet = self.catalogue.choices[name]
        return dict(zip(facet.values, facet.counts(mask).tolist(), strict=True))

    @cached_property
    def _counted(self) -> dict[str, Mapping[str, int]]:
        return {}

    @cached_property
    def _bounds(self) -> dict[str, tuple[float, float] | None]:
        return {}

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
            yield "traffic", np.isin(self._levels, [LEVELS.index(level) for level in search.levels if level in LEVELS])

    @cached_property
    def _levels(self) -> NDArray[np.int8]:
        return self.traffic.levels(self.catalogue.counts)


def search(catalogue: SearchCatalogue, traffic: Traffic, wanted: Search, among: Mask | None = None) -> Found:
    """Search a catalogue, or those products (n,) bool of it that are `among`."""
    matched = catalogue.match(wanted.text) if wanted.text.strip() else None
    return Found(catalogue, traffic, wanted, matched, among)
