from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import InputError
from engine.ingest.preview import Fix, Preview, preview, preview_children
from engine.untrusted.bounded import BoundedChildren

Look = Callable[..., Preview]


@pytest.fixture(scope="module")
def children() -> Iterator[BoundedChildren]:
    with preview_children() as started:
        yield started


@pytest.fixture
def look(children: BoundedChildren, tmp_path: Path) -> Look:
    def ask(files: Mapping[str, Path], preset: str | None = None, mapping: Mapping[str, str] | None = None) -> Preview:
        given = {role: [path] for role, path in files.items()}
        return preview(given, preset, mapping, kept=tmp_path / "kept", children=children)

    return ask


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    items, events = tmp_path / "items.csv", tmp_path / "orders.csv"
    items.write_text("sku,name,colour,num_reviews,empty\n1,One,red,5,\n2,Two,blue,7,\n3,Three,red,9,\n")
    events.write_text("customer,sku,weekday\nu,1,Mon\nv,2,Tue\n")
    return {"items": items, "interactions": events}


def messages(seen: Preview) -> str:
    return "\n".join(warning.message for warning in seen.warnings)


def test_every_column_is_shown_with_what_it_is_taken_for(look: Look, files: dict[str, Path]) -> None:
    tables = look(files).tables
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
    rows = "".join(f"{n},{'x' * 99},{'red' if n % 2 else ''}\n" for n in range(9))
    files["items"].write_text("sku,name,colour\n" + rows)
    samples = {column.name: column.samples for column in look(files).tables["items"].columns}
    assert samples == {"sku": ("0", "1", "2"), "name": ("x" * 39 + "…",), "colour": ("red",)}


def test_it_is_said_how_sure_a_column_is_and_why(look: Look, files: dict[str, Path]) -> None:
    files["items"].write_text("sku,title,price\n1,One,cheap\n2,Two,dear\n3,Three,cheap\n")
    columns = {column.name: column for column in look(files, mapping={"price": "price"}).tables["items"].columns}
    assert columns["title"].confidence == "sure"
    assert columns["price"].confidence == "a guess"
    assert "words" in columns["price"].why


def test_a_shop_systems_export_is_recognised_and_can_be_read_as_another_file(
    look: Look, files: dict[str, Path]
) -> None:
    files["items"].write_text(
        "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Price,"
        "Image Src,Image Position,Status\nred-dress,Red dress,<p>Soft</p>,Acme,Dresses,,TRUE,Size,S,RD-S,19.90,"
        "https://cdn.example.com/a.jpg,1,active\n"
    )
    assert "Shopify" in look(files).recognised["items"]
    assert look(files, "none").recognised == {}


def test_a_required_field_without_a_column_is_missing_until_it_is_mapped(look: Look, files: dict[str, Path]) -> None:
    files["interactions"].write_text("who,what\nu,1\n")
    only = {"interactions": files["interactions"]}
    assert look(only).tables["interactions"].missing == ("user_id", "item_id")
    mapped = look(only, mapping={"user_id": "who", "item_id": "what"})
    assert mapped.tables["interactions"].missing == ()


def test_corrections_are_followed(look: Look, files: dict[str, Path]) -> None:
    table = look(files, mapping={"brand": "colour"}).tables["items"]
    assert {column.name: column.field for column in table.columns}["colour"] == "brand"
    table = look(files, mapping={"kind.num_reviews": "number"}).tables["items"]
    assert {column.name: column.kind for column in table.columns}["num_reviews"] == "number"


def test_a_preset_is_followed(look: Look, shared_data: Path) -> None:
    raw = shared_data / "online_retail" / "raw.parquet"
    table = look({"interactions": raw}, "uci_online_retail").tables["interactions"]
    fields = {column.name: column.field for column in table.columns}
    assert fields["StockCode"] == "item_id"
    assert fields["Description"] == "title"
    assert fields["Country"] is None


def test_several_files_are_one_table(children: BoundedChildren, files: dict[str, Path], tmp_path: Path) -> None:
    november = tmp_path / "november.csv"
    november.write_text("customer,sku,weekday\nw,3,Wed\n")
    given = {"items": [files["items"]], "interactions": [files["interactions"], november]}
    columns = {one.name: one.samples for one in preview(given, children=children).tables["interactions"].columns}
    assert columns["weekday"] == ("Mon", "Tue", "Wed")


