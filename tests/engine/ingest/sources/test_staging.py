from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import InputError
from engine.ingest.report import Problem, ProblemLog
from engine.ingest.sources import ROW, FileForm, Source, csv_blocks, packed, stage, textfiles


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    folder = tmp_path / "staging"
    folder.mkdir()
    return folder


# Without control characters: a file that holds many is refused as binary.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r"), max_size=8)


def gzipped(content: bytes) -> bytes:
    """Gzip without the time in it: the names of parametrised tests hold the bytes, and every worker must see the same."""
    return gzip.compress(content, mtime=0)


def read(path: Path, staging: Path, **options: object) -> tuple[Source, list[dict[str, object]], ProblemLog]:
    problems = ProblemLog()
    source = stage(path, staging, problems, **options)  # type: ignore[arg-type]
    return source, pq.read_table(source.path).to_pylist(), problems


def text_file(folder: Path, content: str | bytes, name: str = "items.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_csv_is_staged_by_position_with_numbered_rows(tmp_path: Path, staging: Path) -> None:
    source, rows, _ = read(text_file(tmp_path, "id,na me\na,1\nb,2\n"), staging)
    assert source.columns == ("id", "na me")
    assert rows == [{ROW: 1, "c0": "a", "c1": "1"}, {ROW: 2, "c0": "b", "c1": "2"}]
    assert (source.n_rows, source.n_rejected, source.staged("na me")) == (2, 0, "c1")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, staging: Path, mark: str) -> None:
    content = "\n".join(mark.join(row) for row in [("id", "tags", "x"), ("a", '"p,q;r|s"', "1"), ("b", "t", "2")])
    source, rows, _ = read(text_file(tmp_path, content), staging)
    assert source.columns == ("id", "tags", "x")
    assert rows[0]["c1"] == "p,q;r|s"


def test_one_column_is_a_table_too(tmp_path: Path, staging: Path) -> None:
    source, rows, _ = read(text_file(tmp_path, "item_id\na\nb\n"), staging)
    assert source.columns == ("item_id",)
    assert [row["c0"] for row in rows] == ["a", "b"]


def test_quotes_newlines_and_blank_lines_do_not_shift_the_row_numbers(tmp_path: Path, staging: Path) -> None:
    _, rows, problems = read(
        text_file(tmp_path, 'a,b\r\n"x\ny","say ""hi"""\r\n\r\n1\r\n3,4\r\n5,6,7\r\n8,9\r\n'), staging
    )
    assert [(row[ROW], row["c0"]) for row in rows] == [(1, "x\ny"), (3, "3"), (5, "8")]
    assert rows[0]["c1"] == 'say "hi"'
    assert problems.counts == {"broken_row": 2}
    assert [(problem.row, problem.value) for problem in problems.shown] == [(2, "1"), (4, "5,6,7")]
    assert "1 values, but the header names 2 columns" in problems.shown[0].message


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path, staging: Path) -> None:
    assert read(text_file(tmp_path, b"\xef\xbb\xbfid,x\na,1\n"), staging)[0].columns == ("id", "x")


def test_gzip_is_unpacked_on_the_way(tmp_path: Path, staging: Path) -> None:
    path = text_file(tmp_path, gzip.compress(b"id,x\na,1\n"), "items.csv.gz")
    assert read(path, staging)[1] == [{ROW: 1, "c0": "a", "c1": "1"}]


def test_a_wrong_declared_encoding_names_byte_and_line(tmp_path: Path, staging: Path) -> None:
    path = text_file(tmp_path, "id,x\na,1\nb,café\n".encode("cp1252"))
    with pytest.raises(
        InputError, match=r"items\.csv, row 2: byte 15 \(0xe9, in line 3\) is not valid utf-8.*encoding=cp1252"
    ):
        read(path, staging, form=FileForm(encoding="utf-8"))


