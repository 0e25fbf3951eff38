"""The tables of a snapshot: products and events as Arrow tables of fixed types, checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.catalogue.attribute_kinds import AttributeKind
from engine.catalogue.event_facts import distinct_texts
from engine.core.errors import CatalogueError, InteractionsError

__all__ = [
    "EVENT_COLUMNS",
    "EVENT_SCHEMA",
    "ITEM_COLUMNS",
    "RESERVED_COLUMNS",
    "check_events",
    "events_table",
    "items_table",
]

ITEM_COLUMNS = ("item_id", "title", "description", "brand", "category", "price", "image")
RESERVED_COLUMNS = frozenset({"interaction_count"})
"""A release adds this column to its items."""
EVENT_SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("event", pa.string()),
        ("value", pa.float64()),
        ("timestamp", pa.int64()),
    ]
)
EVENT_COLUMNS = tuple(EVENT_SCHEMA.names)
_ARROW_TYPES = {
    "category": pa.string(),
    "text": pa.string(),
    "number": pa.float64(),
    "multi": pa.list_(pa.string()),
}


def items_table(items: pd.DataFrame, kinds: Mapping[str, AttributeKind]) -> pa.Table:
    """`ITEM_COLUMNS`, then the attributes in their order, checked. Raises `CatalogueError` naming row and field."""
    if "item_id" not in items:
        raise CatalogueError("the table lacks this column; every product needs an id.", field="item_id")
    if not len(items):
        raise CatalogueError("the table has no products.")
    attributes = _checked_attributes(items, kinds)
    types = {name: pa.float64() if name == "price" else pa.string() for name in ITEM_COLUMNS}
    types |= {name: _ARROW_TYPES[kinds[name]] for name in attributes}
    columns = {name: _arrow_column(items, name, kind) for name, kind in types.items()}
    _check_ids(columns["item_id"].to_pandas())
    prices = columns["price"].to_pandas()
    if (prices < 0).any() or prices.isin([float("inf")]).any():
        raise CatalogueError("a price is negative or infinite.", field="price")
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(list(types.items())))


def _checked_attributes(items: pd.DataFrame, kinds: Mapping[str, AttributeKind]) -> list[str]:
    attributes = [name for name in items.columns if name not in ITEM_COLUMNS]
    for name in attributes:
        if name in RESERVED_COLUMNS:
            raise CatalogueError("Longtail uses this name itself; rename the column.", field=name)
        if kinds.get(name) not in get_args(AttributeKind):
            raise CatalogueError(f"its kind is {kinds.get(name)!r}, not category, number, text or multi.", field=name)
    for name in [name for name in kinds if name not in attributes]:
        raise CatalogueError("this attribute has a kind but no column.", field=name)
    return attributes


def _check_ids(ids: pd.Series) -> None:
    if ids.isna().any() or (ids == "").any():
        raise CatalogueError("a product has no id.", row=int((ids.isna() | (ids == "")).argmax()) + 1, field="item_id")
    if ids.duplicated().any():
        row = int(ids.duplicated().argmax())
        raise CatalogueError(f"two products have the id {ids[row]!r}.", row=row + 1, field="item_id")


def _arrow_column(items: pd.DataFrame, name: str, kind: pa.DataType) -> pa.Array:
    if name not in items:
        return pa.nulls(len(items), kind)
    values = items[name]
    try:
        if pa.types.is_list(kind):
            lists = [
                list(value) if isinstance(value, (list, tuple)) or hasattr(value, "tolist") else None
                for value in values
            ]
            return pa.array(lists, type=kind)
        return pa.array(values, type=kind, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError) as exc:
        raise CatalogueError(f"values are not of the type {kind} ({exc}).", field=name) from exc


def events_table(events: pd.DataFrame) -> pa.Table:
    """A table in `EVENT_SCHEMA`; absent columns are null. Raises `InteractionsError` naming the field."""
    columns = []
    for field in EVENT_SCHEMA:
        if field.name not in events:
            columns.append(pa.nulls(len(events), field.type))
            continue
        values = events[field.name]
        if field.name == "timestamp" and pd.api.types.is_datetime64_any_dtype(values):
            values = _seconds(values)
        try:
            columns.append(pa.array(values, type=field.type, from_pandas=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as exc:
            raise InteractionsError(f"values are not of the type {field.type} ({exc}).", field=field.name) from exc
    return pa.Table.from_arrays(columns, schema=EVENT_SCHEMA)


def _seconds(values: pd.Series) -> pd.Series:
    """Datetimes as whole seconds since 1970 in UTC; naive ones are taken as UTC."""
    utc = pd.to_datetime(values, utc=True).astype("datetime64[s, UTC]")
    return utc.astype("int64").astype("Int64").mask(values.isna())


def check_events(events: Sequence[Path], items: Path) -> dict[str, int]:
    """Check the files of events against `EVENT_SCHEMA` and the products file: {"n_events", "n_users"}.

    Raises `InteractionsError` naming the field.
    """
    for file in events:
        _check_columns(file)
    n_events = sum(pq.read_metadata(file).num_rows for file in events)
    if n_events == 0:
        raise InteractionsError("the table has no events.")
    shoppers = distinct_texts(events, "user_id")
    if missing := shoppers.n_null + shoppers.n_empty:
        raise InteractionsError(f"{missing} events have no shopper.", field="user_id")
    named = distinct_texts(events, "item_id")
    products = pq.read_table(items, columns=["item_id"])["item_id"].cast(pa.string())
    unknown = named.texts.filter(pc.invert(pc.is_in(named.texts, value_set=products)))
    if named.n_null or len(unknown):
        one = None if named.n_null else unknown[0].as_py()
        raise InteractionsError(f"{one!r} is not a product of this shop.", field="item_id")
    return {"n_events": n_events, "n_users": len(shoppers.texts)}


def _check_columns(file: Path) -> None:
    try:
        schema = pq.read_schema(file)
    except (pa.ArrowInvalid, OSError) as exc:
        raise InteractionsError(f"this is not a Parquet file ({exc}).", file=file.name) from exc
    if schema.names != EVENT_SCHEMA.names or schema.types != EVENT_SCHEMA.types:
        raise InteractionsError(
            f"columns are {dict(zip(schema.names, map(str, schema.types), strict=True))}, not {EVENT_COLUMNS}.",
            file=file.name,
        )