def test_products_given_as_events_are_told_where_they_belong(look: Look, files: dict[str, Path]) -> None:
    files["interactions"].write_text("ID,Type,SKU,Name,Regular price\n1,simple,a,One,5\n2,simple,b,Two,6\n")
    assert "orders.csv looks like products of WooCommerce" in messages(look(files))


def test_what_nobody_foresaw_is_a_sentence_and_a_line_in_the_log(
    look: Look, files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept").write_text("a file in place of the folder")
    with pytest.raises(InputError, match="cannot be understood"):
        look(files)
    assert "NotADirectoryError" in caplog.text


def test_events_that_name_other_products_are_warned_of(look: Look, files: dict[str, Path]) -> None:
    files["interactions"].write_text("customer,sku\nv,1\n" + "".join(f"u{n},X-{n}\n" for n in range(9)))
    assert "90% of the first 10 events name no product of the products file, for example 'X-0'" in messages(look(files))
    files["interactions"].write_text("customer,sku\n" + "".join(f"u{n},X-{n}\n" for n in range(9)))
    assert "none of the 9 events can be used" in messages(look(files))
    files["interactions"].write_text("customer,sku\n" + "".join(f"u{n},{n % 3 + 1}\n" for n in range(9)))
    assert "name no product" not in messages(look(files))


def test_a_shopper_with_most_events_is_warned_of(look: Look, files: dict[str, Path]) -> None:
    rows = "".join(f"{'till 7' if n % 4 else f'u{n}'},{n % 3 + 1}\n" for n in range(80))
    files["interactions"].write_text("customer,sku\n" + rows)
    seen = look(files)
    assert "60 of the first 80 rows of orders.csv have the same fault" in messages(seen)
    assert any("'till 7' has 60 of the events" in note for note in seen.tables["interactions"].notes)


def test_products_without_a_price_are_warned_of_with_the_column_that_may_hold_it(
    look: Look, files: dict[str, Path]
) -> None:
    files["items"].write_text("sku,name,worth\n" + "".join(f"{n},Dress {n},€ {n + 10}.50\n" for n in range(9)))
    warnings = look(files, mapping={"kind.worth": "skip"}).warnings
    warning = next(one for one in warnings if "No column is read as the price" in one.message)
    assert warning.fixes == (Fix("items", "worth", "price"),)


def test_a_price_among_the_attributes_is_offered(look: Look, files: dict[str, Path]) -> None:
    files["items"].write_text("sku,name,old price list\n" + "".join(f"{n},Dress {n},{n + 10}.50\n" for n in range(9)))
    warning = next(one for one in look(files).warnings if "No column is read as the price" in one.message)
    assert warning.fixes == (Fix("items", "old price list", "price"),)


def test_the_column_of_the_events_that_holds_the_products_ids_is_found_by_its_values(
    look: Look, files: dict[str, Path]
) -> None:
    files["items"].write_text("sku,name\n" + "".join(f"A-{n},Dress {n}\n" for n in range(9)))
    files["interactions"].write_text("customer,thing,till\n" + "".join(f"u{n},A-{n},7\n" for n in range(9)))
    seen = look(files)
    assert seen.tables["interactions"].missing == ("item_id",)
    assert Fix("interactions", "thing", "item_id") in [fix for one in seen.warnings for fix in one.fixes]


def test_times_that_cannot_be_read_are_warned_of(look: Look, files: dict[str, Path]) -> None:
    files["interactions"].write_text("customer,sku,timestamp\n" + "".join(f"u{n},1,soon\n" for n in range(9)))
    told = messages(look(files, mapping={"timestamp": "timestamp"}))
    assert "9 of the first 9 times in timestamp cannot be read, for example 'soon'" in told


def test_dates_that_could_be_two_days_are_asked_about_until_somebody_answers(
    look: Look, files: dict[str, Path]
) -> None:
    rows = "".join(f"u{n},{n % 3 + 1},0{n % 9 + 1}/02/2026\n" for n in range(9))
    files["interactions"].write_text("customer,sku,Bought on\n" + rows)
    as_time = {"interactions.timestamp": "Bought on"}
    (question,) = look(files, mapping=as_time).questions
    assert question.key == "dates.Bought on"
    assert "/02/2026 could have the day or the month first" in question.asks
    assert "dates." not in question.asks
    assert set(question.answers) == {"day-first", "month-first"}
    assert look(files, mapping=as_time | {question.key: "month-first"}).questions == ()


def test_prices_that_could_be_thousands_are_asked_about(look: Look, files: dict[str, Path]) -> None:
    files["items"].write_text("sku,name,price\n" + "".join(f"{n},Thing {n},1.{n}99\n" for n in range(1, 9)))
    questions = look(files).questions
    assert [question.key for question in questions] == ["numbers.price"]
    assert "1.199" in questions[0].asks


def test_pictures_of_other_products_are_warned_of_without_decoding_any(
    look: Look, files: dict[str, Path], tmp_path: Path
) -> None:
    archive = tmp_path / "pictures.zip"
    for names, warned in ((["a.jpg", "b.jpg", "1.jpg"], True), (["1.jpg", "2.jpg", "3.jpg"], False)):
        with zipfile.ZipFile(archive, "w") as stream:
            for name in names:
                stream.writestr(name, b"no picture at all")
        assert ("have a picture in the zip" in messages(look({**files, "images": archive}))) is warned


def test_a_file_that_cannot_be_read_is_an_error_here_too(look: Look, files: dict[str, Path]) -> None:
    files["items"].write_bytes(b"")
    with pytest.raises(InputError, match=r"items\.csv: the file is empty"):
        look(files)


def test_a_file_that_changed_is_read_again(look: Look, files: dict[str, Path]) -> None:
    look(files)
    files["items"].write_text("sku,name\n1,Another name\n")
    assert look(files).tables["items"].columns[1].samples == ("Another name",)


def test_a_file_of_long_texts_that_repeat_is_refused_within_the_bounds(
    look: Look, children: BoundedChildren, tmp_path: Path
) -> None:
    """3 GB of text in 4 KB of Parquet."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 1_500, pa.int32()), pa.array(["x" * 2_000_000]))
    path = tmp_path / "items.parquet"
    pq.write_table(pa.table({"item_id": [str(n) for n in range(1_500)], "title": text}), path, compression="zstd")
    with pytest.raises(InputError, match=r"items\.parquet"):
        look({"items": path})
    assert children.use.peak_bytes < 1.3e9


def test_after_a_file_that_exceeds_the_bounds_the_next_is_read(
    look: Look, children: BoundedChildren, files: dict[str, Path], tmp_path: Path
) -> None:
    nested = tmp_path / "nested.json"
    nested.write_bytes(b"[" * 400_000 + b"]" * 400_000)
    with pytest.raises(InputError, match=r"nested\.json: .*Save it as CSV, or in several smaller files"):
        look({"items": nested})
    assert children.use.peak_bytes < 1.3e9
    assert look(files).tables["items"].missing == ()


def test_a_preview_leaves_nothing_behind_and_needs_no_folder(
    children: BoundedChildren, files: dict[str, Path], tmp_path: Path
) -> None:
    before = set(tmp_path.rglob("*"))
    preview({role: [path] for role, path in files.items()}, children=children)
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deep.json", b"[" * 200_000 + b"]" * 200_000),
        ("wide.json", b"[" + b",".join(b'{"k%d":1}' % number for number in range(3_000)) + b"]"),
        ("laughs.xml", b'<!DOCTYPE l [<!ENTITY a "xx"><!ENTITY b "&a;&a;">]><rss><channel><item><id>&b;</id></item></channel></rss>'),
        ("outward.xml", b'<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel><item><id>&a;</id></item></channel></rss>'),
        ("items.xlsx", b"PK\x03\x04" + bytes(500)),
        ("items.parquet", b"PAR1" + bytes(500)),
    ],
)  # fmt: skip
def test_a_hostile_file_is_refused_in_a_sentence(look: Look, tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=name):
        look({"items": path})
