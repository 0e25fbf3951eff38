from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import openpyxl
import pandas as pd
import pytest

from engine.core.errors import SheetError
from engine.untrusted.bounded import BoundedChildren
from engine.untrusted.sheets import UNREAD, read_sheet, sheet_children


@pytest.fixture(scope="module")
def children() -> Iterator[BoundedChildren]:
    with sheet_children() as started:
        yield started


def workbook(*rows: list[object], title: str = "Products", parts: dict[str, bytes] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, data in (parts or {}).items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_csv_is_read_in_any_usual_encoding_and_separator(children: BoundedChildren, encoding: str, mark: str) -> None:
    data = f"title{mark}price\nRobe d'été{mark}12\n\nb{mark}3\n".encode(encoding)
    table = read_sheet(data, "t.csv", children=children)
    assert table.to_dict("records") == [{"title": "Robe d'été", "price": "12"}, {"title": "b", "price": "3"}]
    assert table.index.tolist() == [1, 3]


def test_right_to_left_text_emoji_and_html_stay_and_control_characters_go(children: BoundedChildren) -> None:
    table = read_sheet("title\nשמלה\x07👩‍👧 <b>\u202e\n".encode(), "t.csv", children=children)
    assert table.at[1, "title"] == "שמלה 👩‍👧 <b>"


def test_a_workbook_gives_values_and_says_which_formula_has_none(children: BoundedChildren) -> None:
    table = read_sheet(workbook(["title", "price"], ["a", 3.0], ["b", "=1+1"]), "t.xlsx", children=children)
    assert table.to_dict("records") == [{"title": "a", "price": "3"}, {"title": "b", "price": ""}]
    assert table.attrs["unread"] == [[2, "price", "the formula has no result. Type the value itself."]]


def test_parquet_is_read_as_text(children: BoundedChildren) -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"title": ["a"], "price": [1.5]}).to_parquet(buffer)
    table = read_sheet(buffer.getvalue(), "t.csv", children=children)
    assert table.to_dict("records") == [{"title": "a", "price": "1.5"}]


def test_a_million_empty_columns_are_left_out(children: BoundedChildren) -> None:
    empty = "," * 1_000_000
    table = read_sheet(f"title{empty}\nx{empty}\n".encode(), "t.csv", children=children)
    assert table.to_dict("list") == {"title": ["x"]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "old Excel"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"PAR1" + bytes(100), "damaged"),
        (b"title\n", "no rows"),
        (b"title,title\na,b\n", "two columns"),
        (b"title\n" + b"x\n" * 100_001, "more than 100,000 rows"),
        ((",".join(f"c{n}" for n in range(201)) + "\n1\n").encode(), "201 columns are too many"),
        (workbook(["title"], ["a"], parts={"xl/vbaProject.bin": b"x"}), "macros"),
        (workbook(["title"], ["a"])[:-100], "cut off or damaged"),
        (workbook(["title"], ["a"], parts={"xl/more.xml": b"x"})[:4] + bytes(500), "cut off or damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(children: BoundedChildren, data: bytes, message: str) -> None:
    with pytest.raises(SheetError, match=message):
        read_sheet(data, "t.csv", children=children)


@pytest.mark.parametrize("formula", [None, "=1+1"])
def test_a_workbook_is_read_the_same_with_and_without_formulas(children: BoundedChildren, formula: str | None) -> None:
    """Without any the formulas are not looked for, which takes half the time."""
    rows = [
        [f"Dress {n}", 20 + n, "2024-05-31", "yes" if n % 2 else None, "#N/A" if n == 3 else "x"] for n in range(50)
    ]
    table = read_sheet(
        workbook(["title", "price", "day", "new", "odd", "sum"], *[[*row, formula] for row in rows]),
        "t.xlsx",
        children=children,
    )
    assert table["title"].tolist() == [f"Dress {n}" for n in range(50)]
    assert table["price"].tolist() == [str(20 + n) for n in range(50)]
    assert table["new"].tolist() == ["yes" if n % 2 else "" for n in range(50)]
    unread = table.attrs[UNREAD]
    assert [entry for entry in unread if entry[1] == "odd"] == [
        [4, "odd", "the cell shows #N/A. Type the value itself."]
    ]
    assert len([entry for entry in unread if entry[1] == "sum"]) == (50 if formula else 0)
