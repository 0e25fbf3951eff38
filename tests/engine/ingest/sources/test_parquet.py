from __future__ import annotations

import datetime
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import InputError
from engine.ingest.sources import ROW, packed, parquet
from tests.support.staged_files import staged


def repeated(text: str, count: int) -> pa.Array:
    """The same text many times, stored once."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array([text]))


def test_types_that_have_a_meaning_are_kept(tmp_path: Path) -> None:
    day = datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "text": pa.array(["a"], pa.large_string()),
            "coded": pa.array(["b"]).dictionary_encode(),
            "price": pa.array([Decimal("9.90")]),
            "id": pa.array([Decimal("12345678901234567890")], pa.decimal128(38, 0)),
            "n": pa.array([Decimal("12")], pa.decimal128(18, 0)),
            "when": pa.array([day], pa.timestamp("us", "UTC")),
            "tags": pa.array([["x", "y"]]).cast(pa.list_(pa.dictionary(pa.int32(), pa.string()))),
            "nested": [{"k": "v", "n": [{"z": 1}]}],
            "nothing": pa.nulls(1),
            "bytes": [b"as text"],
        }
    )
    pq.write_table(table, tmp_path / "items.parquet")
    assert staged(tmp_path / "items.parquet")[1] == [
        {
            **{ROW: 1, "text": "a", "coded": "b", "price": 9.9, "id": "12345678901234567890", "n": 12},
            **{"when": day, "tags": ["x", "y"]},
            **{"nested": '{"k":"v","n":[{"z":1}]}', "nothing": None, "bytes": "as text"},
        }
    ]


def test_columns_of_bytes_are_left_out_and_named(tmp_path: Path) -> None:
    table = pa.table({"id": ["a"], "image": [{"bytes": b"\x89PNG\xff", "path": "a.png"}], "hash": [b"\xff\xfe"]})
    pq.write_table(table, tmp_path / "items.parquet")
    source, rows, _ = staged(tmp_path / "items.parquet")
    assert rows == [{ROW: 1, "id": "a"}]
    assert source.notes == ("columns of bytes are left out: image, hash",)


def test_a_cell_that_is_too_long_is_refused_with_its_place(tmp_path: Path) -> None:
    table = pa.table({"id": ["a", "b", "c"], "text": ["x", "x", "x" * 2_000_000]})
    pq.write_table(table, tmp_path / "items.parquet")
    with pytest.raises(InputError, match=r"items\.parquet, row 3, field 'text': this cell holds 2,000,000 bytes"):
        staged(tmp_path / "items.parquet")


def test_a_row_that_nests_without_end_is_refused_before_it_is_written_out(tmp_path: Path) -> None:
    table = pa.table({"id": ["a"], "deep": [{"k": ["z" * 1_000] * 100_000}]})
    pq.write_table(table, tmp_path / "items.parquet", compression="zstd")
    with pytest.raises(InputError, match=r"row 1, field 'deep': this cell holds 100,000,000 bytes"):
        staged(tmp_path / "items.parquet")


def test_values_of_two_hundred_times_the_files_size_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "_FREE_BYTES", 1_000_000)
    pq.write_table(pa.table({"text": repeated("x" * 1_000, 5_000)}), tmp_path / "items.parquet")
    with pytest.raises(InputError, match="more than 200 times its size"):
        staged(tmp_path / "items.parquet")


def test_rows_are_written_out_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_BATCH_BYTES", 10_000)
    monkeypatch.setattr(parquet, "_CELL_BYTES", 2_000)
    table = pa.table({"id": [str(number) for number in range(500)], "text": repeated("x" * 1_000, 500)})
    pq.write_table(table, tmp_path / "items.parquet")
    _, rows, _ = staged(tmp_path / "items.parquet")
    assert [(row[ROW], row["id"]) for row in rows] == [(number + 1, str(number)) for number in range(500)]
    assert {row["text"] for row in rows} == {"x" * 1_000}


BOMB = """
import resource, sys
from pathlib import Path
from engine.core.errors import InputError
from engine.ingest.report import ProblemLog
from engine.ingest.sources import stage
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    stage(Path(sys.argv[1]), Path(sys.argv[2]), ProblemLog())
except InputError as exc:
    print(exc.row, exc.field, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_small_file_of_huge_texts_needs_little_memory(tmp_path: Path) -> None:
    table = pa.table({"id": [str(number) for number in range(1_500)], "text": repeated("x" * 2_000_000, 1_500)})
    pq.write_table(table, tmp_path / "bomb.parquet")
    (tmp_path / "staging").mkdir()
    command = [sys.executable, "-c", BOMB, str(tmp_path / "bomb.parquet"), str(tmp_path / "staging")]
    row, field, megabytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert (row, field) == ("1", "text")
    assert int(megabytes) < 300
