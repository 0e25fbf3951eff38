"""Facets of a catalogue: which products have which value of a field, and how many of some products do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["Facet", "NumberFacet", "choice_facets", "number_facets"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Facet:
    """A field with values to choose from.

    Attributes
    ----------
    values : its values, those of most products first.
    rows, codes : (m,) int32, one for each value of each product: whose it is, and its position in `values`.
    size : number of products.
    """

    name: str
    values: tuple[str, ...]
    rows: NDArray[np.int32]
    codes: NDArray[np.int32]
    size: int

    def having(self, wanted: Collection[str]) -> Mask:
        """(n,) bool: products with any of these values; none of them for a value that nothing has."""
        places = [self._places[value] for value in wanted if value in self._places]
        mask = np.zeros(self.size, dtype=bool)
        mask[self.rows[np.isin(self.codes, places)]] = True
        return mask

    def counts(self, among: Mask) -> NDArray[np.int64]:
        """How many of some products (n,) bool have each value, (values,) int64."""
        taken = among if self._has_one_each else among[self.rows]
        return np.bincount(self.codes[taken], minlength=len(self.values))

    @cached_property
    def _has_one_each(self) -> bool:
        """Whether every product has exactly one value."""
        return len(self.rows) == self.size and bool((self.rows == np.arange(self.size)).all())

    @cached_property
    def _places(self) -> dict[str, int]:
        return {value: place for place, value in enumerate(self.values)}


@dataclass(frozen=True)
class NumberFacet:
    """A field of numbers, (n,) float64, NaN where a product has none."""

    name: str
    numbers: NDArray[np.float64]

    def between(self, low: float | None, high: float | None) -> Mask:
        """(n,) bool: products within these bounds, either of which may be open; one without the number is never within."""
        with np.errstate(invalid="ignore"):
            return (self.numbers >= (-np.inf if low is None else low)) & (
                self.numbers <= (np.inf if high is None else high)
            )

    def bounds(self, among: Mask) -> tuple[float, float] | None:
        """The lowest and the highest of some products; None where none of them has the number."""
        known = self.numbers[among]
        known = known[~np.isnan(known)]
        return (float(known.min()), float(known.max())) if known.size else None


def choice_facets(items: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, Facet]:
    """Category, brand and every attribute with values to choose from, those that nothing has left out."""
    names = ["category", "brand", *(name for name, kind in kinds.items() if kind in ("category", "multi"))]
    facets = {name: _facet(name, items[name]) for name in names if name in items}
    return {name: facet for name, facet in facets.items() if facet.values}


def number_facets(items: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, NumberFacet]:
    """The price and every attribute that is a number, where at least two products differ in it."""
    names = ["price", *(name for name, kind in kinds.items() if kind == "number")]
    facets = [NumberFacet(name, items[name].to_numpy(dtype=np.float64)) for name in names if name in items]
    known = [(facet, facet.bounds(np.ones(len(items), dtype=bool))) for facet in facets]
    return {facet.name: facet for facet, bounds in known if bounds is not None and bounds[0] < bounds[1]}


def _facet(name: str, column: pd.Series) -> Facet:
    values = pa.array(column, from_pandas=True)
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        rows, values = pc.list_parent_indices(values), pc.list_flatten(values)
    else:
        rows = pa.array(np.arange(len(values), dtype=np.int32))
    known = pc.is_valid(values)
    encoded = values.filter(known).cast(pa.string()).dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(-np.bincount(codes, minlength=len(encoded.dictionary)), kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    names = encoded.dictionary.to_pylist()
    return Facet(
        name,
        tuple(names[place] for place in order),
        rows.filter(known).to_numpy(zero_copy_only=False).astype(np.int32),
        rank[codes],
        len(column),
    )
