from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.core.errors import InputError
from engine.core.exports import CSV, FORMATS, file_name, format_of, neutralised, write_table

DANGEROUS = [
    "=1+1", "+A1", "-2+3", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "﹦1", " =x", "\u200b=x", "\ufeff+x", "'=x",
]  # fmt: skip
HARMLESS = ["dress", "a=b", "'tis", "", "1-2", "é", "a; b", "a - b"]


@pytest.fixture
def feed() -> pd.DataFrame:
    return pd.DataFrame({"item_id": ["a", "=b"], "rank": [1, 2], "neighbour_id": ["c", "d"], "score": [0.5, -0.25]})


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_cells_that_a_spreadsheet_would_run_get_an_apostrophe_and_others_stay(dtype: str) -> None:
    cells = [*DANGEROUS, *HARMLESS]
    safe = neutralised(pd.DataFrame({"title": pd.Series(cells, dtype=dtype)}))
    assert safe["title"].tolist() == ["'" + cell for cell in DANGEROUS] + HARMLESS


def test_what_a_spreadsheet_reads_back_from_csv_never_begins_a_formula() -> None:
    table = pd.DataFrame({"=cmd": DANGEROUS, "n": np.arange(len(DANGEROUS))})
    rows = list(csv.reader(io.StringIO(CSV.to_bytes(table).decode(), newline="")))
    assert len(rows) == len(DANGEROUS) + 1
    assert all(row[0].startswith("'") for row in rows)


def test_a_line_break_inside_a_cell_begins_no_new_row() -> None:
    table = pd.DataFrame({"title": ["x\r=cmd", "y\n=cmd", "z\r\n=cmd"]})
    rows = list(csv.reader(io.StringIO(CSV.to_bytes(table).decode(), newline="")))
    assert rows == [["title"], ["x\r'=cmd"], ["y\n'=cmd"], ["z\r\n'=cmd"]]


def test_what_another_countrys_spreadsheet_takes_for_a_new_cell_is_guarded_too() -> None:
    table = pd.DataFrame({"title": ["x;=cmd", "y\t-2+3", "z; @sum", "one; two"]})
    assert neutralised(table)["title"].tolist() == ["x;'=cmd", "y\t'-2+3", "z;' @sum", "one; two"]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Spring coats 2026", "spring-coats-2026.csv"),
        ("../../etc/passwd", "etc-passwd.csv"),
        ('a"; filename="x.exe\r\nX: y', "a-filename-x-exe-x-y.csv"),
        ("\u202egpj.exe", "gpj-exe.csv"),
        ("<b>", "b.csv"),
        ("שמלות קיץ", "שמלות-קיץ.csv"),
        ("…", "longtail-file.csv"),
        ("CON", "longtail-con.csv"),
        ("x" * 500, "x" * 60 + ".csv"),
    ],
)
def test_names_of_files_hold_letters_and_digits_alone(words: str, name: str) -> None:
    assert file_name(words, ".csv") == name


def test_numbers_and_missing_cells_stay_as_they_are() -> None:
    table = pd.DataFrame({"score": [-0.5, np.nan], "title": pd.Series(["-x", None], dtype="str"), "mixed": [-3, "=y"]})
    safe = neutralised(table)
    assert safe["score"].tolist()[0] == -0.5
    assert safe["title"].isna().tolist() == [False, True]
    assert safe["mixed"].tolist() == [-3, "'=y"]


def test_the_table_that_is_exported_is_not_changed(feed: pd.DataFrame) -> None:
    CSV.to_bytes(feed)
    assert feed["item_id"].tolist() == ["a", "=b"]


def test_parquet_and_json_lines_keep_every_value(feed: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("feed.parquet", "feed.jsonl", "feed.NDJSON"):
        write_table(feed, tmp_path / name)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "feed.parquet"), feed)
    for name in ("feed.jsonl", "feed.NDJSON"):
        lines = [json.loads(line) for line in (tmp_path / name).read_text("utf-8").splitlines()]
        assert lines == feed.to_dict("records")


def test_an_empty_table_keeps_its_columns(feed: pd.DataFrame, tmp_path: Path) -> None:
    write_table(feed.head(0), tmp_path / "feed.csv")
    assert (tmp_path / "feed.csv").read_bytes() == b"item_id,rank,neighbour_id,score\r\n"
    write_table(feed.head(0), tmp_path / "feed.parquet")
    assert list(pd.read_parquet(tmp_path / "feed.parquet").columns) == list(feed.columns)


def test_a_file_of_another_kind_is_refused_by_name(feed: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"feed\.xlsx.*\.csv, \.parquet"):
        write_table(feed, tmp_path / "feed.xlsx")


def test_a_place_that_cannot_be_written_is_named_and_leaves_nothing(feed: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "feed.csv").mkdir()
    with pytest.raises(InputError, match=r"feed\.csv: cannot be written"):
        write_table(feed, tmp_path / "feed.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["feed.csv"]


def test_every_ending_names_one_format() -> None:
    endings = [ending for one in FORMATS for ending in one.endings]
    assert len(set(endings)) == len(endings)
    assert [format_of(Path(f"feed{ending.upper()}")) for ending in endings] == [
        one for one in FORMATS for _ in one.endings
    ]


def test_every_format_writes_an_empty_table(feed: pd.DataFrame) -> None:
    assert all(isinstance(one.to_bytes(feed.head(0)), bytes) for one in FORMATS)
