"""A change to a product, field by field, and how it goes together with what the shop's own files say.

A change remembers what every field was. It holds for a field as long as the catalogue still says that; where the shop's
files have brought something else since, theirs stands, and where they (or a training) have brought the same, there is
nothing left to change. So one rule serves the served release, the next training, and a release that is rolled back to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["Change", "changed", "difference", "field_names", "in_force"]

ATTRIBUTE = "attribute:"
"""Before the names of attributes, among the names of fields."""


@dataclass(frozen=True)
class Change:
    """What people changed of one product.

    Attributes
    ----------
    before, after : field -> value, None where it is empty; attributes under `attribute:name`.
    """

    item_id: str
    before: dict[str, Any]
    after: dict[str, Any]
    changed_by: str | None
    changed_at: datetime
    version: int


def difference(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields in which two descriptions of a product differ: what they are, and what they are to be."""
    old, new = _flat(now), _flat(wanted)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return {name: old.get(name) for name in names}, {name: new.get(name) for name in names}


def in_force(change: Change, now: Mapping[str, Any]) -> dict[str, Any]:
    """Field -> new value, of the fields that are still what they were when they were changed."""
    here = _flat(now)
    return {
        name: value
        for name, value in change.after.items()
        if here.get(name) == change.before.get(name) and here.get(name) != value
    }


def changed(now: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A description with some fields replaced, empty ones left out."""
    merged = {name: value for name, value in (_flat(now) | dict(fields)).items() if value is not None}
    attributes = {name.removeprefix(ATTRIBUTE): value for name, value in merged.items() if name.startswith(ATTRIBUTE)}
    return {name: value for name, value in merged.items() if not name.startswith(ATTRIBUTE)} | {
        "attributes": attributes
    }


def field_names(fields: Mapping[str, Any]) -> list[str]:
    """What the fields of a change are called on screen."""
    names = (name.removeprefix(ATTRIBUTE).replace("_", " ") for name in fields)
    return ["picture" if name == "image" else name for name in names]


def _flat(item: Mapping[str, Any]) -> dict[str, Any]:
    """Field -> value as JSON gives it back, empty ones left out."""
    fields = {name: value for name, value in item.items() if name != "attributes"}
    fields |= {f"{ATTRIBUTE}{name}": value for name, value in (item.get("attributes") or {}).items()}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    return {name: value for name, value in plain.items() if value not in (None, "", [])}
