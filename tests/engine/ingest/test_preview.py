from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import InputError
from engine.ingest.pipeline import preview


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    items, events = tmp_path / "items.csv", tmp_path / "orders.csv"
    items.write_text("sku,name,colour,num_reviews,empty\n1,One,red,5,\n2,Two,blue,7,\n3,Three,red,9,\n")
    events.write_text("customer,sku,weekday\nu,1,Mon\nv,2,Tue\n")
    return {"items": items, "interactions": events}


def test_every_column_is_shown_with_what_it_is_taken_for(files: dict[str, Path]) -> None:
    tables = preview(files)
    found = {column.name: (column.field, column.kind, column.note) for column in tables["items"].columns}
    assert found["sku"] == ("item_id", None, "")
    assert found["name"] == ("title", None, "")
    assert found["colour"] == (None, "category", "")
    assert found["num_reviews"][2].startswith("left out: it counts what shoppers did")
    assert found["empty"] == (None, None, "left out: empty")
    events = {column.name: (column.field, column.note) for column in tables["interactions"].columns}
    assert events == {"customer": ("user_id", ""), "sku": ("item_id", ""), "weekday": (None, "not used")}
    assert tables["items"].missing == tables["interactions"].missing == []


def test_the_first_rows_are_shown_as_text(files: dict[str, Path]) -> None:
    rows = preview(files)["items"].rows
    assert rows["name"].tolist() == ["One", "Two", "Three"]
    assert rows["empty"].tolist() == ["", "", ""]


def test_a_required_field_without_a_column_is_missing_until_it_is_mapped(files: dict[str, Path]) -> None:
    files["interactions"].write_text("who,what\nu,1\n")
    only = {"interactions": files["interactions"]}
    assert preview(only)["interactions"].missing == ["user_id", "item_id"]
    assert preview(only, mapping={"user_id": "who", "item_id": "what"})["interactions"].missing == []


def test_corrections_are_followed(files: dict[str, Path]) -> None:
    table = preview(files, mapping={"kind.colour": "skip", "brand": "colour"})["items"]
    assert {column.name: column.field for column in table.columns}["colour"] == "brand"
    table = preview(files, mapping={"kind.num_reviews": "number"})["items"]
    assert {column.name: column.kind for column in table.columns}["num_reviews"] == "number"


def test_a_preset_is_followed(shared_data: Path) -> None:
    table = preview({"interactions": shared_data / "online_retail" / "raw.parquet"}, "uci_online_retail")[
        "interactions"
    ]
    fields = {column.name: column.field for column in table.columns}
    assert fields["StockCode"] == "item_id"
    assert fields["Description"] == "title"
    assert fields["Country"] is None


def test_a_file_that_cannot_be_read_is_an_error_here_too(files: dict[str, Path]) -> None:
    files["items"].write_bytes(b"")
    with pytest.raises(InputError, match=r"items\.csv: the file is empty"):
        preview(files)
