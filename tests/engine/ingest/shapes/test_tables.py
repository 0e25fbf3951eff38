from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from engine.catalogue.snapshot import read_shop
from engine.core.errors import InteractionsError
from engine.core.workspace import Workspace
from engine.ingest.pipeline import ingest


def events_of(workspace: Workspace) -> pd.DataFrame:
    return pd.read_parquet(workspace.current_snapshot() / "interactions.parquet")


def test_properties_become_columns_with_the_latest_value(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "item_properties.csv").write_text(
        "timestamp,itemid,property,value\n"
        "1000,1,categoryid,old\n3000,1,categoryid,new\n2000,1,categoryid,middle\n1000,2,categoryid,other\n1000,1,790,n12.500\n"
    )
    (tmp_path / "events.csv").write_text("timestamp,visitorid,event,itemid,transactionid\n1433221332117,4,view,1,\n")
    report = ingest(workspace, items=tmp_path / "item_properties.csv", interactions=tmp_path / "events.csv")
    items = read_shop(workspace).items.set_index("item_id")
    assert items["category"].to_dict() == {"1": "new", "2": "other"}
    assert items.loc["1", "price"] == 12.5
    assert [file.recognised.split(";")[0] for file in report.files] == ["recognised as RetailRocket"] * 2


def test_nested_events_become_a_row_for_each_product(workspace: Workspace, tmp_path: Path) -> None:
    bought = [{"item_id": "a", "item_name": "Apple", "price": 2}, {"item_id": "b", "item_name": "Beet", "price": 3}]
    lines = [
        {"event_name": "page_view", "event_timestamp": "1714557600000000", "user_id": "u", "user_pseudo_id": "1", "items": []},
        {"event_name": "purchase", "event_timestamp": "1714557600000000", "user_id": "u", "user_pseudo_id": "1", "items": bought},
    ]  # fmt: skip
    path = tmp_path / "events_20240501.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    report = ingest(workspace, interactions=path)
    assert events_of(workspace)["item_id"].tolist() == ["a", "b"]
    assert read_shop(workspace).items["title"].tolist() == ["Apple", "Beet"]
    assert (
        "1 of 2 events name 2 products in 'items', a row each; 1 name none and were left out" in report.files[0].notes
    )


def test_products_of_an_event_stand_in_its_properties_or_in_a_list_there(workspace: Workspace, tmp_path: Path) -> None:
    lines = [
        {"event": "view", "userId": "u", "properties": {"product_id": "a", "name": "Apple"}},
        {"event": "purchase", "userId": "v", "properties": {"products": [{"product_id": "a"}, {"product_id": "b"}]}},
    ]
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    ingest(workspace, interactions=path)
    found = events_of(workspace)[["user_id", "item_id", "event"]].values.tolist()
    assert found == [["u", "a", "view"], ["v", "a", "purchase"], ["v", "b", "purchase"]]


def test_lines_of_orders_get_the_shopper_of_their_order(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text("order_id,product_id,add_to_cart_order\n1,a,1\n1,b,2\n2,a,1\n")
    (tmp_path / "orders.csv").write_text("order_id,user_id,eval_set\n1,u,prior\n2,v,prior\n")
    report = ingest(workspace, interactions=[tmp_path / "lines.csv", tmp_path / "orders.csv"])
    assert events_of(workspace)[["user_id", "item_id"]].values.tolist() == [["u", "a"], ["u", "b"], ["v", "a"]]
    assert "lines.csv and orders.csv were joined by 'order_id'" in report.files[0].notes


def test_files_that_share_no_column_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text("basket,product_id\n1,a\n")
    (tmp_path / "orders.csv").write_text("number,user_id\n1,u\n")
    with pytest.raises(InteractionsError, match="no column of one file is also in the other"):
        ingest(workspace, interactions=[tmp_path / "lines.csv", tmp_path / "orders.csv"])


def test_rows_of_an_order_get_what_only_its_first_row_says(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "orders_export.csv").write_text(
        "Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku\n"
        "#1,ann,paid,2026-08-03 03:24:22,1,Mug,2,M\n#1,,,,1,Bowl,3,B\n#2,ben,paid,2026-08-04 03:24:22,1,Mug,2,M\n"
    )
    ingest(workspace, interactions=tmp_path / "orders_export.csv")
    found = events_of(workspace)
    assert found["user_id"].tolist() == ["ann", "ann", "ben"]
    assert found["timestamp"].notna().all()
