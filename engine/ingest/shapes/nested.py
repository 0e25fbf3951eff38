"""Events that hold their products in nested objects and lists, as GA4's, Segment's and orders in JSON do -> one row a product."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from engine.ingest.columns import EVENT_FIELDS, guess_columns, names_products
from engine.ingest.shapes.tables import relation, write_staged
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import quoted

__all__ = ["NestedValue", "extract_sql", "frequent_keys", "nested_columns", "nested_values", "pointer", "unnest_events"]

_SAMPLED = 2_000
_MOST_KEYS = 60
_LEVELS = 3


@dataclass
class NestedValue:
    """A nested value somewhere in a column: its path, and the keys of the objects there with how often they hold a value."""

    column: int
    path: tuple[str, ...]
    keys: Counter[str] = field(default_factory=Counter)
    listed: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.path)


def unnest_events(connection: duckdb.DuckDBPyConnection, source: Source) -> tuple[Source, str | None]:
    """Objects become columns ("properties.product_id"); of the lists of objects, the one that names products becomes a row each.

    A column of a list fills the column of the same last name where the object itself has one. Rows whose list is empty name no
    product and are left out, which the note says. A table without nested columns, or whose own columns name products, stays.
    """
    nested = nested_columns(source)
    if not nested:
        return source, None
    objects, lists = nested_values(source, nested)
    products = max((one for one in lists if _names_product(one.keys)), key=lambda one: len(one.keys), default=None)
    flat = names_products(source.columns)
    if flat or (products is None and not any(_names_product(one.keys) for one in objects)):
        return source, None
    columns = {name: f"c{position}" for position, name in enumerate(source.columns)}
    for one in objects:
        for key in frequent_keys(one.keys):
            columns.setdefault(f"{one.name}.{key}", extract_sql(f"c{one.column}", one.path[1:], key))
    elements = ""
    if products:
        elements = f", unnest({_elements_sql(products, columns)}) AS element"
        columns |= _list_columns(columns, products)
    picked = ", ".join(f"{expression} AS c{position}" for position, expression in enumerate(columns.values()))
    query = f"SELECT {ROW}, {picked} FROM (SELECT *{elements} FROM {relation(source)}) ORDER BY {ROW}"
    flattened = write_staged(connection, query, source, list(columns), "unnested")
    rows, used = connection.execute(f"SELECT count(*), count(DISTINCT {ROW}) FROM {relation(flattened)}").fetchall()[0]
    note = _note(source, rows, used, products.name) if products else None
    return replace(flattened, n_rows=rows + source.n_rejected), note


def _elements_sql(products: NestedValue, columns: dict[str, str]) -> str:
    """SQL for the objects of the list; one null for rows without any that name a product themselves."""
    *above, last = products.path[1:] or [""]
    text = extract_sql(f"c{products.column}", tuple(above), last) if last else f"c{products.column}"
    own = [f"({value}) IS NOT NULL" for name, value in columns.items() if "." in name and _names_product([_last(name)])]
    single = f"CASE WHEN {' OR '.join(own)} THEN [NULL::JSON] END" if own else "NULL::JSON[]"
    return f"coalesce(nullif(try_cast({text} AS JSON[]), []), {single})"


def _note(source: Source, rows: int, used: int, name: str) -> str:
    events = source.n_rows - source.n_rejected
    without = f"; {events - used:,} name none and were left out" if events > used else ""
    return f"{used:,} of {events:,} events name {rows:,} products in {name!r}, a row each{without}"


def _list_columns(columns: dict[str, str], products: NestedValue) -> dict[str, str]:
    """Name -> SQL for the columns of a list's objects; they come before columns of the same last name."""
    found = {}
    for key in frequent_keys(products.keys):
        value = f"json_extract_string(element, {quoted('/' + pointer(key))})"
        outer = next((name for name in columns if "." in name and _last(name) == key), None)
        if outer:
            found[outer] = f"coalesce({value}, {columns[outer]})"
        else:
            found[f"{products.name}.{key}"] = value
    return found


def nested_columns(source: Source) -> list[int]:
    """Positions of the columns that can hold JSON."""
    schema = pq.read_schema(source.path)
    return [
        position for position in range(len(source.columns)) if pa.types.is_string(schema.field(f"c{position}").type)
    ]


def nested_values(source: Source, columns: Iterable[int]) -> tuple[list[NestedValue], list[NestedValue]]:
    """The objects and the lists of objects in the first rows."""
    found: dict[tuple[str, ...], NestedValue] = {}
    with pq.ParquetFile(source.path) as file:
        batch = next(file.iter_batches(batch_size=_SAMPLED), None)
    if batch is None:
        return [], []
    for position in columns:
        for text in batch.column(f"c{position}").to_pylist():
            if isinstance(text, str) and text[:1] in "[{" and text:
                _collect(_parsed(text), position, (source.columns[position],), found)
    return [one for one in found.values() if not one.listed], [one for one in found.values() if one.listed]


def _collect(value: Any, column: int, path: tuple[str, ...], found: dict[tuple[str, ...], NestedValue]) -> None:
    if isinstance(value, dict) and len(path) <= _LEVELS:
        one = found.setdefault(path, NestedValue(column, path))
        one.keys.update(key for key, held in value.items() if isinstance(held, (str, int, float)) and held != "")
        for key, held in value.items():
            _collect(held, column, (*path, key), found)
    elif isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        one = found.setdefault(path, NestedValue(column, path, listed=True))
        for part in value:
            one.keys.update(key for key, held in part.items() if isinstance(held, (str, int, float)) and held != "")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _names_product(keys: Iterable[str]) -> bool:
    names = EVENT_FIELDS["item_id"] + tuple(f"{name}_id" for name in ("item", "product"))
    return "item_id" in guess_columns(list(keys), {"item_id": names}, {})


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def frequent_keys(keys: Counter[str]) -> list[str]:
    """The keys of objects, the most frequent first."""
    return [key for key, _ in keys.most_common(_MOST_KEYS)]


def extract_sql(column: str, path: tuple[str, ...], key: str) -> str:
    """SQL for the text under a key of the object at a path in a column."""
    whole = "".join(f"/{pointer(part)}" for part in (*path, key))
    return f"CASE WHEN json_valid({column}) THEN json_extract_string({column}, {quoted(whole)}) END"


def pointer(key: str) -> str:
    """A key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")