def test_a_wrong_byte_far_into_text_that_is_utf_8_otherwise_is_an_error(
    tmp_path: Path, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(textfiles, "_CHUNK", 7)
    path = text_file(tmp_path, "id,x\n" + "é,1\n" * 50 + "b,\n")
    path.write_bytes(path.read_bytes() + b"\xff,1\n")
    with pytest.raises(InputError, match=r"row 52: byte 259 \(0xff, in line 53\)"):
        read(path, staging)


def test_a_declared_encoding_is_used(tmp_path: Path, staging: Path) -> None:
    path = text_file(tmp_path, "id,x\na,café\n".encode("cp1252"))
    assert read(path, staging, form=FileForm(encoding="cp1252"))[1][0]["c1"] == "café"


def test_an_unknown_encoding_is_refused(tmp_path: Path, staging: Path) -> None:
    with pytest.raises(InputError, match="no encoding 'klingon'"):
        read(text_file(tmp_path, "id\na\n"), staging, form=FileForm(encoding="klingon"))


def test_json_lines_keep_texts_numbers_and_lists(tmp_path: Path, staging: Path) -> None:
    content = '{"id": "a", "n": 1.5, "tags": ["x", "y"]}\n\n{"id": "b", "a/b~c": true, "n": null}\n[1]\n{broken\n'
    source, rows, problems = read(text_file(tmp_path, content, "items.jsonl"), staging)
    assert source.columns == ("id", "n", "tags", "a/b~c")
    assert rows[0] == {ROW: 1, "c0": "a", "c1": "1.5", "c2": '["x","y"]', "c3": None}
    assert rows[1] == {ROW: 3, "c0": "b", "c1": None, "c2": None, "c3": "true"}
    assert [(problem.row, problem.value) for problem in problems.shown] == [(4, "[1]"), (5, "{broken")]


def test_parquet_keeps_its_types_and_makes_json_of_what_is_nested(tmp_path: Path, staging: Path) -> None:
    path = tmp_path / "items.parquet"
    table = pa.table(
        {"id": ["a"], "n": [1.5], "tags": [["x", "y"]], "deep": [{"k": 1}], "d": pa.array(["z"]).dictionary_encode()}
    )
    pq.write_table(table, path)
    _, rows, _ = read(path, staging)
    assert rows == [{ROW: 1, "c0": "a", "c1": 1.5, "c2": ["x", "y"], "c3": '{"k":1}', "c4": "z"}]


def test_names_that_come_twice_are_told_apart(tmp_path: Path, staging: Path) -> None:
    source, rows, _ = read(text_file(tmp_path, "id,Image,Image,Image (2)\na,1,2,3\n"), staging)
    assert source.columns == ("id", "Image", "Image (3)", "Image (2)")
    assert rows[0]["c2"] == "2"
    assert source.notes == ('several columns have the same name; the later ones are called "Image (3)"',)


def test_marks_and_line_ends_are_no_part_of_a_name(tmp_path: Path, staging: Path) -> None:
    path = text_file(tmp_path, '\ufeff\ufeffsku,"Price\n(EUR)", Title\xa0\na,1,b\n')
    assert read(path, staging)[0].columns == ("sku", "Price (EUR)", "Title")


def test_a_known_header_makes_the_first_line_data(tmp_path: Path, staging: Path) -> None:
    source, rows, _ = read(text_file(tmp_path, "u1,a\nu2,b\n"), staging, form=FileForm(header=("user", "item")))
    assert source.columns == ("user", "item")
    assert [(row[ROW], row["c0"]) for row in rows] == [(1, "u1"), (2, "u2")]


def test_a_known_header_that_the_file_has_is_no_data(tmp_path: Path, staging: Path) -> None:
    _, rows, _ = read(text_file(tmp_path, "user,item\nu2,b\n"), staging, form=FileForm(header=("user", "item")))
    assert [(row[ROW], row["c0"]) for row in rows] == [(1, "u2")]


def test_files_with_the_same_columns_are_one_table(tmp_path: Path, staging: Path) -> None:
    first = text_file(tmp_path, "id,x\na,1\nb\n", "oct.csv")
    second = text_file(tmp_path, "y,id\n7,c\n8\n9,d\n", "nov.csv")
    problems = ProblemLog()
    source = stage([first, second], staging, problems)
    rows = pq.read_table(source.path).to_pylist()
    assert (source.name, source.columns, source.n_rows, source.n_rejected) == (
        "oct.csv and nov.csv",
        ("id", "x", "y"),
        5,
        2,
    )
    assert [tuple(row.values()) for row in rows] == [(1, "a", "1", None), (3, "c", None, "7"), (5, "d", None, "9")]
    assert [(problem.file, problem.row) for problem in problems.shown] == [("oct.csv", 2), ("nov.csv", 2)]
    problems.add(Problem(source.name, 5, "id", "unknown_item", "no product has this id"))
    assert (problems.shown[-1].file, problems.shown[-1].row) == ("nov.csv", 3)


def test_a_column_whose_type_differs_between_files_becomes_text(tmp_path: Path, staging: Path) -> None:
    first = text_file(tmp_path, "id\na\n", "part1.csv")
    pq.write_table(pa.table({"id": [7]}), tmp_path / "part2.parquet")
    source = stage([first, tmp_path / "part2.parquet"], staging, ProblemLog())
    assert pq.read_table(source.path)["c0"].to_pylist() == ["a", "7"]


def test_parts_of_a_split_file_share_its_header(tmp_path: Path, staging: Path) -> None:
    first = text_file(tmp_path, "user_id,item_id,value\nu1,a,5\n", "part-aa.csv")
    second = text_file(tmp_path, "u2,b,6\nu3,c,7\n", "part-ab.csv")
    source = stage([first, second], staging, ProblemLog())
    assert (source.columns, source.headerless, source.notes) == (("user_id", "item_id", "value"), False, ())
    assert pq.read_table(source.path)["c0"].to_pylist() == ["u1", "u2", "u3"]


def test_reading_stops_at_the_limit(tmp_path: Path, staging: Path) -> None:
    path = tmp_path / "items.parquet"
    pq.write_table(pa.table({"id": list(range(200_000))}), path)
    assert read(path, staging, limit=10)[0].n_rows < 200_000


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("items.csv", b"", "empty"),
        ("items.csv", b"id,x\n", "no rows"),
        ("items.csv", b"\n\n", "names no columns"),
        ("items.csv", b"PAR1....PAR1", "cannot be read"),
        ("items.csv", b"\x1f\x8b\x08\x00", "damaged"),
        ("items.csv", b"<!DOCTYPE html><p>Sign in</p>", "a web page without a table"),
        ("items.csv", b"%PDF-1.7 ...", "a PDF document"),
        ("shop.sql", b"-- MySQL dump\nCREATE TABLE `product` (\n", "a dump of a database"),
        ("items.tar.gz", gzipped(b"items.csv".ljust(257, b"\0") + b"ustar"), "a tar archive"),
        ("items.csv", b"id,x\n\x00\x01\x02,1\n", "binary data"),
        ("items.csv.gz", gzipped(b"id,x\n" * 9999)[:-30], "damaged"),
        ("items.csv.gz", gzipped(b""), "empty"),
        ("items.csv.gz", gzipped(gzipped(b"id")), "packed file within a packed file"),
        ("items.zip", zipped(a=b"id\n1", b=b"id\n2"), "the zip holds 2 files"),
        ("items.jsonl", b"{broken\n{too\n", "there are no JSON objects"),
        ("items.parquet", b"PAR1" + b"\0" * 100, "cannot be read"),
        ("items.parquet.gz", gzipped(b"PAR1"), "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_by_name(
    tmp_path: Path, staging: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(text_file(tmp_path, content, name), staging)
    assert caught.value.file == name


PACKED = {
    "items.csv.gz": gzip.compress,
    "items.csv.bz2": bz2.compress,
    "items.csv.zst": lambda content: pa.compress(content, codec="zstd", asbytes=True),
    "items.zip": lambda content: zipped(**{"data/items.csv": content, "__MACOSX/._items.csv": b"x"}),
    "items": bytes,
    "items.csv.gz ": bytes,
}


@pytest.mark.parametrize("name", PACKED)
def test_content_tells_the_packing_and_not_the_name(tmp_path: Path, staging: Path, name: str) -> None:
    path = text_file(tmp_path, PACKED[name](b"id,x\na,1\n"), name)
    assert read(path, staging)[1] == [{ROW: 1, "c0": "a", "c1": "1"}]


@pytest.mark.parametrize("packing", [gzip.compress, lambda content: zipped(items=content)])
def test_a_packed_parquet_file_is_read(tmp_path: Path, staging: Path, packing: Callable[[bytes], bytes]) -> None:
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "plain")
    path = text_file(tmp_path, packing((tmp_path / "plain").read_bytes()), "items.parquet.gz")
    assert read(path, staging)[1] == [{ROW: 1, "c0": "a"}]


def test_a_name_that_says_something_else_is_noted(tmp_path: Path, staging: Path) -> None:
    source, rows, _ = read(text_file(tmp_path, b"id,x\na,1\n", "items.parquet"), staging)
    assert rows[0]["c0"] == "a"
    assert source.notes == ("the name says Parquet, the content is delimited text",)


def test_a_missing_file_is_an_error(tmp_path: Path, staging: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "nowhere.csv", staging)


def test_a_gzip_that_unpacks_without_end_is_stopped(
    tmp_path: Path, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "_FREE_BYTES", 1_000_000)
    path = text_file(tmp_path, gzip.compress(b"id,x\n" + b"a,1\n" * 3_000_000), "items.csv.gz")
    with pytest.raises(InputError, match="unpacks to more than"):
        read(path, staging)


def test_an_unclosed_quote_is_reported_and_not_swallowed_silently(tmp_path: Path, staging: Path) -> None:
    _, rows, problems = read(text_file(tmp_path, 'a,b\n1,2\n"3,4\n5,6\n'), staging)
    assert [row["c0"] for row in rows] == ["1"]
    assert problems.counts == {"broken_row": 1}
    assert "so that it goes on for 2 lines" in problems.shown[0].message


def test_truncated_parquet_is_refused(tmp_path: Path, staging: Path) -> None:
    path = tmp_path / "items.parquet"
    pd.DataFrame({"id": [str(n) for n in range(5_000)]}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"items\.parquet: the file cannot be read"):
        read(path, staging)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from(["items.csv", "items.jsonl", "items.parquet", "items.csv.gz"]))
