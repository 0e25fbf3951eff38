from __future__ import annotations

import datetime
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import openpyxl
import pytest

from engine.core.errors import InputError
from engine.ingest.report import Problem
from engine.ingest.sources import ROW
from tests.support.staged_files import staged, written

HEADER = ["InvoiceNo", "StockCode", "InvoiceDate", "CustomerID", "Gift"]
MORNING = datetime.datetime(2010, 12, 1, 8, 26)


def workbook(folder: Path, sheets: Mapping[str, Sequence[Sequence[object]]], name: str = "shop.xlsx") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    book.save(folder / name)
    return folder / name


def test_cells_keep_what_they_mean(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        {
            "Data": [
                HEADER,
                [536365, "85123A", MORNING, 17850.0, True],
                ["C536366", "007", datetime.date(2010, 12, 2), None, 2.5],
            ]
        },
    )
    source, rows, _ = staged(path)
    assert (source.columns, source.notes) == (tuple(HEADER), ())
    assert list(rows[0].values()) == [1, "536365", "85123A", "2010-12-01 08:26:00", "17850", "true"]
    assert list(rows[1].values()) == [2, "C536366", "007", "2010-12-02", "", "2.5"]


def test_the_table_is_found_below_a_title_and_beside_empty_columns(tmp_path: Path) -> None:
    table = [[], ["", "Our shop"], [], ["", "sku", "title", "price"], ["", "a", "Hat", 5], [], ["", "b", "Scarf", 6]]
    source, rows, _ = staged(workbook(tmp_path, {"Data": table}))
    assert source.columns == ("sku", "title", "price")
    assert [(row[ROW], row["sku"]) for row in rows] == [(1, "a"), (3, "b")]
    assert source.notes == ("rows above the table that are left out: 1",)


def test_the_largest_sheet_is_the_table(tmp_path: Path) -> None:
    sheets = {"Notes": [["Author", "me"]], "Products": [["sku", "title"], ["a", "Hat"], ["b", "Scarf"]]}
    source, rows, _ = staged(workbook(tmp_path, sheets))
    assert [row["sku"] for row in rows] == ["a", "b"]
    assert source.notes == ('of 2 sheets, "Products" was read: it has the most rows',)


def test_sheets_with_the_same_header_are_one_table(tmp_path: Path) -> None:
    sheets = {
        "Year 2009-2010": [HEADER, [1, "a", MORNING, 1, False]],
        "Year 2010-2011": [HEADER, [2, "b", MORNING, 2, False], [3, "c", MORNING, 3, False]],
    }
    source, rows, problems = staged(workbook(tmp_path, sheets))
    assert [(row[ROW], row["StockCode"]) for row in rows] == [(1, "a"), (2, "b"), (3, "c")]
    assert 'the sheets "Year 2009-2010", "Year 2010-2011" have the same header and are one table' in source.notes[0]
    problems.add(Problem(source.name, 3, None, "unknown_item", "unknown"))
    assert (problems.shown[0].file, problems.shown[0].row) == ("shop.xlsx, sheet Year 2010-2011", 2)


def test_a_sheet_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    source, rows, _ = staged(workbook(tmp_path, {"Data": [[1, MORNING, "view"], [2, MORNING, "cart"]]}))
    assert (source.columns, source.headerless, len(rows)) == (("1", "2", "3"), True, 2)


ODS = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="Data">
<table:table-row><table:table-cell office:value-type="string"><text:p>sku</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>price</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value-type="string"><text:p>007</text:p></table:table-cell>
<table:table-cell office:value-type="float" office:value="9.5"><text:p>9,50</text:p></table:table-cell></table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"""


def test_an_opendocument_spreadsheet_is_read(tmp_path: Path) -> None:
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = f"""<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>"""
    with zipfile.ZipFile(tmp_path / "shop.ods", "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("content.xml", ODS.replace(">\n<", "><"))
        archive.writestr("META-INF/manifest.xml", manifest)
    assert staged(tmp_path / "shop.ods")[1] == [{ROW: 1, "sku": "007", "price": "9.5"}]


def test_a_workbook_is_read_whatever_its_name_says(tmp_path: Path) -> None:
    source, rows, _ = staged(
        workbook(tmp_path, {"Data": [["sku"], ["a"]]}, "items.csv.xlsx").rename(tmp_path / "x.csv")
    )
    assert [row["sku"] for row in rows] == ["a"]
    assert source.notes == ("the name says delimited text, the content is an Excel or OpenDocument workbook",)


def test_a_first_look_reads_only_the_first_rows(tmp_path: Path) -> None:
    rows = [["sku", "n"], *([f"s{number}", number] for number in range(50))]
    assert staged(workbook(tmp_path, {"Data": rows}), limit=10)[0].n_rows == 10


def test_what_is_no_workbook_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"old\.xls: the workbook is damaged"):
        staged(written(tmp_path, b"\xd0\xcf\x11\xe0" + b"\0" * 600, "old.xls"))
    whole = workbook(tmp_path, {"Data": [["sku"], ["a"]]}).read_bytes()
    with pytest.raises(InputError, match=r"cut\.xlsx: the file is damaged"):
        staged(written(tmp_path, whole[:-200], "cut.xlsx"))
    with pytest.raises(InputError, match=r"shop\.xlsx: the workbook has no rows"):
        staged(workbook(tmp_path, {"Data": []}))
