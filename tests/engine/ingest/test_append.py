from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from engine.catalogue.interactions import read_interactions
from engine.catalogue.product import Product
from engine.catalogue.snapshot import event_files, read_aliases, read_shop
from engine.core.errors import InputError, NoDataError
from engine.core.settings import InteractionSettings
from engine.core.workspace import Workspace
from engine.edits.apply_to_catalogue import apply_to_catalogue
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore
from engine.ingest.append import append
from engine.ingest.appended_events import add_events
from engine.ingest.locations import Location
from engine.ingest.pipeline import ingest
from engine.store import Database

ITEMS = "code,label,price,colour,tags\n" + "".join(
    f"p{n},Dress {n},{n}.5,{'red' if n % 2 else 'blue'},{'silk|long' if n % 2 else 'silk|short'}\n" for n in range(1, 7)
)
EVENTS = "who,what,event_type,qty,date\n" + "".join(
    f"u{n % 4},p{n % 6 + 1},view,1,2024-01-{n % 9 + 10}\n" for n in range(24)
)
MAPPING = {"items.item_id": "code", "items.title": "label", "user_id": "who", "interactions.item_id": "what"}


@pytest.fixture
def shop(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Six products, 24 events of four shoppers, and columns that nobody would guess."""
    ingest(
        workspace, items=file(tmp_path, ITEMS), interactions=file(tmp_path, EVENTS), mapping=MAPPING, name="Corner shop"
    )
    return workspace


def file(folder: Path, text: str) -> Path:
    path = folder / f"file-{len(list(folder.iterdir()))}.csv"
    path.write_text(text)
    return path


def new_events(folder: Path, *rows: str) -> Path:
    return file(folder, "\n".join(["who,what,event_type,qty,date", *rows]) + "\n")


def all_events(workspace: Workspace) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(path) for path in event_files(workspace.current_snapshot())], ignore_index=True)


def test_a_days_events_join_those_of_the_shop_by_the_rules_it_was_loaded_with(shop: Workspace, tmp_path: Path) -> None:
    before, first = all_events(shop), event_files(shop.current_snapshot())[0]
    report = append(
        shop, interactions=new_events(tmp_path, "u9,p1,add_to_cart,2,2024-02-01", "u1,p2,view,1,2024-02-01")
    )
    after = all_events(shop)
    pd.testing.assert_frame_equal(after.iloc[:24], before)
    assert after.iloc[24:].values.tolist() == [
        ["u1", "p2", "view", 1.0, 1706745600],
        ["u9", "p1", "cart", 2.0, 1706745600],
    ]
    assert (report.n_items, report.n_events, report.n_users) == (6, 26, 5)
    assert report.appended is not None
    assert (report.appended.new_events, report.appended.new_products) == (2, 0)
    assert event_files(shop.current_snapshot())[0].stat().st_ino == first.stat().st_ino
    assert read_shop(shop).name == "Corner shop"
    counted = read_interactions(shop, read_shop(shop).items["item_id"].tolist(), InteractionSettings())
    assert "u9" in counted.user_ids


def test_what_is_appended_twice_counts_once_and_repeats_in_a_file_stay(shop: Workspace, tmp_path: Path) -> None:
    day = new_events(
        tmp_path, *["u9,p1,view,1,2024-02-01 10:00:00"] * 3, "u9,p2,view,1,2024-02-01", "u0,p1,view,1,2024-01-10"
    )
    for expected in ((4, 1), (0, 5)):
        report = append(shop, interactions=day)
        assert report.appended is not None
        assert (report.appended.new_events, report.appended.known_events) == expected
        assert len(all_events(shop)) == 28
    assert "5 of the events were in the shop already and count once" in report.files[0].notes
    longer = new_events(tmp_path, *["u9,p1,view,1,2024-02-01 10:00:00"] * 5)
    assert append(shop, interactions=longer).n_events == 30


def test_where_nothing_is_new_the_snapshot_stays(shop: Workspace, tmp_path: Path) -> None:
    before = shop.current_snapshot()
    report = append(shop, items=file(tmp_path, ITEMS), interactions=file(tmp_path, EVENTS))
    assert report.appended is not None
    assert report.appended.is_nothing
    assert shop.current_snapshot() == before
    assert report.snapshot_id == before.name


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("times", [(1, 2, 3, -1), (2,), (2, 3), (-1,), (1, -1)])
def test_events_that_arrive_are_a_multiset(tmp_path: Path, repeated: bool, times: tuple[int, ...]) -> None:
    """Against counts in pandas, on rows of few values with nulls among them; those of other times than arrived stay."""

    rng = np.random.default_rng(3)

    def rows(n: int, times: tuple[int, ...] = (1, 2, 3, -1)) -> pd.DataFrame:
        columns = {
            "user_id": rng.choice(["u1", "u2"], n),
            "item_id": rng.choice(["a", "b"], n),
            "event": rng.choice(["view", None], n),
            "value": rng.choice([1.0, np.nan], n),
            "timestamp": pd.array(rng.choice(times, n), dtype="Int64"),
        }
        frame = pd.DataFrame(columns)
        frame["timestamp"] = frame["timestamp"].mask(frame["timestamp"] < 0)
        return frame

    held, arrived = [rows(40), rows(40)], rows(60, times)
    if repeated:
        arrived = held[0][held[0]["timestamp"].fillna(-1).isin(times)]
    for name, frame in (("a", held[0]), ("b", held[1]), ("new", arrived)):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    with duckdb.connect() as connection:
        parts = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
        added = add_events(connection, parts, tmp_path / "new.parquet", tmp_path)
    counts = [frame.value_counts(dropna=False) for frame in (pd.concat(held), arrived)]
    wanted = counts[0].combine(counts[1], max, fill_value=0)
    found = pd.concat([pd.read_parquet(path) for path in added.files]).value_counts(dropna=False)
    pd.testing.assert_series_equal(found.sort_index(), wanted.sort_index(), check_dtype=False, check_index_type=False)
    assert (added.n_new, added.n_new + added.n_known) == (int(wanted.sum()) - 80, len(arrived))


def test_many_small_appends_leave_few_files(shop: Workspace, tmp_path: Path) -> None:
    for day in range(1, 13):
        append(
            shop, interactions=new_events(tmp_path, f"u1,p1,view,1,2024-03-{day:02}", f"u2,p1,view,1,2024-03-{day:02}")
        )
    assert len(all_events(shop)) == 24 + 24
    assert len(event_files(shop.current_snapshot())) <= 4


def test_a_changed_product_keeps_what_its_file_lacks(shop: Workspace, tmp_path: Path) -> None:
    report = append(shop, items=file(tmp_path, "code,price,COLOUR,size\np2,99,green,XL\np7,5,red,M\np1,1.5,red,S\n"))
    items = read_shop(shop).items.set_index("item_id")
    assert items.index.tolist() == ["p1", "p2", "p3", "p4", "p5", "p6", "p7"]
    assert items.loc["p2", ["title", "price", "colour", "tags"]].tolist() == [
        "Dress 2",
        99.0,
        "green",
        ["silk", "short"],
    ]
    assert items.loc["p7", ["price", "colour"]].tolist() == [5.0, "red"]
    assert items.loc["p7", ["title", "tags"]].isna().all()
    assert report.appended is not None
    assert (report.appended.new_products, report.appended.changed_products) == (1, 1)
    assert read_shop(shop).attribute_kinds == {"colour": "category", "tags": "multi"}
    assert report.files[0].columns["size"].startswith("left out: the shop has no such attribute")
    assert any("size" in note and "load all its products again" in note for note in report.files[0].notes)


def test_an_attribute_keeps_its_kind_whatever_a_few_values_look_like(shop: Workspace, tmp_path: Path) -> None:
    append(shop, items=file(tmp_path, "code,colour,tags\np1,7,wool\np2,8,\n"))
    items = read_shop(shop).items.set_index("item_id")
    assert items.loc["p1", ["colour", "tags"]].tolist() == ["7", ["wool"]]
    assert items.loc["p2", "tags"] is None
    assert read_shop(shop).attribute_kinds["colour"] == "category"


def test_pictures_stay_until_another_one_comes(workspace: Workspace, tmp_path: Path) -> None:
    for name, colour in (("old", "red"), ("new", "blue")):
        (tmp_path / name).mkdir()
        for item in ("p1", "p2") if name == "old" else ("p2",):
            Image.new("RGB", (20, 20), colour).save(tmp_path / name / f"{item}.png")
    items, events = file(tmp_path, ITEMS), file(tmp_path, EVENTS)
    ingest(workspace, items=items, interactions=events, images=tmp_path / "old", mapping=MAPPING)
    before = read_shop(workspace).items["image"]
    append(workspace, items=file(tmp_path, "code,label\np1,One\np2,Two\n"), images=tmp_path / "new")
    after = read_shop(workspace).items
    assert after["title"].tolist()[:2] == ["One", "Two"]
    assert after["image"][0] == before[0]
    assert after["image"][1] not in (None, before[1])
    assert workspace.image_file(after["image"][1]).is_file()
    with pytest.raises(InputError, match="Name these with --items"):
        append(workspace, interactions=events, images=tmp_path / "new")


def test_changes_hold_field_by_field(shop: Workspace, tmp_path: Path) -> None:
    database = Database(shop.database_url)
    changes = ChangeStore(database, shop)
    loaded = read_shop(shop)
    now = Product.of_row(loaded.items.iloc[0], loaded.attribute_kinds)
    changes.save("p1", now, now.with_fields({"title": "Ours"}), None, 0)
    append(shop, items=file(tmp_path, "code,price\np1,77\n"))
    assert apply_to_catalogue(shop, DraftStore(database, shop), changes).changed == ["p1"]
    assert read_shop(shop).items.loc[0, ["title", "price"]].tolist() == ["Ours", 77.0]
    append(
        shop,
        items=file(tmp_path, "code,label\np1,Theirs\n"),
        interactions=new_events(tmp_path, "u9,p1,view,1,2024-02-01"),
    )
    assert apply_to_catalogue(shop, DraftStore(database, shop), changes).changed == []
    assert read_shop(shop).items.loc[0, "title"] == "Theirs"
    assert len(all_events(shop)) == 25
    database.close()


def test_drafts_that_are_approved_come_along_and_their_events_count(shop: Workspace, tmp_path: Path) -> None:
    def drafts(kinds: object, known: object) -> pd.DataFrame:
        assert kinds == {"colour": "category", "tags": "multi"}
        return pd.DataFrame({"item_id": ["draft-1"], "title": ["New here"]})

    report = append(shop, interactions=new_events(tmp_path, "u1,draft-1,view,1,2024-02-01"), added=drafts)
    assert (report.n_items, report.n_events) == (7, 25)
    assert read_shop(shop).items["title"].tolist()[-1] == "New here"


def test_events_of_products_that_the_shop_lacks_are_refused_as_in_a_load(shop: Workspace, tmp_path: Path) -> None:
    before = shop.current_snapshot()
    day = new_events(tmp_path, "u1,p1,view,1,2024-02-01", "u1,nonesuch,view,1,2024-02-01")
    with pytest.raises(InputError, match=r"(?s)allows no problem.*no product of this shop has this id"):
        append(shop, interactions=day, strict=True)
    assert shop.current_snapshot() == before
    report = append(shop, interactions=day)
    assert report.problem_counts == {"unknown_item": 1}
    assert (report.files[0].read, report.files[0].kept, report.files[0].rejected) == (2, 1, 1)


def test_a_shop_made_from_events_gets_the_products_that_new_events_name(workspace: Workspace, tmp_path: Path) -> None:
    ingest(workspace, interactions=file(tmp_path, "user_id,item_id,title,price\nu1,a,Old,1\nu2,b,Other,2\n"))
    append(workspace, interactions=file(tmp_path, "user_id,item_id,title,price\nu1,a,New,9\nu2,c,Third,3\n"))
    items = read_shop(workspace).items
    assert items[["item_id", "title", "price"]].values.tolist() == [
        ["a", "Old", 1.0],
        ["b", "Other", 2.0],
        ["c", "Third", 3.0],
    ]
    assert len(all_events(workspace)) == 3


def test_events_that_name_products_by_another_column_still_do(workspace: Workspace, tmp_path: Path) -> None:
    items = "product_id,sku,title\n" + "".join(f"{n},SKU-{n},Title {n}\n" for n in range(10))
    events = "user_id,sku,timestamp\n" + "".join(f"u{n % 5},SKU-{n % 10},2024-01-01\n" for n in range(40))
    ingest(workspace, items=file(tmp_path, items), interactions=file(tmp_path, events))
    assert "sku" in read_aliases(workspace.current_snapshot())
    database = Database(workspace.database_url)
    changes, loaded = ChangeStore(database, workspace), read_shop(workspace)
    now = Product.of_row(loaded.items.iloc[0], loaded.attribute_kinds)
    changes.save("0", now, now.with_fields({"title": "Ours"}), None, 0)
    assert apply_to_catalogue(workspace, DraftStore(database, workspace), changes).changed == ["0"]
    database.close()
    report = append(workspace, interactions=file(tmp_path, "user_id,sku,timestamp\nu1,SKU-3,2024-02-01\n"))
    assert all_events(workspace)["item_id"].tolist()[-1] == "3"
    more = "product_id,sku,title\n77,SKU-77,New\n"
    report = append(
        workspace,
        items=file(tmp_path, more),
        interactions=file(tmp_path, "user_id,sku,timestamp\nu1,SKU-77,2024-02-01\nu1,SKU-4,2024-02-01\n"),
    )
    assert report.problem_counts == {}
    assert set(all_events(workspace)["item_id"].tolist()[-2:]) == {"77", "4"}


def test_ratings_do_not_join_quantities(shop: Workspace, tmp_path: Path) -> None:
    ratings = file(tmp_path, "who,what,rating,date\nu1,p1,5,2024-02-01\n")
    with pytest.raises(InputError, match="the shop's events have a quantity, and these have a rating"):
        append(shop, interactions=ratings)
    append(shop, interactions=ratings, mapping={"rating": ""})
    assert len(all_events(shop)) == 25


def test_values_join_a_shop_that_had_none(workspace: Workspace, tmp_path: Path) -> None:
    ingest(workspace, interactions=file(tmp_path, "user_id,item_id\nu1,a\nu2,b\n"))
    append(workspace, interactions=file(tmp_path, "user_id,item_id,quantity\nu1,a,3\n"))
    assert read_shop(workspace).info["value_kind"] == "quantity"
    assert all_events(workspace)["value"].tolist()[-1] == 3.0


def test_a_query_for_the_last_day_is_appended(shop: Workspace, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE log (who, what, event_type, qty, date)")
        connection.execute(
            "INSERT INTO log VALUES ('u1', 'p1', 'view', 1, '2024-02-01'), ('u1', 'p1', 'view', 1, '2020-01-01')"
        )
    query = "SELECT * FROM log WHERE date > '2024-01-31'"
    report = append(shop, interactions=Location((f"sqlite:///{tmp_path}/shop.db",), query))
    assert report.n_events == 25


def test_there_must_be_a_shop_and_something_to_append(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing was given to append"):
        append(workspace)
    with pytest.raises(NoDataError):
        append(workspace, interactions=file(tmp_path, EVENTS))


CHILD = """
import sys, time
from pathlib import Path
from engine.core.workspace import Workspace
from engine.ingest.append import append

def progress(step, done, message=""):
    if step == "Saving the shop":
        print(step, flush=True)
        time.sleep(60)

append(Workspace(Path(sys.argv[1])), interactions=Path(sys.argv[2]), progress=progress)
"""


@pytest.mark.slow
def test_a_killed_append_leaves_the_old_shop(shop: Workspace, tmp_path: Path) -> None:
    before, events = shop.current_snapshot(), all_events(shop)
    day = new_events(tmp_path, "u9,p1,view,1,2024-02-01")
    command = [sys.executable, "-c", CHILD, str(shop.root), str(day)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().strip() == "Saving the shop"
        process.send_signal(signal.SIGKILL)
    assert shop.current_snapshot() == before
    pd.testing.assert_frame_equal(all_events(shop), events)
    assert append(shop, interactions=day).n_events == 25
    assert not list(shop.root.glob(".ingest-*"))


def test_dates_and_numbers_that_could_be_two_things_are_read_as_in_the_shops_own_files(
    workspace: Workspace, tmp_path: Path
) -> None:
    header = "user_id,item_id,event,price,date\n"
    ingest(workspace, interactions=file(tmp_path, f'{header}u1,p1,purchase,"1.299,50",01/31/2024\n'))
    append(workspace, interactions=file(tmp_path, f"{header}u2,p1,purchase,1.299,02/01/2024\n"))
    assert sorted(all_events(workspace)["timestamp"]) == [1_706_659_200, 1_706_745_600]
    said = read_shop(workspace).info["loaded_with"]["formats"]
    assert said == {"numbers.price": "comma", "dates.date": "month-first"}


def test_numbers_and_dates_are_read_as_in_the_files_that_the_shop_was_loaded_from(
    workspace: Workspace, tmp_path: Path
) -> None:
    items = "item_id;title;price\n" + "".join(f"p{n};Dress {n};{n},95\n" for n in range(1, 9)) + "p9;Coat;1.299,00\n"
    days = ["03/05/2024", "25/05/2024"]
    events = "user_id;item_id;date\n" + "".join(f"u{n % 4};p{n % 9 + 1};{days[n % 2]}\n" for n in range(30))
    ingest(workspace, items=file(tmp_path, items), interactions=file(tmp_path, events))
    day = "user_id;item_id;date\nu1;p1;04/06/2024\nu2;p1;04/06/2024\n"
    append(workspace, items=file(tmp_path, "item_id;price\np1;1.499\np2;2.099\n"), interactions=file(tmp_path, day))
    assert read_shop(workspace).items["price"].tolist()[:2] == [1499.0, 2099.0]
    assert all_events(workspace)["timestamp"].tolist()[-1] == pd.Timestamp("2024-06-04").timestamp()
    append(workspace, interactions=file(tmp_path, day.replace("04/06", "05/06")), mapping={"dates": "month-first"})
    assert all_events(workspace)["timestamp"].tolist()[-1] == pd.Timestamp("2024-05-06").timestamp()


def test_single_properties_change_and_the_others_stay(workspace: Workspace, tmp_path: Path) -> None:
    header = "timestamp,itemid,property,value\n"
    rows = [
        f"1431226800000,{n},{name},{value}"
        for n in range(1, 9)
        for name, value in (("888", f"a{n % 2}"), ("283", f"b{n % 2}"))
    ]
    events = "timestamp,visitorid,event,itemid,transactionid\n" + "".join(
        f"{1433221332117 + n},{n % 3},view,{n % 8 + 1},\n" for n in range(30)
    )
    ingest(workspace, items=file(tmp_path, header + "\n".join(rows) + "\n"), interactions=file(tmp_path, events))
    before = read_shop(workspace).items.set_index("item_id")
    changed = "1431831600000,1,888,a0\n1431831600000,2,283,b1\n"
    append(workspace, items=file(tmp_path, header + changed))
    after = read_shop(workspace).items.set_index("item_id")
    assert after.loc["1", "888"] == "a0"
    assert after.loc["1", "283"] == before.loc["1", "283"]
    assert after.loc["2", ["888", "283"]].tolist() == [before.loc["2", "888"], "b1"]


def test_a_refund_that_arrives_later_takes_the_earlier_purchase_back(shop: Workspace, tmp_path: Path) -> None:
    append(shop, interactions=new_events(tmp_path, "u8,p1,purchase,2,2024-02-01", "u9,p1,purchase,2,2024-02-01"))
    append(shop, interactions=new_events(tmp_path, "u8,p1,refund,1,2024-02-03", "u9,p1,refund,2,2024-02-03"))
    ids = read_shop(shop).items["item_id"].tolist()
    counted = read_interactions(shop, ids, InteractionSettings())
    assert "u9" not in counted.user_ids
    assert counted.user_items[counted.user_ids.tolist().index("u8"), ids.index("p1")] == 5.0


def test_an_address_that_arrives_later_is_the_shopper_it_was(shop: Workspace, tmp_path: Path) -> None:
    append(shop, interactions=new_events(tmp_path, "Ada@example.com,p1,view,1,2024-02-01"))
    append(shop, interactions=new_events(tmp_path, "ada@example.com,p2,view,1,2024-02-02"))
    assert all_events(shop)["user_id"].nunique() == 5
    assert not all_events(shop)["user_id"].str.contains("@").any()