def test_any_bytes_are_read_or_refused_by_name(tmp_path: Path, staging: Path, content: bytes, name: str) -> None:
    prefix = b"id,x\na,1\n" if name == "items.csv" else b""
    try:
        source, rows, _ = read(text_file(tmp_path, prefix + content, name), staging)
    except InputError as exc:
        refused = exc.file
    else:
        refused = name
        assert len(rows) + source.n_rejected == source.n_rows
    assert refused == name


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
def test_what_a_csv_writer_wrote_is_read_back_without_blanks_around_it(
    tmp_path: Path, staging: Path, rows: list[tuple[str, str]]
) -> None:
    # Carriage returns inside quotes are read as they are.
    expected = [tuple(value.strip() for value in row) for row in rows]
    path = tmp_path / "items.csv"
    pd.DataFrame(rows, columns=["id", "x"]).to_csv(path, index=False, quoting=1, encoding="utf-8")
    assert [(row["c0"], row["c1"]) for row in read(path, staging)[1]] == expected


def test_row_numbers_hold_across_blocks(tmp_path: Path, staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_blocks, "_BLOCK", 1_000)
    broken = {5, 200, 201, 399, 400}
    lines = [f"{n}\n" if n in broken else f"{n},yyyy\n" for n in range(1, 401)]
    source, rows, problems = read(text_file(tmp_path, "id,x\n" + "".join(lines)), staging)
    assert (source.n_rows, source.n_rejected) == (400, 5)
    assert [row["c0"] for row in rows] == [str(row[ROW]) for row in rows]
    assert {problem.row for problem in problems.shown} == broken
