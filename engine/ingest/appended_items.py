"""New and changed products -> the shop's catalogue with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.catalogue.attribute_kinds import AttributeKind
from engine.catalogue.snapshot import ITEM_COLUMNS
from engine.ingest.attributes import LEFT_OUT
from engine.ingest.products import CleanProducts

__all__ = ["Merged", "kinds_of_shop", "merge_items", "without_new_attributes"]


@dataclass(frozen=True)
class Merged:
    """The catalogue after an append: products keep their rows, new ones come last."""

    items: pd.DataFrame
    n_new: int
    n_changed: int


def kinds_of_shop(columns: Sequence[str], kinds: Mapping[str, AttributeKind]) -> dict[str, str]:
    """Column of a file -> kind, where the shop has an attribute of this name; case does not matter."""
    lower = {name.lower(): kind for name, kind in kinds.items()}
    return {column: lower[column.lower()] for column in columns if column.lower() in lower}


def without_new_attributes(products: CleanProducts, kinds: Mapping[str, AttributeKind]) -> CleanProducts:
    """The products with the shop's attributes, spelled as there, and a note about the columns that the shop does not have."""
    spelled = {name.lower(): name for name in kinds}
    items = products.items.rename(columns={name: spelled.get(name.lower(), name) for name in products.kinds})
    new = [name for name in items.columns if name not in ITEM_COLUMNS and name not in kinds]
    if not new:
        return replace(products, items=items, kinds=dict(kinds))
    reason = f"{LEFT_OUT}: the shop has no such attribute; load all its products again to add it"
    columns = {
        column: reason if any(column == name or what.endswith(f", as {name}") for name in new) else what
        for column, what in products.columns.items()
    }
    notes = [*products.notes, f"{reason}: {', '.join(new)}"]
    return replace(products, items=items.drop(columns=new), kinds=dict(kinds), columns=columns, notes=notes)


def merge_items(items: pd.DataFrame, arrived: pd.DataFrame, *, partial: bool = False) -> Merged:
    """A product that the shop has takes the values of the columns that arrived; one that it lacks is added.

    A column that is empty in all rows that arrived says nothing, and a product that arrived without a picture keeps its own.

    Parameters
    ----------
    partial : whether no empty cell says anything: the file named single properties of products.
    """
    empty = [name for name in arrived.columns if arrived[name].isna().all()]
    told = arrived.drop(columns=empty).set_index("item_id")
    held = items.set_index("item_id")
    common = told.index.intersection(held.index, sort=False)
    changed = np.zeros(len(common), dtype=bool)
    for name in told.columns:
        before, after = held.loc[common, name], told.loc[common, name]
        if partial or name == "image":
            after = after.where(after.notna(), before)
        differs = _differ(before, after)
        changed |= differs
        if differs.any():
            column = held[name].copy()
            column.loc[common[differs]] = after[differs]
            held[name] = column
    new = told.loc[~told.index.isin(held.index)]
    merged = pd.concat([held, new.reindex(columns=held.columns)]) if len(new) else held
    for name in held.columns:
        merged[name] = merged[name].astype(items[name].dtype)
    return Merged(merged.reset_index(names="item_id"), len(new), int(changed.sum()))


def _differ(before: pd.Series, after: pd.Series) -> np.ndarray:
    """(n,) bool; two missing values are equal, and lists are equal value by value."""
    return np.array([not _same(one, other) for one, other in zip(before, after, strict=True)], dtype=bool)


def _same(one: object, other: object) -> bool:
    if isinstance(one, list) or isinstance(other, list):
        return one == other
    return bool(one == other) or (bool(pd.isna(one)) and bool(pd.isna(other)))  # type: ignore[call-overload]
