"""Columns that a preset makes from others: the keys of a nested object, a part of a text, the last of several values."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pandas as pd

from engine.ingest.cells import present_values
from engine.ingest.mapping import column_of
from engine.ingest.presets import Derived, ItemRules
from engine.ingest.reading.lists import split_values
from engine.ingest.staged_sql import MISSING

__all__ = ["derive_columns", "derived_from"]

# Keys of a nested object become columns if at least this share of the products has them.
_FLATTEN_SHARE = 0.05
_FLATTEN_MOST = 20
# The name of an attribute in a list of names and values, whose values may hold commas too.
_PAIRS = re.compile(r"(?:^|,)([a-z][a-z0-9_]*)=")


def derive_columns(cells: dict[str, pd.Series], rules: ItemRules) -> None:
    """Add the derived columns to `cells`, and take flattened ones out; values are as `present_values` gives them."""
    for name in rules.flatten:
        if name in cells:
            cells.update({key: values for key, values in _flattened(cells.pop(name)).items() if key not in cells})
    for name, derived in rules.derived.items():
        sources = derived_from(derived, tuple(cells))
        if derived.take == "filled" and sources:
            columns = zip(*(cells[source] for source in sources), strict=True)
            values = [next((value for value in row if value is not None), None) for row in columns]
            cells[name] = pd.Series(values, dtype=object)
        elif sources:
            cells[name] = pd.Series([_derived(value, derived) for value in cells[sources[0]]], dtype=object)


def derived_from(derived: Derived, columns: tuple[str, ...]) -> list[str]:
    """The file's own columns that a derived one is made of."""
    return list(dict.fromkeys(actual for name in derived.source if (actual := column_of(name, columns))))


def _derived(value: Any, derived: Derived) -> str | None:
    if derived.take == "last":
        parts = split_values(value)
        return parts[-1] if parts else None
    match = None if value is None else re.search(derived.pattern or "(.*)", str(value))
    return match.group(1) if match else None


def _flattened(values: pd.Series) -> dict[str, pd.Series]:
    objects = [_json_object(value) for value in values]
    counts = Counter(key for item in objects for key, value in item.items() if isinstance(value, (str, int, float)))
    frequent = [key for key, count in counts.most_common(_FLATTEN_MOST) if count >= _FLATTEN_SHARE * len(objects)]
    return {
        key: present_values(pd.Series([item.get(key) for item in objects], dtype=object), MISSING) for key in frequent
    }


def _json_object(value: Any) -> dict[str, Any]:
    """The object that a text holds as JSON, or as Magento writes it (color=Red,material=Wool); empty for anything else."""
    if isinstance(value, str) and _PAIRS.match(value):
        _, *parts = _PAIRS.split(value)
        return dict(zip(parts[::2], parts[1::2], strict=True))
    try:
        parsed = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
