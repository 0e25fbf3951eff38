from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import InputError
from engine.ingest.preview import TablePreview, preview, preview_children
from engine.untrusted.bounded import BoundedChildren

Look = Callable[..., dict[str, TablePreview]]


@pytest.fixture(scope="module")
def children() -> Iterator[BoundedChildren]:
    with preview_children() as started:
        yield started


@pytest.fixture
def look(children: BoundedChildren, tmp_path: Path) -> Look:
    def ask(files: Mapping[str, Path], preset: str | None = None, mapping: Mapping[str, str] | None = None):  # type: ignore[no-untyped-def]
        return preview(files, preset, mapping, kept=tmp_path / "kept", children=children)

    return ask


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    items, events = tmp_path / "items.csv", tmp_path / "orders.csv"
    items.write_text("sku,name,colour,num_reviews,empty\n1,One,red,5,\n2,Two,blue,7,\n3,Three,red,9,\n")
    events.write_text("customer,sku,weekday\nu,1,Mon\nv,2,Tue\n")
    return {"items": items, "interactions": events}


def test_every_column_is_shown_with_what_it_is_taken_for(look: Look, files: dict[str, Path]) -> None:
    tables = look(files)
    found = {column.name: (column.field, column.kind, column.note) for column in tables["items"].columns}
    assert found["sku"] == ("item_id", None, "")
    assert found["name"] == ("title", None, "")
    assert found["colour"] == (None, "category", "")
    assert found["num_reviews"][2].startswith("left out: it counts what shoppers did")
    assert found["empty"] == (None, None, "left out: empty")
    events = {column.name: (column.field, column.note) for column in tables["interactions"].columns}
    assert events == {"customer": ("user_id", ""), "sku": ("item_id", ""), "weekday": (None, "not used")}
    assert tables["items"].missing == tables["interactions"].missing == ()


def test_every_column_is_shown_with_its_first_different_values(look: Look, files: dict[str, Path]) -> None:
    files["items"].write_text(
        "sku,name,colour\n" + "".join(f"{n},{'x' * 99},{'red' if n % 2 else ''}\n" for n in range(9))
    )
    samples = {column.name: column.samples for column in look(files)["items"].columns}
    assert samples == {"sku": ("0", "1", "2"), "name": ("x" * 59 + "…",), "colour": ("red",)}


def test_a_required_field_without_a_column_is_missing_until_it_is_mapped(look: Look, files: dict[str, Path]) -> None:
    files["interactions"].write_text("who,what\nu,1\n")
    only = {"interactions": files["interactions"]}
    assert look(only)["interactions"].missing == ("user_id", "item_id")
    assert look(only, mapping={"user_id": "who", "item_id": "what"})["interactions"].missing == ()


def test_corrections_are_followed(look: Look, files: dict[str, Path]) -> None:
    table = look(files, mapping={"kind.colour": "skip", "brand": "colour"})["items"]
    assert {column.name: column.field for column in table.columns}["colour"] == "brand"
    table = look(files, mapping={"kind.num_reviews": "number"})["items"]
    assert {column.name: column.kind for column in table.columns}["num_reviews"] == "number"


def test_a_preset_is_followed(look: Look, shared_data: Path) -> None:
    table = look({"interactions": shared_data / "online_retail" / "raw.parquet"}, "uci_online_retail")["interactions"]
    fields = {column.name: column.field for column in table.columns}
    assert fields["StockCode"] == "item_id"
    assert fields["Description"] == "title"
    assert fields["Country"] is None


def test_a_file_that_cannot_be_read_is_an_error_here_too(look: Look, files: dict[str, Path]) -> None:
    files["items"].write_bytes(b"")
    with pytest.raises(InputError, match=r"items\.csv: the file is empty"):
        look(files)


def test_a_file_that_changed_is_read_again(look: Look, files: dict[str, Path]) -> None:
    look(files)
    files["items"].write_text("sku,name\n1,Another name\n")
    assert look(files)["items"].columns[1].samples == ("Another name",)


def test_a_file_of_long_texts_that_repeat_is_refused_within_the_bounds(
    look: Look, children: BoundedChildren, tmp_path: Path
) -> None:
    """3 GB of text in 4 KB of Parquet."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 1_500, pa.int32()), pa.array(["x" * 2_000_000]))
    path = tmp_path / "items.parquet"
    pq.write_table(pa.table({"item_id": [str(n) for n in range(1_500)], "title": text}), path, compression="zstd")
    with pytest.raises(InputError, match=r"items\.parquet: it needs too much memory to be read.*Save it as CSV"):
        look({"items": path})
    assert children.use.peak_bytes < 1.3e9


def test_after_a_file_that_exceeds_the_bounds_the_next_is_read(
    look: Look, files: dict[str, Path], tmp_path: Path
) -> None:
    bomb = tmp_path / "bomb.csv.gz"
    with gzip.open(bomb, "wb", compresslevel=9) as stream:
        for _ in range(600):
            stream.write(bytes(1024 * 1024))
    with pytest.raises(InputError, match=r"bomb\.csv\.gz"):
        look({"items": bomb})
    assert look(files)["items"].missing == ()


def test_a_preview_leaves_nothing_behind_and_needs_no_folder(
    children: BoundedChildren, files: dict[str, Path], tmp_path: Path
) -> None:
    before = set(tmp_path.rglob("*"))
    preview(files, children=children)
    assert set(tmp_path.rglob("*")) == before
