"""Text that goes through a spreadsheet and comes back as it was, never run on the way."""

from __future__ import annotations

import csv
import io

import numpy as np
import openpyxl
import pytest

from engine.catalogue.product import Product
from engine.core.spreadsheet_text import guarded, unguarded
from engine.edits.collections.rows import problems_table, read_collection
from engine.edits.collections.template import template, template_csv
from engine.untrusted.sheets import read_sheet

TEXTS = [
    "dress",
    "",
    "=1+1",
    "'=1+1",
    "''-x",
    "-5",
    "+44",
    "@home",
    "'tis",
    "＝1",
    "שמלה 👗",
    "\t=x",
    "a=b",
    "a;=x",
    "a\t'-x",
    "a\r\n@x",
    " =x",
    "\u200b=x",
]


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_comes_back_and_none_runs(text):
    there = str(guarded(text))
    assert unguarded(there) == text
    assert there.lstrip(" \u200b")[:1] not in tuple("=+-@＝\t")


def test_any_text_comes_back():
    rng = np.random.default_rng(0)
    signs = list("=+-@';, \t\r\nx＝\u200b\x00")
    texts = ["".join(rng.choice(signs, size=n)) for n in rng.integers(0, 9, size=3_000)]
    assert [unguarded(str(guarded(text))) for text in texts] == texts


def test_numbers_and_nothing_stay_what_they_are():
    assert [guarded(value) for value in (5, 4.5, None)] == [5, 4.5, None]


def test_rows_with_problems_keep_every_script_through_csv():
    titles = ["שמלה 👩🏽‍🦰", "فستان", "=cmd()", "-10 %", 'a; b, "c" | d', "ドレス"]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["title", "price"], *([title, "viel"] for title in titles)])
    sheet = read_sheet(text.getvalue().encode("utf-8-sig"), "new.csv")
    problems = problems_table(sheet, read_collection(sheet, (), {}))
    back = read_sheet(problems.assign(price="5").to_csv(index=False).encode("utf-8-sig"), "to-fix.csv")
    rows = read_collection(back, (), {})
    assert [row.product.title for row in rows] == titles
    assert all(row.ready for row in rows)


def test_the_csv_template_reads_as_what_it_shows():
    examples = [Product(title="=x ירוק", price=4.5, attributes={"sizes": ("S", "M")})]
    data = template_csv({"sizes": "multi"}, examples)
    assert data.startswith(b"\xef\xbb\xbf")
    sheet = read_sheet(data, "template.csv")
    (row,) = read_collection(sheet, (), {"sizes": "multi"})
    assert row.product == examples[0]


def test_neither_template_holds_a_formula_and_control_characters_are_left_out():
    kinds, examples = (
        {"=cmd": "text", "@x": "multi"},
        [Product(title="=1+1\x00\x1b", attributes={"=cmd": "-2", "@x": ("+a",)})],
    )
    book = openpyxl.load_workbook(io.BytesIO(template(kinds, examples)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    written = [str(cell.value) for cell in cells if cell.value is not None]
    assert {"'=cmd", "'@x", "'=1+1", "'-2", "'+a"} <= set(written)
    rows = list(csv.reader(io.StringIO(template_csv(kinds, examples).decode("utf-8-sig"), newline="")))
    assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@")]
