from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from engine.core.errors import InputError
from engine.core.workspace import Workspace
from engine.ingest.locations import Location, as_location, fetch
from engine.ingest.pipeline import ingest


def files(directory: Path, *places: str | Path) -> list[Path]:
    return fetch(as_location(list(places)), directory / "new", lambda done, message: None).paths


def names(directory: Path, *places: str | Path) -> list[str]:
    return [path.name for path in files(directory, *places)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    for name in (
        "orders-1.csv",
        "orders-10.csv",
        "orders-2.csv",
        "other.csv",
        "older/orders-0.csv",
        "_SUCCESS",
        ".x.crc",
    ):
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text("a,b\n1,2\n")
    return folder


def test_paths_patterns_and_folders_are_files_in_order(folder: Path, tmp_path: Path) -> None:
    assert names(tmp_path, folder / "other.csv", folder / "orders-2.csv") == ["other.csv", "orders-2.csv"]
    assert names(tmp_path, folder / "orders-*.csv") == ["orders-1.csv", "orders-10.csv", "orders-2.csv"]
    assert names(tmp_path, folder / "**" / "orders-[01].csv") == ["orders-0.csv", "orders-1.csv"]
    assert names(tmp_path, folder) == ["orders-0.csv", "orders-1.csv", "orders-10.csv", "orders-2.csv", "other.csv"]
    assert not (tmp_path / "new").exists()


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    for name in ("orders[1].csv", "orders1.csv"):
        (tmp_path / name).write_text("a\n1\n")
    assert names(tmp_path, tmp_path / "orders[1].csv") == ["orders[1].csv"]


def test_what_is_not_there_or_counts_twice_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for places, sentence in (
        ([folder / "nothing.csv"], "nothing.csv: there is no such file"),
        ([folder / "nothing-*.csv"], "no file has a name like this"),
        ([tmp_path / "empty"], "the folder has no files"),
        ([folder / "other.csv", folder / "o*.csv"], "other.csv: this file is named twice"),
    ):
        with pytest.raises(InputError, match=sentence):
            files(tmp_path, *places)


def test_partitioned_parquet_keeps_the_columns_in_its_folders_names(tmp_path: Path) -> None:
    table = pa.table(
        {"id": [1, 2, 3, 4], "day": ["2024-01-02", "2024-01-01", "2024-01-02", "007"], "shop": list("xxyy")}
    )
    root = tmp_path / "events.parquet"
    pyarrow.dataset.write_dataset(
        table, root, format="parquet", partitioning=["day", "shop"], partitioning_flavor="hive"
    )
    (root / "_SUCCESS").touch()
    (path,) = files(tmp_path, root)
    assert path.name == "events.parquet"
    found = pq.read_table(path).sort_by("id")
    assert found.column("id").to_pylist() == [1, 2, 3, 4]
    assert [str(day) for day in found.column("day").to_pylist()] == ["2024-01-02", "2024-01-01", "2024-01-02", "007"]
    assert found.column("shop").to_pylist() == list("xxyy")


def test_a_column_that_came_later_is_empty_in_earlier_partitions(tmp_path: Path) -> None:
    for day, table in (("1", pa.table({"id": [1]})), ("2", pa.table({"id": [2], "price": [9.5]}))):
        (tmp_path / "events" / f"day={day}").mkdir(parents=True)
        pq.write_table(table, tmp_path / "events" / f"day={day}" / "part-0.parquet")
    (path,) = files(tmp_path, tmp_path / "events")
    assert pq.read_table(path).sort_by("id").to_pydict() == {"id": [1, 2], "price": [None, 9.5], "day": ["1", "2"]}


@pytest.mark.parametrize("place", ["events", "events/part-*.parquet"])
def test_many_parts_of_one_table_are_one_table(tmp_path: Path, place: str) -> None:
    (tmp_path / "events").mkdir()
    for part in range(25):
        columns = {"id": [2 * part, 2 * part + 1], "shop": ["a", "b"]}
        pq.write_table(pa.table(columns), tmp_path / "events" / f"part-{part:05}.snappy.parquet")
    fetched = fetch(as_location(str(tmp_path / place)), tmp_path / "new", lambda done, message: None)
    assert [path.name for path in fetched.paths] == ["events.parquet"]
    assert fetched.notes == ["25 files are parts of one table"]
    assert pq.read_table(fetched.paths[0]).column("id").to_pylist() == list(range(50))


def test_files_of_other_columns_or_damaged_ones_are_no_parts(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    for part in range(25):
        pq.write_table(pa.table({"id": [part]}), tmp_path / "events" / f"part-{part:05}.parquet")
    pq.write_table(pa.table({"other": [1]}), tmp_path / "events" / "part-00024.parquet")
    assert len(files(tmp_path, tmp_path / "events")) == 25
    (tmp_path / "events" / "part-00024.parquet").write_bytes(b"PAR1 and nothing else")
    assert len(files(tmp_path, tmp_path / "events")) == 25


def test_folders_that_are_no_plain_table_are_refused(tmp_path: Path) -> None:
    csv, uneven, delta = tmp_path / "csv", tmp_path / "uneven", tmp_path / "delta"
    for path in (csv / "day=1" / "a.csv", uneven / "day=1" / "a.parquet", uneven / "b.parquet", delta / "a.parquet"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"PAR1")
    (delta / "_delta_log").mkdir()
    for folder, sentence in (
        (csv, r"folders called day=\.\.\. are read if they hold Parquet, but day=1/a.csv"),
        (uneven, r"day=1/a.parquet lies in folders for day, and b.parquet in folders for no column"),
        (delta, "Delta or Iceberg table"),
    ):
        with pytest.raises(InputError, match=sentence):
            files(tmp_path, folder)


def test_a_query_needs_a_database_and_a_database_stands_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the place is a file"):
        Location((str(tmp_path / "a.csv"),), "SELECT 1")
    with pytest.raises(InputError, match="beside other places"):
        Location(("sqlite:///a.db", "b.csv"))


def test_a_shop_is_loaded_from_several_files_at_once(workspace: Workspace, tmp_path: Path) -> None:
    for day in (1, 2, 3):
        (tmp_path / f"orders-{day}.csv").write_text(
            "user_id,item_id,timestamp\n" + "".join(f"u{n},p{n % 2},2024-01-0{day}\n" for n in range(4))
        )
    (tmp_path / "items.csv").write_text("item_id,title\np0,Nought\np1,One\n")
    report = ingest(workspace, items=tmp_path / "items.csv", interactions=str(tmp_path / "orders-*.csv"))
    assert (report.n_items, report.n_events) == (2, 12)
    assert report.files[1].name == "orders-1.csv and 2 more files"
