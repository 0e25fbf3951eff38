"""Products as descriptions: a catalogue's row as one, and one as a catalogue of one row.

A description names what is known of a product: `title`, `description`, `brand`, `category` (text), `price` (a number), `image` (the
content hash of a stored picture) and `attributes` (name -> text, number, or list of texts). What is None or blank is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.core.errors import ImageError, InputError
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender

__all__ = ["described", "described_frame", "described_item", "readable", "readable_by", "set_rows"]

TEXTS = ("title", "description", "brand", "category")
_FIELDS = (*TEXTS, "price", "image", "attributes")


def described(recommender: Recommender, row: int, workspace: Workspace | None = None) -> dict[str, Any]:
    """A product of a release as a description.

    With `workspace` its picture is left out where the file is not there.
    """
    item = described_item(recommender.items.iloc[row], _kinds(recommender))
    if workspace is not None and item.get("image") and not workspace.image_file(item["image"]).is_file():
        del item["image"]
    return item


def described_item(item: pd.Series, kinds: Mapping[str, str]) -> dict[str, Any]:
    """A row of a catalogue with these attributes as a description; what is unknown is left out."""

    def value(name: str) -> Any:
        found = item[name]
        if isinstance(found, list | tuple | np.ndarray):
            return [str(one) for one in found]
        if found is None or found is pd.NA or found != found:
            return None
        return found.item() if isinstance(found, np.generic) else found

    named = {name: value(name) for name in (*TEXTS, "price", "image") if name in item.index}
    attributes = {name: found for name in kinds if name in item.index and (found := value(name)) is not None}
    return {name: one for name, one in named.items() if one is not None} | {"attributes": attributes}


def readable(item: Mapping[str, Any], recommender: Recommender, workspace: Workspace) -> dict[str, Any]:
    """A description without what a release cannot read: attributes its shop had not, a picture that is gone."""
    return readable_by(item, _kinds(recommender), workspace)


def readable_by(item: Mapping[str, Any], kinds: Mapping[str, str], workspace: Workspace) -> dict[str, Any]:
    """A description without attributes that are none of these, and without a picture that is gone."""
    attributes = {name: value for name, value in (item.get("attributes") or {}).items() if name in kinds}
    there = {**item, "attributes": attributes}
    if there.get("image") and not workspace.image_file(there["image"]).is_file():
        del there["image"]
    return there


def set_rows(
    items: pd.DataFrame, described: Mapping[int, Mapping[str, Any]], kinds: Mapping[str, str], workspace: Workspace
) -> pd.DataFrame:
    """A catalogue with the products in some rows as they are described; the one given stays as it is."""
    if not described:
        return items
    new = pd.concat([described_frame(item, kinds, workspace) for item in described.values()], ignore_index=True)
    table = items.copy(deep=False)
    for name in new.columns.intersection(table.columns):
        column = table[name].copy()
        for row, value in zip(described, new[name], strict=True):
            column.iat[row] = value
        table[name] = column
    return table


def described_frame(item: Mapping[str, Any], kinds: Mapping[str, str], workspace: Workspace) -> pd.DataFrame:
    """The described product as a catalogue of one row, with the catalogue's types; errors as `neighbours_of_unseen`."""
    for name in item:
        if name not in _FIELDS:
            raise InputError(f"a product has no such field. There are: {', '.join(_FIELDS)}.", field=str(name))
    given = item.get("attributes") or {}
    if not isinstance(given, Mapping):
        raise InputError("give them as name and value.", field="attributes")
    for name in given:
        if name not in kinds:
            known = ", ".join(kinds) or "none"
            raise InputError(f"the shop's products have no such attribute. There are: {known}.", field=str(name))
    values: dict[str, Any] = {name: _text(item.get(name), name) for name in TEXTS}
    values["price"] = _number(item.get("price"), "price")
    if values["price"] is not None and values["price"] < 0:
        raise InputError(f"{values['price']:g} is negative. Leave it out if it is unknown.", field="price")
    values["image"] = _image(item.get("image"), workspace)
    for name, kind in kinds.items():
        read = {"number": _number, "multi": _texts}.get(kind, _text)
        values[name] = read(given.get(name), name)
    if all(value is None for value in values.values()):
        raise InputError("Nothing is said about the product. Give a title, a picture or an attribute.")
    numbers = {"price", *(name for name, kind in kinds.items() if kind == "number")}
    columns = {}
    for name, value in values.items():
        if name in numbers:
            columns[name] = pd.Series([np.nan if value is None else value], dtype=np.float64)
        else:
            columns[name] = pd.Series([value], dtype=object if kinds.get(name) == "multi" else "str")
    return pd.DataFrame(columns)


def _blank(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, str) and not value.strip())


def _text(value: object, name: str) -> str | None:
    if _blank(value) or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise InputError(f"{value!r} is not a text.", field=name)
    # Unpaired surrogates, as some forms send them, are nothing that can be encoded.
    return str(value).encode("utf-8", "ignore").decode("utf-8").strip() or None


def _texts(value: object, name: str) -> list[str] | None:
    if _blank(value):
        return None
    several = value if isinstance(value, list | tuple | np.ndarray) else [value]
    return [text for one in several if (text := _text(one, name)) is not None] or None


def _number(value: object, name: str) -> float | None:
    if _blank(value):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as exc:
        raise InputError(f"{value!r} is not a number.", field=name) from exc
    if not math.isfinite(number):
        raise InputError(f"{value!r} is not a finite number. Leave it out if it is unknown.", field=name)
    return number


def _image(value: object, workspace: Workspace) -> str | None:
    if _blank(value):
        return None
    # The hash becomes a path: nothing but 64 hex digits may.
    if not isinstance(value, str) or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ImageError("this is no stored picture. Upload the picture again.", field="image")
    if not workspace.image_file(value).is_file():
        raise ImageError(f"the picture {value[:12]}... is not stored here. Upload it again.", field="image")
    return value


def _kinds(recommender: Recommender) -> Mapping[str, str]:
    kinds: Mapping[str, str] = recommender.manifest.extra.get("shop", {}).get("attributes", {})
    return kinds
