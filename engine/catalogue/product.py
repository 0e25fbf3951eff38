"""A product as people describe it: checked, compared field by field, and written as JSON or as a row of the catalogue."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from engine.core.errors import ImageError, InputError
from engine.core.workspace import Workspace

__all__ = [
    "TEXT_FIELDS",
    "FieldValue",
    "Product",
    "attribute_field",
    "catalogue_frame",
    "checked_image",
    "field_label",
    "with_products",
]

TEXT_FIELDS = ("title", "description", "brand", "category")
FieldValue = str | float | tuple[str, ...]
"""What a field holds: text, a number, or several texts."""

_PLAIN_FIELDS = (*TEXT_FIELDS, "price", "image")
_ATTRIBUTE = "attribute:"


@dataclass(frozen=True)
class Product:
    """What is known of a product; None is unknown, and blank text becomes None.

    Parameters
    ----------
    price : at least 0, in the shop's currency.
    image : the content hash of a stored picture, 64 hex digits. Whether the picture is stored is not checked here.
    attributes : name -> text, a number, or several texts. `typed` turns the values into what a shop's attributes hold.

    Raises `InputError` naming the field that makes no sense, `ImageError` where `image` is not a content hash.
    """

    title: str | None = None
    description: str | None = None
    brand: str | None = None
    category: str | None = None
    price: float | None = None
    image: str | None = None
    attributes: Mapping[str, FieldValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checked: dict[str, object] = {name: _text(getattr(self, name), name) for name in TEXT_FIELDS}
        checked["price"] = _price(self.price)
        checked["image"] = None if _is_blank(self.image) else checked_image(self.image)
        checked["attributes"] = _attributes(self.attributes)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Product:
        """A product from its JSON object, or from anything else that came from outside; errors as for the class."""
        known = (*_PLAIN_FIELDS, "attributes")
        for name in values:
            if name not in known:
                raise InputError(f"a product has no such field. There are: {', '.join(known)}.", field=str(name))
        return cls(**values)

    @classmethod
    def of_row(cls, row: pd.Series, kinds: Mapping[str, str]) -> Product:
        """A row of a catalogue with these attributes (name -> kind)."""
        known = {str(name): value for name, value in row.items() if not _is_missing(value)}
        named = {name: known[name] for name in _PLAIN_FIELDS if name in known}
        return cls(**named, attributes={name: known[name] for name in kinds if name in known})

    @classmethod
    def of_fields(cls, fields: Mapping[str, Any]) -> Product:
        """The product that has these `fields`; None is unknown."""
        attributes = {name.removeprefix(_ATTRIBUTE): v for name, v in fields.items() if name.startswith(_ATTRIBUTE)}
        named = {name: value for name, value in fields.items() if not name.startswith(_ATTRIBUTE)}
        return cls.from_json({**named, "attributes": attributes})

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of it."""
        return not self.fields

    @property
    def fields(self) -> dict[str, FieldValue]:
        """Field -> value of what is known; an attribute's field is named by `attribute_field`."""
        attributes = {attribute_field(name): value for name, value in self.attributes.items()}
        return self._named() | attributes

    def with_fields(self, fields: Mapping[str, FieldValue | None]) -> Product:
        """The same with some fields replaced, or emptied by None."""
        return Product.of_fields({**self.fields, **fields})

    def to_json(self) -> dict[str, Any]:
        """What is known of it as a JSON object; `from_json` reads it again."""
        values: dict[str, Any] = {**self._named()}
        if self.attributes:
            values["attributes"] = {n: list(v) if isinstance(v, tuple) else v for n, v in self.attributes.items()}
        return values

    def typed(self, kinds: Mapping[str, str]) -> Product:
        """The same with every attribute as its kind has it: "number", "multi" (several texts), or text.

        Raises `InputError` naming an attribute that is not among `kinds`, or whose value cannot be read so.
        """
        for name in self.attributes:
            if name not in kinds:
                known = ", ".join(kinds) or "none"
                raise InputError(f"the shop's products have no such attribute. There are: {known}.", field=name)
        read: dict[str, Any] = {"number": _number, "multi": _texts}
        attributes = {name: read.get(kinds[name], _text)(value, name) for name, value in self.attributes.items()}
        return replace(self, attributes=attributes)

    def readable_by(self, kinds: Mapping[str, str], workspace: Workspace) -> Product:
        """The same without what a release cannot read: attributes that are not among `kinds`, a picture that is gone."""
        attributes = {name: value for name, value in self.attributes.items() if name in kinds}
        image = self.image if self.image and workspace.image_file(self.image).is_file() else None
        return replace(self, image=image, attributes=attributes)

    def _named(self) -> dict[str, FieldValue]:
        named = {name: getattr(self, name) for name in _PLAIN_FIELDS}
        return {name: value for name, value in named.items() if value is not None}


