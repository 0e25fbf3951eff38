"""The sheet to fill in, as Excel and as CSV, and what its columns mean."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openpyxl import Workbook

from engine.catalogue.product import TEXT_FIELDS, Product
from engine.core.spreadsheet_text import guarded

__all__ = ["column_meanings", "template", "template_csv"]

MEANINGS = {
    "item_id": "the id the product will have; generated if left empty",
    "title": "what shoppers read; a title or a picture is needed",
    "price": "a number, without a currency",
    "pictures": "file names of its pictures, the main one first, separated by ;",
}
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
KIND_MEANINGS = {"number": "a number", "multi": "several values, separated by ;"}


def column_meanings(kinds: Mapping[str, str]) -> dict[str, str]:
    """Every column of the template, in order, with what to write there.

    Parameters
    ----------
    kinds : the shop's attributes, name -> "category", "number", "text" or "multi".
    """
    names = ["item_id", *TEXT_FIELDS, "price", "pictures", *kinds]
    return {name: MEANINGS.get(name, KIND_MEANINGS.get(kinds.get(name, ""), "text")) for name in names}


def template(kinds: Mapping[str, str], examples: Sequence[Product]) -> bytes:
    """An Excel sheet to fill in: the shop's columns, example rows, and a second sheet that explains each column.

    Parameters
    ----------
    examples : products of the shop; their pictures and ids are left out.
    """
    meanings = column_meanings(kinds)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Products"
    sheet.append([_cell(name) for name in meanings])
    for example in examples:
        sheet.append(_example_row(example, meanings))
    about = book.create_sheet("How to fill it in")
    for name, meaning in meanings.items():
        about.append([_cell(name), meaning])
    for page in (sheet, about):
        for column in page.columns:
            letter = column[0].column_letter  # type: ignore[union-attr]
            page.column_dimensions[letter].width = min(60, 4 + max(len(str(cell.value or "")) for cell in column))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def template_csv(kinds: Mapping[str, str], examples: Sequence[Product]) -> bytes:
    """The same columns and example rows as CSV, in UTF-8 with the mark by which Excel knows it."""
    names = list(column_meanings(kinds))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_cell(name) for name in names])
    writer.writerows(_example_row(example, names) for example in examples)
    return text.getvalue().encode("utf-8-sig", "replace")


def _example_row(example: Product, columns: Iterable[str]) -> list[Any]:
    values = {name: value for name, value in example.to_json().items() if name not in ("image", "attributes")}
    return [_cell(values.get(name, example.attributes.get(name))) for name in columns]


def _cell(value: Any) -> Any:
    """A value that a spreadsheet shows and does not run, without the control characters that no workbook can hold."""
    value = "; ".join(map(str, value)) if isinstance(value, tuple) else value
    return guarded(_NO_TEXT.sub("", value)) if isinstance(value, str) else value
