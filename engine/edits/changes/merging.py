"""A change to a product, field by field, and how it fits what the shop's own files say.

A change remembers what every field was. It holds for a field as long as the catalogue still has that value. Where the
shop's files have brought another value since, theirs counts; where they (or a training) have brought the same value,
nothing is left to change. So one rule serves the served release, the next training, and a release that is rolled back to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.catalogue.product import FieldValue, Product, field_label

__all__ = [
    "Change",
    "Fields",
    "difference",
    "field_labels",
    "fields_from_json",
    "fields_to_json",
]

Fields = Mapping[str, FieldValue | None]
"""Field (as `Product.fields` names it) -> value, None where it is empty."""


@dataclass(frozen=True)
class Change:
    """What people changed of one product: the fields that differ, `before` and `after`."""

    item_id: str
    before: Fields
    after: Fields
    changed_by: str | None
    changed_at: datetime
    version: int

    def in_force(self, now: Product) -> dict[str, FieldValue | None]:
        """Field -> new value, of the fields that are still what they were when they were changed."""
        values = now.fields
        return {
            name: value
            for name, value in self.after.items()
            if values.get(name) == self.before.get(name) and values.get(name) != value
        }

    def apply(self, now: Product) -> Product | None:
        """The product as the change makes it; None where no field of the change holds any more."""
        fields = self.in_force(now)
        return now.with_fields(fields) if fields else None


def difference(now: Product, wanted: Product) -> tuple[Fields, Fields]:
    """The fields in which two products differ: their values in `now`, and in `wanted`."""
    old, new = now.fields, wanted.fields
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return {name: old.get(name) for name in names}, {name: new.get(name) for name in names}


def field_labels(fields: Iterable[str]) -> list[str]:
    """What the fields of a change are called on screen."""
    return [field_label(name) for name in fields]


def fields_to_json(fields: Fields) -> dict[str, Any]:
    """The fields as the database keeps them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}


def fields_from_json(values: Mapping[str, Any]) -> Fields:
    """Reads `fields_to_json`; errors as for `Product`."""
    known = Product.of_fields(values).fields
    return {name: known.get(name) for name in values}
