"""The shop's products and events as one immutable snapshot: read it, write a new one.

    shop/<id>/items.parquet         item_id, title, description, brand, category, price, image, then one column per attribute
    shop/<id>/interactions.parquet  user_id, item_id, event, value, timestamp (whole seconds since 1970, UTC); the last three may be null
    shop/<id>/shop.json             name, interaction word, currency, kinds of the attributes, counts, ...
    shop/<id>/report.json           what ingesting read, kept and rejected
    shop/<id>/truth.parquet         the demo shop's style families, for benchmarks only

A snapshot is complete on disk before `shop/current` names it, so a reader sees the old shop or the new one.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from engine.catalogue.attribute_kinds import AttributeKind
from engine.core.errors import CatalogueError, InteractionsError, NoDataError
from engine.core.storage import atomic_directory, atomic_write_json
from engine.core.workspace import Workspace

__all__ = [
    "EVENT_COLUMNS",
    "EVENT_SCHEMA",
    "ITEM_COLUMNS",
    "RESERVED_COLUMNS",
    "Shop",
    "read_info",
    "read_shop",
    "write_snapshot",
]

ITEM_COLUMNS = ("item_id", "title", "description", "brand", "category", "price", "image")
EVENT_COLUMNS = ("user_id", "item_id", "event", "value", "timestamp")
# A release adds this column to the items it carries.
RESERVED_COLUMNS = frozenset({"interaction_count"})
EVENT_SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("event", pa.string()),
        ("value", pa.float64()),
        ("timestamp", pa.int64()),
    ]
)
SNAPSHOTS_KEPT = 3
_ARROW_TYPES = {
    "category": pa.string(),
    "text": pa.string(),
    "number": pa.float64(),
    "multi": pa.list_(pa.string()),
}


@dataclass(frozen=True)
class Shop:
    """One snapshot's products.

    Attributes
    ----------
    items : one row per product, RangeIndex = rows; `ITEM_COLUMNS` then the attributes. Strings are missing as NaN,
        `price` and numbers are float64, a multi-valued attribute holds a list of strings or None.
    attribute_kinds : attribute -> "category", "number", "text" or "multi", in column order.
    info : shop.json whole.
    """

    snapshot_id: str
    name: str
    interaction_word: str
    currency: str | None
    demo: bool
    items: pd.DataFrame
    attribute_kinds: dict[str, AttributeKind]
    info: dict[str, Any]


def read_shop(workspace: Workspace) -> Shop:
    """The shop in use. Raises `NoDataError` when there is none, or its files are damaged."""
    directory = workspace.current_snapshot()
    info = read_info(directory)
    try:
        items = pq.read_table(directory / "items.parquet").to_pandas()
    except (OSError, ValueError, pa.ArrowException) as exc:
        raise NoDataError(f"The shop data {directory.name} is damaged ({exc}). Load the shop again.") from exc
    kinds: dict[str, AttributeKind] = {
        name: info["attributes"][name] for name in items.columns if name not in ITEM_COLUMNS
    }
    for name, kind in kinds.items():
        if kind == "multi":
            values = [None if value is None else list(value) for value in items[name]]
            items[name] = pd.Series(values, dtype=object)
    return Shop(
        snapshot_id=directory.name,
        name=info["name"],
        interaction_word=info["interaction_word"],
        currency=info["currency"],
        demo=info["demo"],
        items=items,
        attribute_kinds=kinds,
        info=info,
    )


def read_info(snapshot: Path) -> dict[str, Any]:
    """shop.json of a snapshot's directory. Raises `NoDataError` when it is damaged."""
    try:
        info: dict[str, Any] = json.loads((snapshot / "shop.json").read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise NoDataError(f"The shop data {snapshot.name} is damaged ({exc}). Load the shop again.") from exc
    return info


def write_snapshot(
    workspace: Workspace,
    items: pd.DataFrame,
    interactions: pd.DataFrame | Path,
    info: Mapping[str, Any],
    report: Mapping[str, Any],
    truth: pd.DataFrame | None = None,
) -> str:
    """Write a snapshot, point the workspace at it and return its id; on any error the workspace is as it was.

    Parameters
    ----------
    items : `item_id` is required and unique; other `ITEM_COLUMNS` are filled with nulls where absent; every further
        column is an attribute whose kind stands in `info["attributes"]`.
    interactions : `user_id`, `item_id` and any other `EVENT_COLUMNS`, `timestamp` as datetimes or whole seconds;
        or the path of a Parquet file with exactly `EVENT_SCHEMA`'s columns, which is moved into the snapshot.
    info : entries of shop.json; `name`, `interaction_word` and `attributes` default to "Shop", "clicks" and {}.
    report : the ingest report; the snapshot's id is added.
    truth : the demo shop's `item_id`, `family`.

    Raises `CatalogueError` or `InteractionsError` naming the field when the tables break the rules above.
    """
    kinds = dict(info.get("attributes", {}))
    products = _items_table(items, kinds)
    created = datetime.now(UTC)
    snapshot_id = f"{created:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    with atomic_directory(workspace.snapshots / snapshot_id) as directory:
        pq.write_table(products, directory / "items.parquet", compression="zstd")
        events = directory / "interactions.parquet"
        if isinstance(interactions, Path):
            shutil.move(interactions, events)
        else:
            pq.write_table(_events_table(interactions), events, compression="zstd")
        counts = _check_events(events, directory / "items.parquet")
        if truth is not None:
            pq.write_table(pa.Table.from_pandas(truth, preserve_index=False), directory / "truth.parquet")
        complete = {
            "name": "Shop",
            "interaction_word": "clicks",
            "currency": None,
            "demo": False,
            "value_kind": None,
            "min_rating": None,
            "preset": None,
            **info,
            "attributes": kinds,
            "created_at": created.isoformat(timespec="seconds"),
            "n_items": products.num_rows,
            **counts,
        }
        atomic_write_json(directory / "report.json", {**report, "snapshot_id": snapshot_id})
        atomic_write_json(directory / "shop.json", complete)
    workspace.use_snapshot(snapshot_id)
    _forget_old_snapshots(workspace, snapshot_id)
    return snapshot_id


def _items_table(items: pd.DataFrame, kinds: dict[str, AttributeKind]) -> pa.Table:
    if "item_id" not in items:
        raise CatalogueError("there is no such column; every product needs an id.", field="item_id")
    if not len(items):
        raise CatalogueError("there are no products.")
    attributes = [name for name in items.columns if name not in ITEM_COLUMNS]
    for name in attributes:
        if name in RESERVED_COLUMNS:
            raise CatalogueError("this name is Longtail's own; rename the column.", field=name)
        if kinds.get(name) not in get_args(AttributeKind):
            raise CatalogueError(f"its kind is {kinds.get(name)!r}, not category, number, text or multi.", field=name)
    for name in [name for name in kinds if name not in attributes]:
        raise CatalogueError("it has a kind but there is no such column.", field=name)
    types = {name: pa.float64() if name == "price" else pa.string() for name in ITEM_COLUMNS}
    types |= {name: _ARROW_TYPES[kinds[name]] for name in attributes}
    columns = [_arrow_column(items, name, kind) for name, kind in types.items()]
    ids = columns[0].to_pandas()
    if ids.isna().any() or (ids == "").any():
        raise CatalogueError("a product has no id.", row=int((ids.isna() | (ids == "")).argmax()) + 1, field="item_id")
    if ids.duplicated().any():
        row = int(ids.duplicated().argmax())
        raise CatalogueError(f"{ids[row]!r} is there twice; ids must be unique.", row=row + 1, field="item_id")
    prices = columns[5].to_pandas()
    if (prices < 0).any() or prices.isin([float("inf")]).any():
        raise CatalogueError("a price is negative or infinite.", field="price")
    return pa.Table.from_arrays(columns, schema=pa.schema(list(types.items())))


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


def _events_table(events: pd.DataFrame) -> pa.Table:
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


def _check_events(events: Path, items: Path) -> dict[str, int]:
    """Check the events file against `EVENT_SCHEMA` and the products; its counts for shop.json."""
    try:
        schema = pq.read_schema(events)
    except (pa.ArrowInvalid, OSError) as exc:
        raise InteractionsError(f"not a Parquet file ({exc}).", file=events.name) from exc
    if schema.names != EVENT_SCHEMA.names or schema.types != EVENT_SCHEMA.types:
        raise InteractionsError(
            f"columns are {dict(zip(schema.names, map(str, schema.types), strict=True))}, not {EVENT_COLUMNS}.",
            file=events.name,
        )
    with duckdb.connect(config={"threads": 2}) as connection:
        n_events, n_users, missing = connection.execute(
            "SELECT count(*), count(DISTINCT user_id), count(*) FILTER (user_id IS NULL OR user_id = '')"
            " FROM read_parquet(?)",
            [str(events)],
        ).fetchall()[0]
        if n_events == 0:
            raise InteractionsError("there are no events.")
        if missing:
            raise InteractionsError(f"{missing} events have no shopper.", field="user_id")
        unknown = connection.execute(
            "SELECT e.item_id FROM read_parquet(?) e ANTI JOIN read_parquet(?) i ON e.item_id = i.item_id LIMIT 1",
            [str(events), str(items)],
        ).fetchall()
        if unknown:
            raise InteractionsError(f"{unknown[0][0]!r} is not a product of this shop.", field="item_id")
    return {"n_events": int(n_events), "n_users": int(n_users)}


def _forget_old_snapshots(workspace: Workspace, current: str) -> None:
    """Keep the newest few (a training may still read the one before), and drop what a killed ingest left."""
    complete = sorted(path.name for path in workspace.snapshots.iterdir() if (path / "shop.json").is_file())
    for name in [name for name in complete if name != current and not name.startswith(".")][: -(SNAPSHOTS_KEPT - 1)]:
        shutil.rmtree(workspace.snapshots / name, ignore_errors=True)
    for path in workspace.snapshots.glob(".*.part"):
        if path.stat().st_mtime < time.time() - 24 * 3600:
            shutil.rmtree(path, ignore_errors=True)
