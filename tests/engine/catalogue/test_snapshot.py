from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.catalogue.snapshot import EVENT_SCHEMA, ITEM_COLUMNS, read_shop, write_snapshot
from engine.core.errors import CatalogueError, InputError, InteractionsError, NoDataError, StorageError
from engine.core.workspace import Workspace

ITEMS = pd.DataFrame(
    {
        "item_id": ["a", "b"],
        "title": ["Red dress", None],
        "price": [12.5, None],
        "tags": [["x", "y"], None],
        "weight": [1, None],
    }
)
EVENTS = pd.DataFrame({"user_id": ["u", "v"], "item_id": ["a", "b"]})
INFO = {"name": "Corner shop", "attributes": {"tags": "multi", "weight": "number"}}


def write(
    workspace: Workspace, items: pd.DataFrame = ITEMS, events: pd.DataFrame | Path = EVENTS, **info: object
) -> str:
    return write_snapshot(workspace, items, events, {**INFO, **info}, {"files": []})


def test_a_written_shop_reads_back_as_it_was(workspace: Workspace) -> None:
    snapshot_id = write(workspace, currency="£")
    shop = read_shop(workspace)
    assert (shop.snapshot_id, shop.name, shop.currency, shop.demo) == (snapshot_id, "Corner shop", "£", False)
    assert list(shop.items.columns) == [*ITEM_COLUMNS, "tags", "weight"]
    assert isinstance(shop.items.index, pd.RangeIndex)
    assert shop.items["tags"].tolist() == [["x", "y"], None]
    assert shop.items["price"].dtype == np.float64
    assert shop.items["title"].isna().tolist() == [False, True]
    assert shop.attribute_kinds == {"tags": "multi", "weight": "number"}
    assert (shop.info["n_items"], shop.info["n_events"], shop.info["n_users"]) == (2, 2, 2)


def test_the_report_names_its_snapshot(workspace: Workspace) -> None:
    snapshot_id = write(workspace)
    report = json.loads((workspace.current_snapshot() / "report.json").read_text())
    assert report == {"files": [], "snapshot_id": snapshot_id}


def test_times_are_stored_as_whole_seconds(workspace: Workspace) -> None:
    times = pd.to_datetime(["1970-01-02", None])
    write(workspace, events=EVENTS.assign(timestamp=times))
    table = pq.read_table(workspace.current_snapshot() / "interactions.parquet")
    assert table.schema.equals(EVENT_SCHEMA)
    assert table["timestamp"].to_pylist() == [86_400, None]


def test_times_with_a_zone_are_turned_into_utc(workspace: Workspace) -> None:
    times = pd.to_datetime(["1970-01-02", "1970-01-03"]).tz_localize("Europe/Paris")
    write(workspace, events=EVENTS.assign(timestamp=times))
    table = pq.read_table(workspace.current_snapshot() / "interactions.parquet")
    assert table["timestamp"].to_pylist() == [86_400 - 3_600, 2 * 86_400 - 3_600]


def test_a_parquet_file_of_events_is_moved_in(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    rows = [{"user_id": "u", "item_id": "a", "event": "view", "value": None, "timestamp": 1}]
    pq.write_table(pa.Table.from_pylist(rows, schema=EVENT_SCHEMA), path)
    write(workspace, events=path)
    assert not path.exists()
    assert read_shop(workspace).info["n_events"] == 1


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (ITEMS.drop(columns="item_id"), "every product needs an id"),
        (ITEMS.iloc[:0], "no products"),
        (ITEMS.assign(item_id=["a", "a"]), "two products have the id 'a'"),
        (ITEMS.assign(item_id=["a", None]), "row 2, field 'item_id'"),
        (ITEMS.assign(price=[-1.0, 2.0]), "negative"),
        (ITEMS.assign(price=[np.inf, 2.0]), "infinite"),
        (ITEMS.assign(colour=["red", "blue"]), "field 'colour': its kind is None"),
        (ITEMS.drop(columns="weight"), "field 'weight': this attribute has a kind but no column"),
        (ITEMS.assign(interaction_count=[1, 2]), "Longtail uses this name itself"),
        (ITEMS.assign(weight=["heavy", "light"]), "not of the type double"),
    ],
)
def test_broken_products_are_refused_and_nothing_is_left(
    workspace: Workspace, items: pd.DataFrame, message: str
) -> None:
    with pytest.raises(CatalogueError, match=message):
        write(workspace, items)
    assert not any(path.is_file() for path in workspace.root.rglob("*"))


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (EVENTS.iloc[:0], "no events"),
        (EVENTS.assign(item_id=["a", "z"]), "'z' is not a product"),
        (EVENTS.assign(user_id=["u", None]), "1 events have no shopper"),
        (EVENTS.assign(value=["one", "two"]), "not of the type double"),
    ],
)
def test_broken_events_are_refused_and_the_shop_in_use_stays(
    workspace: Workspace, events: pd.DataFrame, message: str
) -> None:
    before = write(workspace)
    with pytest.raises(InteractionsError, match=message):
        write(workspace, events=events)
    assert read_shop(workspace).snapshot_id == before
    assert {path.name for path in workspace.snapshots.iterdir()} == {before, "current"}


def test_a_file_that_is_no_parquet_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    path.write_bytes(b"user_id,item_id\n")
    with pytest.raises(InteractionsError, match="not a Parquet file"):
        write(workspace, events=path)


def test_a_disk_that_fails_while_pointing_leaves_the_old_shop(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write(workspace)
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StorageError, match="disk is full"):
        write(workspace, name="Never seen")
    monkeypatch.undo()
    assert read_shop(workspace).snapshot_id == before


def test_only_the_newest_snapshots_are_kept(workspace: Workspace) -> None:
    ids = [write(workspace) for _ in range(5)]
    left = {path.name for path in workspace.snapshots.iterdir()} - {"current"}
    assert len(left) == 3
    assert ids[-1] in left


def test_an_empty_workspace_says_what_to_do(workspace: Workspace) -> None:
    with pytest.raises(NoDataError, match="ingest"):
        read_shop(workspace)


@pytest.mark.parametrize("name", ["shop.json", "items.parquet"])
def test_a_damaged_shop_says_so(workspace: Workspace, name: str) -> None:
    write(workspace)
    (workspace.current_snapshot() / name).write_bytes(b"{ damaged")
    with pytest.raises(NoDataError, match="damaged"):
        read_shop(workspace)


def test_errors_of_input_are_one_family() -> None:
    assert issubclass(CatalogueError, InputError)
    assert issubclass(InteractionsError, InputError)
