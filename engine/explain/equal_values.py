"""Which facts two products have in common, and which of them tell something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd

from engine.catalogue.product import FieldValue, Product, attribute_field
from engine.models.encoders import MODALITIES

__all__ = ["COMMON", "EqualValues"]

COMMON = 0.5
"""A value that more of the catalogue has than this says nothing of two products."""


class EqualValues:
    """The fields of a catalogue's products that can be equal: category, brand, and attributes that are no free text.

    Parameters
    ----------
    items : the catalogue, of `Recommender.items`. kinds : its attributes, name -> kind.
    """

    def __init__(self, items: pd.DataFrame, kinds: Mapping[str, str]) -> None:
        self._items, self._kinds = items, kinds
        attributes = {attribute_field(name): name for name, kind in kinds.items() if kind != "text"}
        self._columns = {"category": "category", "brand": "brand", **attributes}
        self._shares: dict[str, Mapping[Hashable, float]] = {}

    def equal(self, product: Product, other: Product) -> tuple[str, ...]:
        """The fields, as `Product.fields` names them, that have the same value in both; the rarest value first."""
        mine, theirs = product.fields, other.fields
        both = [name for name in self._columns if name in mine and name in theirs]
        shares = {name: self._share(name, mine[name]) for name in both if _value(mine[name]) == _value(theirs[name])}
        return tuple(sorted((name for name in shares if shares[name] <= COMMON), key=lambda name: (shares[name], name)))

    def missing(self, product: Product) -> frozenset[str]:
        """The modalities that a product lacks."""
        texts = [name for name, kind in self._kinds.items() if kind == "text"]
        fields = [product.title, product.description, *(product.attributes.get(name) for name in texts)]
        has = {"image": product.image is not None, "text": any(one is not None for one in fields)}
        return frozenset(name for name in MODALITIES if not has.get(name, True))

    def _share(self, name: str, value: FieldValue) -> float:
        """The share of the catalogue that has this value, 0 to 1."""
        if name not in self._shares:
            column = self._items[self._columns[name]].dropna()
            counts = _counts_of_lists(column) if column.dtype == object else column.value_counts().to_dict()
            self._shares[name] = {key: count / len(self._items) for key, count in counts.items()}
        return self._shares[name].get(_value(value), 0.0)


def _counts_of_lists(column: pd.Series) -> Mapping[Hashable, int]:
    """How many products have which value; products with the same values mostly share one list, which is looked at once."""
    cells = column.tolist()
    _, firsts, counts = np.unique(
        np.fromiter(map(id, cells), np.int64, len(cells)), return_index=True, return_counts=True
    )
    found: Counter[Hashable] = Counter()
    for first, count in zip(firsts.tolist(), counts.tolist(), strict=True):
        found[_value(cells[first])] += count
    return found


def _value(value: object) -> Hashable:
    """A value to compare: several texts whatever their order, a number as a float."""
    if isinstance(value, str):
        return value
    return float(value) if isinstance(value, int | float) else frozenset(value)  # type: ignore[call-overload]
