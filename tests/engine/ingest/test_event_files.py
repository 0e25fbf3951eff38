from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engine.catalogue.interactions import open_duckdb
from engine.catalogue.snapshot import EVENT_SCHEMA
from engine.core.errors import StorageError
from engine.ingest import event_files, room
from engine.ingest.event_files import write_events
from engine.ingest.room import require_disk

ROWS = (
    "(SELECT 'u' || range % 3 AS user_id, 'p' || range AS item_id, NULL::VARCHAR AS event, range::DOUBLE AS value,"
    " range AS timestamp, 'more' AS more FROM range({n}))"
)


def test_events_are_written_in_order_with_ids_as_dictionaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_files, "_GROUP_ROWS", 40)
    monkeypatch.setattr(event_files, "_BATCH_ROWS", 20)
    file = tmp_path / "events.parquet"
    with open_duckdb(str(tmp_path)) as connection:
        assert write_events(connection, ROWS.format(n=5_000), file) == 5_000
        assert write_events(connection, ROWS.format(n=0), tmp_path / "none.parquet") == 0
    table = pq.read_table(file)
    assert table.schema.equals(EVENT_SCHEMA)
    assert table["timestamp"].to_pylist() == list(range(5_000))
    assert table["user_id"].to_pylist()[:4] == ["u0", "u1", "u2", "u0"]
    assert table["event"].null_count == 5_000
    group = pq.read_metadata(file).row_group(0)
    assert group.num_rows == 40
    assert group.column(0).has_dictionary_page
    assert "DELTA_BINARY_PACKED" in group.column(4).encodings
    assert pq.read_metadata(tmp_path / "none.parquet").num_rows == 0


def test_groups_of_long_ids_have_fewer_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_files, "_GROUP_BYTES", 50_000)
    monkeypatch.setattr(event_files, "_BATCH_ROWS", 100)
    file = tmp_path / "events.parquet"
    with open_duckdb(str(tmp_path)) as connection:
        connection.execute(
            f"CREATE VIEW long AS SELECT * REPLACE (repeat(item_id, 100) AS item_id) FROM {ROWS.format(n=2_000)}"
        )
        write_events(connection, "long", file)
    sizes = [pq.read_metadata(file).row_group(group).num_rows for group in range(pq.read_metadata(file).num_row_groups)]
    assert sum(sizes) == 2_000
    assert len(sizes) > 5


def test_a_disk_too_small_for_a_file_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "events.csv"
    file.write_bytes(b"x" * 1_000)
    monkeypatch.setattr(room, "disk_usage", lambda _: namedtuple("Usage", "free")(3_000))
    require_disk([file], tmp_path)
    with pytest.raises(StorageError, match="--workspace"):
        require_disk([file, file], tmp_path)
