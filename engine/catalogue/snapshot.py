"""The shop's products and events as one immutable snapshot: read it, write a new one.

    shop/<id>/items.parquet         item_id, title, description, brand, category, price, image, then one column per attribute
    shop/<id>/interactions.parquet  user_id, item_id, event, value, timestamp (whole seconds since 1970, UTC); the last three may be null
    shop/<id>/interactions-2.parquet, -3, ...  the same columns: events that were appended, read after the first file
    shop/<id>/shop.json             name, interaction word, currency, kinds of the attributes, counts, ...
    shop/<id>/report.json           what the ingest read, loaded and rejected
    shop/<id>/aliases.parquet       column, alias, item_id: other ids by which the shop's events name products; absent where there are none
    shop/<id>/truth.parquet         the demo shop's style families, for benchmarks only

Files of events never change, so a snapshot shares those of the one before by hard links, and appending a day's events to ten
million writes a day's. A snapshot is complete on disk before `shop/current` names it, so a reader sees either the old shop or the new one.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from engine.access.acting import require
from engine.access.audit import deed
from engine.access.roles import Action
from engine.catalogue.attribute_kinds import AttributeKind
from engine.catalogue.snapshot_tables import (
    EVENT_COLUMNS,
    EVENT_SCHEMA,
    ITEM_COLUMNS,
    RESERVED_COLUMNS,
    check_events,
    events_table,
    items_table,
)
from engine.core.errors import LongtailError, NoDataError
from engine.core.reading import open_regular, read_json
from engine.core.storage import atomic_directory, atomic_write_json
from engine.core.workspace import Workspace

__all__ = [
    "EVENT_COLUMNS",
    "EVENT_SCHEMA",
    "ITEM_COLUMNS",
    "RESERVED_COLUMNS",
    "Shop",
    "ShopFacts",
    "event_files",
    "read_aliases",
    "read_facts",
    "read_info",
    "read_shop",
    "read_truth",
    "undamaged",
    "write_snapshot",
]

MAX_SNAPSHOTS = 3
_DEFAULT_INFO: dict[str, Any] = {
    "name": "Shop",
    "interaction_word": "clicks",
    "currency": None,
    "demo": False,
    "value_kind": None,
    "min_rating": None,
    "preset": None,
    "loaded_with": {},
}
_NEEDED_INFO = {"name", "interaction_word", "currency", "demo"}


@dataclass(frozen=True)
class Shop:
    """One snapshot's products.

    Attributes
    ----------
    items : one row per product, RangeIndex = rows; `ITEM_COLUMNS` then the attributes. Strings are missing as NaN,
        `price` and numbers are float64, a multi-valued attribute holds a list of strings or None.
    attribute_kinds : attribute -> "category", "number", "text" or "multi", in column order.
    info : the whole of shop.json.
    """

    snapshot_id: str
    name: str
    interaction_word: str
    currency: str | None
    demo: bool
    items: pd.DataFrame
    attribute_kinds: dict[str, AttributeKind]
    info: dict[str, Any]


@dataclass(frozen=True)
class ShopFacts:
    """What a snapshot says of its shop, without its products; as in `Shop`."""

    snapshot_id: str
    name: str
    interaction_word: str
    demo: bool
    attribute_kinds: dict[str, AttributeKind]


def read_facts(workspace: Workspace) -> ShopFacts:
    """What the snapshot in use says, at no cost that grows with it. Raises as `read_shop`."""
    directory = workspace.current_snapshot()
    info = read_info(directory)
    with undamaged(directory, directory / "items.parquet"):
        columns = pq.read_schema(directory / "items.parquet").names
        kinds: dict[str, AttributeKind] = {
            name: info["attributes"][name] for name in columns if name not in ITEM_COLUMNS
        }
    return ShopFacts(directory.name, info["name"], info["interaction_word"], info["demo"], kinds)


def read_shop(workspace: Workspace) -> Shop:
    """The shop in use. Raises `NoDataError` if no shop is loaded, or its files are damaged."""
    directory = workspace.current_snapshot()
    info = read_info(directory)
    with undamaged(directory, directory / "items.parquet"):
        items = pq.read_table(directory / "items.parquet").to_pandas()
        if not set(ITEM_COLUMNS) <= set(items.columns) or items["item_id"].isna().any():
            raise ValueError("items.parquet lacks columns or ids of products")
        attributes = [name for name in items.columns if name not in ITEM_COLUMNS]
        kinds: dict[str, AttributeKind] = {name: info["attributes"][name] for name in attributes}
        for name in [name for name in attributes if kinds[name] == "multi"]:
            items[name] = pd.Series([None if value is None else list(value) for value in items[name]], dtype=object)
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
    """shop.json of a snapshot's directory. Raises `NoDataError` if it is damaged."""
    with undamaged(snapshot, snapshot / "shop.json"):
        info = read_json(snapshot / "shop.json")
        if not isinstance(info, dict) or not isinstance(info.get("attributes"), dict) or _NEEDED_INFO - set(info):
            raise ValueError("shop.json does not describe a shop")
        if not isinstance(info["name"], str) or not isinstance(info["interaction_word"], str):
            raise ValueError("shop.json does not name the shop")
        return info


@contextmanager
def undamaged(snapshot: Path, *files: Path) -> Iterator[None]:
    """Read files of a snapshot in this block: whatever is wrong with them becomes a `NoDataError`.

    They have no checksums, so what can be read is taken as it is; parsers of damaged files raise almost anything.
    """
    try:
        for file in files:
            open_regular(file).close()
        yield
    except LongtailError:
        raise
    except Exception as exc:
        raise NoDataError(f"The shop data {snapshot.name} is damaged ({exc}). Load the shop again.") from exc


