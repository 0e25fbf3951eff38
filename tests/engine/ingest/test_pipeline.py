from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.catalogue.interactions import read_interactions
from engine.catalogue.snapshot import read_shop, write_snapshot
from engine.core.errors import CatalogueError, InputError, InteractionsError, LongtailError, NoDataError
from engine.core.settings import InteractionSettings
from engine.core.workspace import Workspace
from engine.ingest import pipeline as ingest_module
from engine.ingest.pipeline import ingest
from engine.ingest.report import IngestReport

ITEMS = "sku,name,desc,maker,type,price,colour,tags,rating_number\n" + "".join(
    f"p{n},Dress {n},A dress number {n},{'Ada' if n % 2 else 'Bo'},dress,{n + 0.5},{'red' if n % 3 else 'blue'},"
    f"{'silk|long' if n % 2 else 'silk'},{n}\n"
    for n in range(1, 7)
)
EVENTS = "customer_id,product,event_type,qty,date\n" + "".join(
    f"u{n % 4},p{n % 6 + 1},{'view' if n % 2 else 'add_to_cart'},{n % 3 + 1},2024-01-0{n % 9 + 1}\n" for n in range(24)
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "items.csv").write_text(ITEMS)
    (folder / "interactions.csv").write_text(EVENTS)
    return folder


def load(workspace: Workspace, shop: Path, **options: object) -> IngestReport:
    return ingest(workspace, items=shop / "items.csv", interactions=shop / "interactions.csv", **options)  # type: ignore[arg-type]


