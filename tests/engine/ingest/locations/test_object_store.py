from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
import pytest

from engine.core.errors import InputError
from engine.core.workspace import Workspace
from engine.ingest.locations import Fetched, as_location, fetch, object_store, objects
from engine.ingest.pipeline import ingest

EVENTS = "user_id,item_id,timestamp\n" + "".join(f"u{n},p{n % 3},2024-01-0{n % 9 + 1}\n" for n in range(30))


def put(store: pyarrow.fs.FileSystem, path: str, data: bytes | str) -> None:
    with store.open_output_stream(path, compression=None) as stream:
        stream.write(data.encode() if isinstance(data, str) else data)


def get(directory: Path, *places: str) -> Fetched:
    return fetch(as_location(list(places)), directory, lambda done, message: None)


def contents(directory: Path, *places: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in get(directory, *places).paths}


def test_files_patterns_and_folders_of_a_bucket_are_downloaded(s3: pyarrow.fs.FileSystem, tmp_path: Path) -> None:
    for name in ("orders-1.csv.gz", "orders-2.csv.gz", "other.csv", "old/orders-0.csv.gz", "_SUCCESS"):
        put(s3, f"shop/export/{name}", name)
    both = {name: name.encode() for name in ("orders-1.csv.gz", "orders-2.csv.gz")}
    assert contents(tmp_path / "a", "s3://shop/export/other.csv") == {"other.csv": b"other.csv"}
    assert contents(tmp_path / "b", "s3://shop/export/orders-*.csv.gz") == both
    assert contents(tmp_path / "c", "s3://shop/export/orders-?.csv.gz") == both
    assert contents(tmp_path / "d", "s3://shop/**/orders-*") == both | {"orders-0.csv.gz": b"old/orders-0.csv.gz"}
    assert set(contents(tmp_path / "e", "s3://shop/export/")) == {*both, "orders-0.csv.gz", "other.csv"}
    fetched = get(tmp_path / "f", "s3://shop/export/other.csv", "s3://shop/export/orders-1.csv.gz")
    assert [path.name for path in fetched.paths] == ["other.csv", "orders-1.csv.gz"]
    assert fetched.notes == ["read from s3://shop/export/other.csv", "read from s3://shop/export/orders-1.csv.gz"]


def test_a_folder_of_partitions_is_one_table(s3: pyarrow.fs.FileSystem, tmp_path: Path) -> None:
    for day in ("2024-01-01", "2024-01-02"):
        buffer = io.BytesIO()
        pq.write_table(pa.table({"id": [day[-1]]}), buffer)
        put(s3, f"shop/events/day={day}/part-0.parquet", buffer.getvalue())
    (path,) = get(tmp_path, "s3://shop/events").paths
    assert pq.read_table(path).to_pydict() == {"id": ["1", "2"], "day": ["2024-01-01", "2024-01-02"]}