def catalogue_frame(products: Sequence[Product], kinds: Mapping[str, str], workspace: Workspace) -> pd.DataFrame:
    """The products as rows of a catalogue with these attributes, in the catalogue's types, without `item_id`.

    Raises as `Product.typed`, `InputError` for a product of which nothing is known, and `ImageError` where a picture is
    not stored in the workspace.
    """
    typed = [_complete(product, kinds, workspace) for product in products]
    values: dict[str, list[Any]] = {name: [getattr(one, name) for one in typed] for name in _PLAIN_FIELDS}
    values |= {name: [one.attributes.get(name) for one in typed] for name in kinds}
    columns = {}
    for name, column in values.items():
        if name == "price" or kinds.get(name) == "number":
            columns[name] = pd.Series(column, dtype=np.float64)
        elif kinds.get(name) == "multi":
            columns[name] = pd.Series([None if one is None else list(one) for one in column], dtype=object)
        else:
            columns[name] = pd.Series(column, dtype="str")
    return pd.DataFrame(columns)


def with_products(
    items: pd.DataFrame, products: Mapping[int, Product], kinds: Mapping[str, str], workspace: Workspace
) -> pd.DataFrame:
    """A catalogue with other products in some rows (row -> product); the one given stays as it is.

    Raises as `catalogue_frame`.
    """
    if not products:
        return items
    new = catalogue_frame(list(products.values()), kinds, workspace)
    table = items.copy(deep=False)
    for name in new.columns.intersection(table.columns):
        column = table[name].copy()
        if column.dtype == object:  # cells that are lists
            for row, value in zip(products, new[name], strict=True):
                column.iat[row] = value
        else:  # at once: each write to a column of texts copies it
            column.iloc[list(products)] = new[name].astype(column.dtype).array
        table[name] = column
    return table


def attribute_field(name: str) -> str:
    """What `Product.fields` calls an attribute."""
    return f"{_ATTRIBUTE}{name}"


def field_label(name: str) -> str:
    """What a field is called on screen."""
    return "picture" if name == "image" else name.removeprefix(_ATTRIBUTE).replace("_", " ")


def checked_image(value: object) -> str:
    """A content hash: 64 hex digits and nothing else, because it becomes a path. Raises `ImageError`."""
    if not isinstance(value, str) or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ImageError("this is not a stored picture. Upload the picture again.", field="image")
    return value


def _complete(product: Product, kinds: Mapping[str, str], workspace: Workspace) -> Product:
    typed = product.typed(kinds)
    if typed.image and not workspace.image_file(typed.image).is_file():
        raise ImageError(f"the picture {typed.image[:12]}... is not stored here. Upload it again.", field="image")
    if typed.is_empty:
        raise InputError("Nothing is said about the product. Give a title, a picture or an attribute.")
    return typed


def _attributes(values: object) -> dict[str, FieldValue]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise InputError("give them as name and value.", field="attributes")
    checked = {str(name): _attribute(value, str(name)) for name, value in values.items()}
    return {name: value for name, value in checked.items() if value is not None}


def _attribute(value: object, name: str) -> FieldValue | None:
    if isinstance(value, list | tuple | np.ndarray):
        return _texts(value, name)
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        return _number(value, name)
    return _text(value, name)


def _texts(value: object, name: str) -> tuple[str, ...] | None:
    several = value if isinstance(value, list | tuple | np.ndarray) else [value]
    return tuple(text for one in several if (text := _text(one, name)) is not None) or None


def _text(value: object, name: str) -> str | None:
    if _is_blank(value) or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise InputError(f"{value!r} is not text.", field=name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # Some forms send unpaired surrogates, which no encoder and no database can write.
    return str(value).encode("utf-8", "ignore").decode("utf-8").strip() or None


def _price(value: object) -> float | None:
    price = _number(value, "price")
    if price is not None and price < 0:
        raise InputError(f"{price:g} is negative. Leave it out if it is unknown.", field="price")
    return price


def _number(value: object, name: str) -> float | None:
    if _is_blank(value):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as exc:
        raise InputError(f"{value!r} is not a number.", field=name) from exc
    if not math.isfinite(number):
        raise InputError(f"{value!r} is not a finite number. Leave it out if it is unknown.", field=name)
    return number


def _is_blank(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, str) and not value.strip())


def _is_missing(value: object) -> bool:
    """Whether a cell of the catalogue holds nothing."""
    return _is_blank(value) or (isinstance(value, float) and math.isnan(value))
