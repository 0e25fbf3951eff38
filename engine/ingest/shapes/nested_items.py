"""Products in JSON that hold fields in objects and variants in a list: what the products' own columns lack is taken from these."""

from __future__ import annotations

import duckdb

from engine.ingest.columns import ITEM_FIELDS, guess_columns
from engine.ingest.profiles import profile_columns
from engine.ingest.shapes.nested import (
    NestedValue,
    extract_sql,
    frequent_keys,
    nested_columns,
    nested_values,
    pointer,
)
from engine.ingest.shapes.tables import relation, write_staged
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import quoted

__all__ = ["unnest_items"]

_TAKEN = ("item_id", "title", "description", "brand", "category", "price", "image")
# The key of a list's objects by which people know them, as in [{"id": 9, "name": "Caps"}].
_NAME = "name"
_ID_KEYS = ("id", "sku", "barcode", "ean", "gtin", "upc")


def unnest_items(connection: duckdb.DuckDBPyConnection, source: Source) -> tuple[Source, tuple[str, ...]]:
    """Add the columns that fields are found in: "price.amount" of an object, "variants.price" of the first in a list.

    A file with one column, an object each row, gets all keys of it. Also returns the columns with lists of the variants' ids,
    each a JSON list of texts, by which events may name the product.
    """
    positions = nested_columns(source)
    objects, lists = nested_values(source, positions) if positions else ([], [])
    if not objects and not lists:
        return source, ()
    offered = {f"{one.name}.{key}": extract_sql(f"c{one.column}", one.path[1:], key)
               for one in objects for key in frequent_keys(one.keys)}  # fmt: skip
    offered |= {f"{one.name}.{key}": _first(one, key)
                for one in lists for key in frequent_keys(one.keys) if len(one.path) == 1 and (key == _NAME or _are_variants(one))}  # fmt: skip
    columns = dict(offered) if len(source.columns) == 1 else {name: offered[name] for name in _wanted(source, offered)}
    ids = {f"{one.name}.{key}s": _all(one, key)
           for one in lists if len(one.path) == 1 and _are_variants(one) for key in _ID_KEYS if key in one.keys}  # fmt: skip
    columns |= ids
    if not columns:
        return source, ()
    width = len(source.columns)
    added = "".join(f", {expression} AS c{width + place}" for place, expression in enumerate(columns.values()))
    query = f"SELECT *{added} FROM {relation(source)} ORDER BY {ROW}"
    return write_staged(connection, query, source, [*source.columns, *columns], "opened"), tuple(ids)


def _wanted(source: Source, offered: dict[str, str]) -> list[str]:
    """The offered columns that hold fields which the table's own columns do not hold in plain values."""
    profiles = profile_columns(source)
    plain = [name for name in source.columns if name and profiles[name].looks != "nested"]
    own = guess_columns(plain, ITEM_FIELDS, {}, profiles)
    pictures = guess_columns(source.columns, {"image": ITEM_FIELDS["image"]}, {}, profiles)
    lacking = {field: ITEM_FIELDS[field] for field in _TAKEN if field not in {*own, *pictures}}
    return list(guess_columns(list(offered), lacking, {}).values())


def _are_variants(one: NestedValue) -> bool:
    """Whether a list holds what is sold: each has a price, and an id or SKU."""
    return "price" in guess_columns(list(one.keys), {"price": ITEM_FIELDS["price"]}, {}) and any(
        key in one.keys for key in _ID_KEYS
    )


def _first(one: NestedValue, key: str) -> str:
    """SQL for the key of a list's first object."""
    return f"CASE WHEN json_valid(c{one.column}) THEN json_extract_string(c{one.column}, {quoted('/0/' + pointer(key))}) END"


def _all(one: NestedValue, key: str) -> str:
    """SQL for the key of all objects of a list, as a JSON list of texts."""
    values = f"list_transform(try_cast(c{one.column} AS JSON[]), lambda part: json_extract_string(part, {quoted('/' + pointer(key))}))"
    return f"CASE WHEN json_valid(c{one.column}) THEN to_json({values})::VARCHAR END"