def test_a_shop_moves_in_from_a_bucket(s3: pyarrow.fs.FileSystem, workspace: Workspace) -> None:
    put(s3, "shop/items.csv", "item_id,title\np0,Nought\np1,One\np2,Two\n")
    for part in range(2):
        put(s3, f"shop/events-{part}.csv.gz", gzip.compress(EVENTS.replace("\nu", f"\nu{part}").encode()))
    report = ingest(workspace, items="s3://shop/items.csv", interactions="s3://shop/events-*.csv.gz")
    assert (report.n_items, report.n_events) == (3, 60)
    stored = json.loads((workspace.current_snapshot() / "report.json").read_text())
    assert "read from s3://shop/events-*.csv.gz" in stored["files"][1]["notes"]
    written = b"".join(path.read_bytes() for path in workspace.root.rglob("*") if path.is_file())
    assert b"geheim" not in written
    assert b"AKIAEXAMPLE" not in written
    assert not list(workspace.root.glob(".ingest-*"))


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The connection breaks after each portion of four bytes; the offsets at which reading began."""
    began: list[int] = []
    whole = object_store.ArrowFSWrapper.open

    class Once:
        def __init__(self, file: Any):
            self.file, self.reads = file, 0

        def __enter__(self) -> Once:
            return self

        def __exit__(self, *error: object) -> None:
            self.file.close()

        def seek(self, offset: int) -> None:
            began.append(offset)
            self.file.seek(offset)

        def read(self, size: int) -> bytes:
            self.reads += 1
            if self.reads > 1:
                raise OSError("AWS Error NETWORK_CONNECTION during GetObject operation: curlCode: 56")
            return bytes(self.file.read(size))

    monkeypatch.setattr(objects, "PORTION", 4)
    monkeypatch.setattr(objects, "_PAUSE", 0.0)
    monkeypatch.setattr(object_store.ArrowFSWrapper, "open", lambda *given, **more: Once(whole(*given, **more)))
    return began


def test_a_download_that_breaks_off_goes_on_where_it_stopped(
    s3: pyarrow.fs.FileSystem, tmp_path: Path, breaking: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_TRIES", 5)
    put(s3, "shop/a.csv", "0123456789abc")
    assert contents(tmp_path, "s3://shop/a.csv") == {"a.csv": b"0123456789abc"}
    assert breaking == [0, 4, 8, 12, 13]


def test_half_a_download_is_never_used(s3: pyarrow.fs.FileSystem, workspace: Workspace, breaking: list[int]) -> None:
    put(s3, "shop/events.csv", EVENTS)
    with pytest.raises(InputError, match=r"s3://shop/events.csv: the store cannot be reached.*NETWORK_CONNECTION"):
        ingest(workspace, interactions="s3://shop/events.csv")
    assert breaking == [0, 4, 8, 12]
    assert not workspace.root.exists()


def test_a_file_that_is_replaced_while_it_is_read_is_refused(
    s3: pyarrow.fs.FileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PORTION", 4)
    put(s3, "shop/a.csv", "0123456789abc")
    replaced = []

    def replace(done: float, message: str) -> None:
        if not replaced:
            replaced.append(message)
            put(s3, "shop/a.csv", "new content, and longer")

    with pytest.raises(InputError, match=r"a.csv: the file was replaced"):
        fetch(as_location("s3://shop/a.csv"), tmp_path, replace)
    assert [path.name for path in tmp_path.rglob("*.csv")] == []


def test_what_the_store_lacks_or_refuses_is_a_sentence(
    s3: pyarrow.fs.FileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("s3://shop/none.csv", "s3://shop/none-*.csv", "s3://nobody/a.csv", "s3://nobody/*/a.csv"):
        with pytest.raises(InputError, match="there is no such") as caught:
            get(tmp_path, place)
        assert caught.value.file == place
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(InputError, match="the store cannot be reached"):
        get(tmp_path, "s3://shop/a.csv")


@pytest.mark.parametrize(
    "place", ["s3://AKIA:geheim@shop/a.csv", "gs://shop/a.csv?secret_key=geheim", "az://shop/a?sig=geheim"]
)
def test_an_address_with_credentials_is_refused_without_showing_them(place: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="credentials do not belong in an address") as caught:
        get(tmp_path, place)
    assert "geheim" not in str(caught.value)


def test_a_disk_without_room_is_told_before_anything_is_downloaded(
    s3: pyarrow.fs.FileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, "shop/a.csv", "0123456789abc")
    monkeypatch.setattr(object_store.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 12}))
    with pytest.raises(InputError, match=r"the files need 0\.0 GB"):
        get(tmp_path, "s3://shop/a.csv")
    assert not list(tmp_path.rglob("*.csv"))


def test_google_s_store_is_read_too(gcs: pyarrow.fs.FileSystem, tmp_path: Path) -> None:
    for name in ("a/orders-1.csv", "a/b/orders-2.csv", "a/other.csv"):
        put(gcs, f"shop/{name}", name)
    assert contents(tmp_path / "1", "gs://shop/a/orders-1.csv") == {"orders-1.csv": b"a/orders-1.csv"}
    assert set(contents(tmp_path / "2", "gs://shop/**/orders-*.csv")) == {"orders-1.csv", "orders-2.csv"}
    assert set(contents(tmp_path / "3", "gs://shop/a")) == {"orders-1.csv", "orders-2.csv", "other.csv"}
    with pytest.raises(InputError, match="there is no such file"):
        get(tmp_path / "4", "gs://shop/none.csv")