def event_files(snapshot: Path) -> list[Path]:
    """The files that together hold a snapshot's events, in order."""
    appended = {int(path.stem.rpartition("-")[2]): path for path in snapshot.glob("interactions-*.parquet")}
    return [snapshot / "interactions.parquet", *(appended[number] for number in sorted(appended))]


def write_snapshot(
    workspace: Workspace,
    items: pd.DataFrame,
    interactions: pd.DataFrame | Path | Sequence[Path],
    info: Mapping[str, Any],
    report: Mapping[str, Any],
    truth: pd.DataFrame | None = None,
    aliases: Mapping[str, pd.DataFrame] | None = None,
    action: Action = Action.LOAD_SHOP,
) -> str:
    """Write a snapshot, point the workspace at it and return its id; on any error the workspace is as it was.

    Parameters
    ----------
    items : `item_id` is required and unique; other `ITEM_COLUMNS` are filled with nulls where absent; every further
        column is an attribute, whose kind `info["attributes"]` gives.
    interactions : `user_id`, `item_id` and any other `EVENT_COLUMNS`, `timestamp` as datetimes or whole seconds;
        or paths of Parquet files with exactly `EVENT_SCHEMA`'s columns. Those of another snapshot are shared with it, others
        are moved into this one.
    info : entries of shop.json; `name`, `interaction_word` and `attributes` default to "Shop", "clicks" and {}.
    report : the ingest report; the snapshot's id is added, and its counts are the snapshot's.
    truth : the demo shop's `item_id`, `family`.
    aliases : column of the products file -> `alias`, `item_id`.
    action : what it is done for: who acts has to be allowed that.

    Raises `CatalogueError` or `InteractionsError` naming the field if a table breaks these rules, `NotAllowedError` where who acts
    may not load a shop.
    """
    kinds = dict(info.get("attributes", {}))
    require(action)
    products = items_table(items, kinds)
    created = datetime.now(UTC)
    snapshot_id = f"{created:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    with atomic_directory(workspace.snapshots / snapshot_id) as directory:
        pq.write_table(products, directory / "items.parquet", compression="zstd")
        _write_events(workspace, interactions, directory)
        counts = check_events(event_files(directory), directory / "items.parquet")
        if truth is not None:
            pq.write_table(pa.Table.from_pandas(truth, preserve_index=False), directory / "truth.parquet")
        if aliases:
            _write_aliases(aliases, directory / "aliases.parquet")
        given = {**_DEFAULT_INFO, **info, "attributes": kinds}
        written = {"created_at": created.isoformat(timespec="seconds"), "n_items": products.num_rows, **counts}
        counted = {name: count for name, count in counts.items() if name in report}
        atomic_write_json(directory / "report.json", {**report, **counted, "snapshot_id": snapshot_id})
        atomic_write_json(directory / "shop.json", {**given, **written})
    with deed(action, f"shop {given['name']}", workspace=workspace) as loaded:
        loaded.before, loaded.after = workspace.snapshot_in_use(), snapshot_id
        workspace.use_snapshot(snapshot_id)
    _delete_old_snapshots(workspace, snapshot_id)
    return snapshot_id


def read_aliases(snapshot: Path) -> dict[str, pd.DataFrame]:
    """Column of the products file -> (alias, item_id) of a snapshot; empty where events name products by their ids alone."""
    file = snapshot / "aliases.parquet"
    if not file.is_file():
        return {}
    with undamaged(snapshot, file):
        table = pq.read_table(file).to_pandas()
    return {str(column): pairs.drop(columns="column") for column, pairs in table.groupby("column", sort=False)}


def read_truth(snapshot: Path) -> pd.DataFrame | None:
    """The demo shop's `item_id`, `family`; None for any other shop."""
    file = snapshot / "truth.parquet"
    if not file.is_file():
        return None
    with undamaged(snapshot, file):
        truth: pd.DataFrame = pq.read_table(file).to_pandas()
        return truth


def _write_aliases(aliases: Mapping[str, pd.DataFrame], target: Path) -> None:
    tables = [pairs[["alias", "item_id"]].assign(column=column) for column, pairs in aliases.items()]
    schema = pa.schema([("column", pa.string()), ("alias", pa.string()), ("item_id", pa.string())])
    pq.write_table(pa.Table.from_pandas(pd.concat(tables), schema, preserve_index=False), target, compression="zstd")


def _write_events(workspace: Workspace, interactions: pd.DataFrame | Path | Sequence[Path], directory: Path) -> None:
    if isinstance(interactions, pd.DataFrame):
        pq.write_table(events_table(interactions), directory / "interactions.parquet", compression="zstd")
        return
    files = [interactions] if isinstance(interactions, Path) else interactions
    for number, file in enumerate(files, 1):
        target = directory / ("interactions.parquet" if number == 1 else f"interactions-{number}.parquet")
        if file.resolve().parent.parent == workspace.snapshots.resolve():
            _share(file, target)
        else:
            shutil.move(file, target)


def _share(file: Path, target: Path) -> None:
    """A hard link, or a copy on a disk that has none."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def _delete_old_snapshots(workspace: Workspace, current: str) -> None:
    """Delete all but the newest few (a training may still read an older one), and what a killed ingest left behind."""
    complete = sorted(path.name for path in workspace.snapshots.iterdir() if (path / "shop.json").is_file())
    for name in [name for name in complete if name != current and not name.startswith(".")][: -(MAX_SNAPSHOTS - 1)]:
        shutil.rmtree(workspace.snapshots / name, ignore_errors=True)
    for path in workspace.snapshots.glob(".*.part"):
        if path.stat().st_mtime < time.time() - 24 * 3600:
            shutil.rmtree(path, ignore_errors=True)