def tree(folder: Path) -> dict[str, str]:
    """Every file below `folder` with its content's hash."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_shop_of_two_csv_files_is_loaded(workspace: Workspace, shop: Path) -> None:
    report = load(workspace, shop, name="Corner shop")
    loaded = read_shop(workspace)
    assert (loaded.snapshot_id, loaded.name, loaded.interaction_word) == (report.snapshot_id, "Corner shop", "clicks")
    assert loaded.items["item_id"].tolist() == [f"p{n}" for n in range(1, 7)]
    first = loaded.items.iloc[0]
    assert (first["title"], first["description"], first["price"]) == ("Dress 1", "A dress number 1", 1.5)
    assert loaded.items["tags"].tolist()[:2] == [["silk", "long"], ["silk"]]
    assert loaded.attribute_kinds == {"maker": "category", "colour": "category", "tags": "multi"}
    assert (report.n_items, report.n_events, report.n_users) == (6, 24, 4)
    assert [(file.name, file.kind, file.read, file.kept, file.rejected) for file in report.files] == [
        ("items.csv", "products", 6, 6, 0),
        ("interactions.csv", "events", 24, 24, 0),
    ]
    assert report.problem_counts == {}


def test_the_report_shows_what_became_of_every_column(workspace: Workspace, shop: Path) -> None:
    products, events = load(workspace, shop).files
    assert products.columns["sku"] == "item_id"
    assert products.columns["tags"] == "multi"
    assert products.columns["rating_number"].startswith("left out: it counts what shoppers did")
    assert any(note.endswith(": rating_number") for note in products.notes)
    assert events.columns == {
        "customer_id": "user_id",
        "product": "item_id",
        "event_type": "event",
        "qty": "quantity",
        "date": "timestamp",
    }
    stored = json.loads((workspace.current_snapshot() / "report.json").read_text())
    assert stored["files"][0]["columns"] == products.columns


def test_events_are_normalised(workspace: Workspace, shop: Path) -> None:
    load(workspace, shop)
    events = pd.read_parquet(workspace.current_snapshot() / "interactions.parquet")
    assert set(events["event"]) == {"view", "cart"}
    assert events["timestamp"].iloc[0] == pd.Timestamp("2024-01-01").timestamp()
    assert read_shop(workspace).info["value_kind"] == "quantity"


def test_the_three_formats_give_the_same_shop(workspace: Workspace, shop: Path, tmp_path: Path) -> None:
    load(workspace, shop)
    expected = read_shop(workspace).items
    items, events = pd.read_csv(shop / "items.csv"), pd.read_csv(shop / "interactions.csv")
    items.to_parquet(shop / "items.parquet")
    events.to_parquet(shop / "interactions.parquet")
    items.to_json(shop / "items.jsonl", orient="records", lines=True)
    events.to_json(shop / "interactions.jsonl.gz", orient="records", lines=True)
    for suffix, packed in (("parquet", "parquet"), ("jsonl", "jsonl.gz")):
        other = Workspace(tmp_path / suffix)
        ingest(other, items=shop / f"items.{suffix}", interactions=shop / f"interactions.{packed}")
        pd.testing.assert_frame_equal(read_shop(other).items, expected)
        mine, theirs = (pd.read_parquet(one.current_snapshot() / "interactions.parquet") for one in (workspace, other))
        pd.testing.assert_frame_equal(mine, theirs)


def test_bad_rows_are_left_out_and_named(workspace: Workspace, shop: Path) -> None:
    (shop / "items.csv").write_text(
        "item_id,title,price\np1,One,1\n,No id,2\np1,Twice,3\np\u200b4,Unseen,4\np5,Minus,-5\np6,Words,cheap\np7,ok,nan\n"
    )
    (shop / "interactions.csv").write_text(
        "user_id,item_id,quantity,timestamp\nu,p1,1,2024-01-01\n,p1,1,\nu,,1,\nu,zzz,1,\nu,p1,-2,\nu,p1,nan,\nu,p1,0,\n"
        "u,p5,,someday\nu\x07,p1,1,\nu,p1\n"
    )
    report = load(workspace, shop)
    assert read_shop(workspace).items["item_id"].tolist() == ["p1", "p5", "p6", "p7"]
    assert read_shop(workspace).items["price"].isna().tolist() == [False, True, True, True]
    found = {(problem.file, problem.row, problem.kind, problem.field) for problem in report.problems}
    assert found == {
        ("items.csv", 2, "missing_product", "item_id"),
        ("items.csv", 3, "duplicate_id", "item_id"),
        ("items.csv", 4, "control_characters", "item_id"),
        ("items.csv", 5, "negative_number", "price"),
        ("items.csv", 6, "not_a_number", "price"),
        ("interactions.csv", 2, "missing_shopper", "user_id"),
        ("interactions.csv", 3, "missing_product", "item_id"),
        ("interactions.csv", 4, "unknown_item", "item_id"),
        ("interactions.csv", 6, "not_a_number", "quantity"),
        ("interactions.csv", 7, "zero_quantity", "quantity"),
        ("interactions.csv", 8, "unreadable_time", "timestamp"),
        ("interactions.csv", 9, "control_characters", "user_id"),
        ("interactions.csv", 10, "broken_row", None),
    }
    assert [(file.read, file.kept, file.rejected) for file in report.files] == [(7, 4, 3), (10, 3, 7)]
    assert all(problem.message.endswith(".") for problem in report.problems)


def test_only_ten_of_a_kind_are_shown_and_all_are_counted(workspace: Workspace, shop: Path) -> None:
    (shop / "interactions.csv").write_text(EVENTS + "u1,nothing,view,1,2024-01-01\n" * 35)
    report = load(workspace, shop)
    assert report.problem_counts == {"unknown_item": 35}
    assert [problem.row for problem in report.problems] == list(range(25, 35))
    assert report.files[1].rejected == 35


def test_strict_refuses_everything_for_one_problem(workspace: Workspace, shop: Path) -> None:
    (shop / "interactions.csv").write_text(EVENTS + "u1,nothing,view,1,2024-01-01\n")
    with pytest.raises(InputError, match=r"1 x unknown item; first in interactions\.csv, row 25, field 'product'"):
        load(workspace, shop, strict=True)
    with pytest.raises(NoDataError):
        read_shop(workspace)
    load(workspace, shop)


def test_strict_loads_a_shop_without_problems(workspace: Workspace, shop: Path) -> None:
    assert load(workspace, shop, strict=True).n_items == 6


@pytest.mark.parametrize(
    ("items", "events", "error", "message"),
    [
        (ITEMS, "", InputError, r"interactions\.csv: the file is empty"),
        ("", EVENTS, InputError, r"items\.csv: the file is empty"),
        (ITEMS, "user_id,item_id\n", InputError, "no rows"),
        (ITEMS, "user_id,item_id\nu,zzz\n", InteractionsError, "none of the 1 events can be used"),
        (ITEMS, "who,item_id\nu,p1\n", InteractionsError, "no column is known as the shopper.*who, item_id"),
        ("thing,title\na,b\n", EVENTS, CatalogueError, "no column is known as the product's id.*thing, title"),
        ("item_id,title\n,b\n", EVENTS, CatalogueError, "none of the 1 products"),
        (
            ITEMS,
            "user_id,item_id,event\n" + "".join(f"u,p1,e{n}\n" for n in range(300)),
            InteractionsError,
            "more than 200 different",
        ),
    ],
)
def test_what_cannot_be_loaded_at_all_leaves_the_workspace_as_it_was(
    workspace: Workspace, shop: Path, items: str, events: str, error: type[LongtailError], message: str
) -> None:
    load(workspace, shop)
    before = tree(workspace.root)
    (shop / "items.csv").write_text(items)
    (shop / "interactions.csv").write_text(events)
    with pytest.raises(error, match=message):
        load(workspace, shop)
    assert tree(workspace.root) == before
    assert not list(workspace.root.glob(".ingest-*"))


def test_a_failed_first_ingest_leaves_no_workspace(workspace: Workspace, shop: Path) -> None:
    (shop / "items.csv").write_text("")
    with pytest.raises(InputError):
        load(workspace, shop)
    assert not workspace.root.exists()


def test_a_failure_in_the_last_step_leaves_the_old_shop(
    workspace: Workspace, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(workspace, shop, name="Old")

    def fail(*arguments: object, **options: object) -> str:
        write_snapshot(*arguments[:3], {**arguments[3], "attributes": {"nothing": "text"}}, {})  # type: ignore[arg-type, dict-item]
        raise AssertionError("unreachable")

    monkeypatch.setattr(ingest_module, "write_snapshot", fail)
    before = tree(workspace.root)
    with pytest.raises(CatalogueError):
        load(workspace, shop, name="New")
    assert tree(workspace.root) == before
    assert read_shop(workspace).name == "Old"


def test_a_mapping_wins_over_names(workspace: Workspace, shop: Path) -> None:
    mapping = {"brand": "maker", "title": "desc", "quantity": "", "kind.colour": "skip", "kind.type": "text"}
    load(workspace, shop, mapping=mapping)
    loaded = read_shop(workspace)
    assert loaded.items["brand"].tolist()[0] == "Ada"
    assert loaded.items["title"].tolist()[0] == "A dress number 1"
    assert "colour" not in loaded.attribute_kinds
    assert loaded.info["value_kind"] is None


def test_a_mapping_may_name_its_file(workspace: Workspace, shop: Path) -> None:
    (shop / "interactions.csv").write_text(EVENTS.replace("customer_id", "sku"))
    load(workspace, shop, mapping={"interactions.user_id": "sku", "items.item_id": "sku"})
    assert read_shop(workspace).info["n_users"] == 4


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"title": "nmae"}, r"items\.csv, field 'title': there is no column 'nmae'. Did you mean 'name'\?"),
        ({"titel": "name"}, r"no field 'titel' to map. Did you mean 'title'\?"),
        ({"kind.colour": "shade"}, "a kind is one of category, number, text, multi, skip"),
        ({"kind.shade": "text"}, "no column 'shade' to give a kind"),
        ({"encoding": "klingon"}, "no encoding 'klingon'"),
        ({"items.user_id": "sku"}, "no field 'user_id' to map"),
    ],
)
def test_a_mapping_that_cannot_be_followed_says_why(
    workspace: Workspace, shop: Path, mapping: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load(workspace, shop, mapping=mapping)


def test_a_declared_encoding_reads_both_files(workspace: Workspace, shop: Path) -> None:
    (shop / "items.csv").write_bytes(ITEMS.replace("Dress 1", "Été").encode("cp1252"))
    with pytest.raises(InputError, match="not valid utf-8"):
        load(workspace, shop, mapping={"encoding": "utf-8"})
    load(workspace, shop, mapping={"encoding": "cp1252"})
    assert read_shop(workspace).items["title"].tolist()[0] == "Été"


def test_an_encoding_that_nobody_declared_is_found(workspace: Workspace, shop: Path) -> None:
    (shop / "items.csv").write_bytes(ITEMS.replace("Dress 1", "Été").encode("cp1252"))
    load(workspace, shop)
    assert read_shop(workspace).items["title"].tolist()[0] == "Été"


def test_events_alone_make_a_shop(workspace: Workspace, shop: Path) -> None:
    report = ingest(workspace, interactions=shop / "interactions.csv")
    loaded = read_shop(workspace)
    assert loaded.items["item_id"].tolist() == [f"p{n}" for n in range(1, 7)]
    assert loaded.items["title"].isna().all()
    assert report.files[0].kind == "products and events"


def test_products_are_told_from_events_that_describe_them(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "user,item,title,price\nu,a,Red dress,1\nv,a,red  dress,3\nw,a,Red dress,10\nu,b,Beta,2\nv,b,Alpha,4\n"
    )
    ingest(workspace, interactions=path)
    items = read_shop(workspace).items
    assert items["title"].tolist() == ["Red dress", "Alpha"]
    assert items["price"].tolist() == [3.0, 3.0]


def test_ids_of_numbers_match_however_they_are_written(workspace: Workspace, shop: Path) -> None:
    (shop / "items.csv").write_text("item_id,title\n1,One\n2,Two\n")
    pd.DataFrame({"user_id": [7.0, 8.0], "item_id": [1.0, 2.0]}).to_parquet(shop / "interactions.parquet")
    report = ingest(workspace, items=shop / "items.csv", interactions=shop / "interactions.parquet")
    assert report.problem_counts == {}
    found = read_interactions(workspace, ["1", "2"], InteractionSettings())
    assert found.user_ids.tolist() == ["7", "8"]


def test_names_that_differ_in_case_only_do_not_collide(workspace: Workspace, shop: Path) -> None:
    (shop / "items.csv").write_text("item_id,title,Title,Interaction Count,size,Size\na,x,y,3,S,M\nb,z,w,4,L,S\n")
    (shop / "interactions.csv").write_text("user_id,item_id\nu,a\n")
    load(workspace, shop)
    assert read_shop(workspace).attribute_kinds == {"Title_2": "category", "size": "category", "Size_2": "category"}


def test_texts_lose_control_characters_and_endless_texts_are_cut(workspace: Workspace, shop: Path) -> None:
    (shop / "items.csv").write_text(f'item_id,title,note\na,"Red\u202e\x07dress","x\x1by"\nb,{"z" * 3000},w\n')
    (shop / "interactions.csv").write_text("user_id,item_id\nu,a\n")
    report = load(workspace, shop)
    items = read_shop(workspace).items
    assert items["title"].iloc[0] == "Red dress"
    assert items["note"].iloc[0] == "x y"
    assert len(items["title"].iloc[1]) == 1000
    assert report.problem_counts == {"long_text": 1}


def test_the_currency_is_told_from_the_prices(workspace: Workspace, shop: Path) -> None:
    (shop / "items.csv").write_text('item_id,price\np1,£5\np2,"£1,200.50"\n')
    (shop / "interactions.csv").write_text("user_id,item_id\nu,p1\n")
    load(workspace, shop)
    assert read_shop(workspace).currency == "GBP"
    assert read_shop(workspace).items["price"].tolist() == [5.0, 1200.5]


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(buffer, "PNG")
    return buffer.getvalue()


def test_pictures_are_stored_and_a_missing_one_is_no_reason_to_drop_its_product(
    workspace: Workspace, shop: Path
) -> None:
    (shop / "images").mkdir()
    (shop / "images" / "p1.png").write_bytes(png())
    (shop / "images" / "p2.png").write_bytes(b"broken")
    report = load(workspace, shop, images=shop / "images")
    items = read_shop(workspace).items
    digest = hashlib.sha256(png()).hexdigest()
    assert items["image"].iloc[0] == digest
    assert items["image"].isna().sum() == 5
    assert workspace.image_file(digest).is_file()
    assert report.problem_counts == {"unreadable_picture": 1, "missing_picture": 4}


def test_pictures_are_found_for_products_that_only_the_events_name(workspace: Workspace, shop: Path) -> None:
    (shop / "images").mkdir()
    (shop / "images" / "p1.png").write_bytes(png())
    report = ingest(workspace, interactions=shop / "interactions.csv", images=shop / "images")
    assert read_shop(workspace).items["image"].notna().tolist() == [True, *[False] * 5]
    assert report.problem_counts == {"missing_picture": 5}


def test_a_refused_ingest_stores_no_picture(workspace: Workspace, shop: Path) -> None:
    (shop / "images").mkdir()
    (shop / "images" / "p1.png").write_bytes(png())
    with pytest.raises(InputError, match="missing picture"):
        load(workspace, shop, images=shop / "images", strict=True)
    assert not workspace.root.exists()


def test_a_picture_column_without_pictures_is_noted(workspace: Workspace, shop: Path) -> None:
    (shop / "items.csv").write_text("item_id,image\np1,a.jpg\np2,b.jpg\n")
    (shop / "interactions.csv").write_text("user_id,item_id\nu,p1\n")
    assert load(workspace, shop).files[0].notes == [
        "2 products name a picture, but no folder or zip of pictures was given"
    ]


def test_a_folder_with_usual_names_needs_no_preset(workspace: Workspace, shop: Path) -> None:
    assert ingest(workspace, from_dir=shop).n_items == 6


def test_steps_are_told_in_order_and_finished(workspace: Workspace, shop: Path) -> None:
    calls: list[tuple[str, float]] = []
    load(workspace, shop, progress=lambda step, done, message="": calls.append((step, done)))
    finished = [step for step, done in calls if done == 1.0]
    assert finished == ["Reading the products", "Reading the events", "Saving the shop"]
    assert all(0.0 <= done <= 1.0 for _, done in calls)


def test_no_events_at_all_is_an_error(workspace: Workspace, shop: Path) -> None:
    with pytest.raises(InputError, match="--interactions"):
        ingest(workspace, items=shop / "items.csv")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["u1", "u2", "", "u\x00", " u1 ", "nan"]),
            st.sampled_from(["p1", "p2", "zzz", "", "'; DROP TABLE x; --"]),
            st.sampled_from(["1", "-1", "1e400", "nan", "", "x", "1,5"]),
            st.sampled_from(["2024-01-01", "0", "never", ""]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_whatever_the_rows_hold_every_one_is_kept_or_explained(
    tmp_path: Path, shop: Path, rows: list[tuple[str, str, str, str]]
) -> None:
    columns = ["user_id", "item_id", "quantity", "timestamp"]
    pd.DataFrame(rows, columns=columns).to_csv(shop / "interactions.csv", index=False, quoting=1)
    workspace = Workspace(tmp_path / "fuzzed")
    try:
        report = load(workspace, shop)
    except InteractionsError:
        return  # no row was good
    events = report.files[1]
    assert events.read == len(rows) == events.kept + events.rejected
    rejecting = {kind: n for kind, n in report.problem_counts.items() if kind != "unreadable_time"}
    assert sum(rejecting.values()) == events.rejected
    assert pq.read_metadata(workspace.current_snapshot() / "interactions.parquet").num_rows == events.kept


def test_products_added_in_longtail_stay_with_their_events_when_the_files_come_again(
    workspace: Workspace, shop: Path
) -> None:
    (shop / "interactions.csv").write_text(EVENTS + "u1,new-1,view,1,2024-01-05\nu2,nobody,view,1,2024-01-05\n")
    asked: list[tuple[dict[str, str], set[str]]] = []

    def added(kinds, known):
        asked.append((dict(kinds), set(known)))
        return pd.DataFrame({"item_id": ["new-1"], "title": ["New"], "image": ["ab" * 32], "colour": ["red"]})

    report = load(workspace, shop, added=added)
    (kinds, known) = asked[0]
    assert kinds["colour"] == "category"
    assert known == {f"p{n}" for n in range(1, 7)}
    items = read_shop(workspace).items.set_index("item_id")
    assert (items.loc["new-1", "title"], items.loc["new-1", "image"], len(items)) == ("New", "ab" * 32, 7)
    events = pq.read_table(workspace.current_snapshot() / "interactions.parquet").to_pandas()
    assert "new-1" in set(events["item_id"])
    assert report.problem_counts["unknown_item"] == 1
    assert "1 products that were added in Longtail stay with the shop" in report.files[0].notes
