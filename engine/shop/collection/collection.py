"""A collection: rows of a sheet with the pictures they name, each ready to become a draft or with what is to be mended."""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
from openpyxl import Workbook

from engine.errors import SheetError
from engine.shop.collection.sheets import UNREAD

__all__ = ["CollectionRow", "problems_table", "read_collection", "template"]

FIELDS = {
    "item_id": ("id", "item_id", "product_id", "sku", "article", "item"),
    "title": ("title", "name", "product_name", "product"),
    "description": ("description", "text", "details"),
    "brand": ("brand", "manufacturer", "vendor"),
    "category": ("category", "type", "product_type", "kind"),
    "price": ("price", "retail_price", "unit_price"),
    "pictures": ("pictures", "picture", "images", "image", "photo", "photos", "file", "files"),
}
TEXTS = ("title", "description", "brand", "category")
SEVERAL = re.compile(r"\s*[;|]\s*")
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class CollectionRow:
    """A row of the sheet.

    Attributes
    ----------
    number : 1-based, below the header line.
    item : as `neighbours_of_unseen` takes it, without a picture.
    pictures : names of its pictures among those given, the leading one first.
    problems : what is to be mended, (column, sentence); empty where the row is ready.
    """

    number: int
    product_id: str | None
    item: dict[str, Any]
    pictures: tuple[str, ...]
    problems: tuple[tuple[str, str], ...] = field(default_factory=tuple)

    @property
    def ready(self) -> bool:
        """Whether it can be stored as it is."""
        return not self.problems


def read_collection(
    sheet: pd.DataFrame, pictures: Collection[str], known: Callable[[str], bool], kinds: Mapping[str, str]
) -> list[CollectionRow]:
    """The rows of a sheet, checked.

    Parameters
    ----------
    sheet : from `read_sheet`.
    pictures : names of the pictures that came with it, folders left out or not.
    known : whether the catalogue, or another draft, has a product of this id.
    kinds : the shop's attributes, name -> "category", "number", "text" or "multi".

    Raises `SheetError` where no column says anything about a product.
    """
    columns = _columns(list(sheet.columns), kinds)
    if not set(columns.values()) - {"item_id"}:
        there = ", ".join(map(str, sheet.columns[:8]))
        raise SheetError(
            f"no column says what the products are; there are: {there}. Name one “title” or “pictures”, "
            "or start from the template."
        )
    given = {_stem(name): name for name in sorted(pictures, reverse=True)}
    by_name = {_file(name): name for name in sorted(pictures, reverse=True)}
    unread: dict[int, list[tuple[str, str]]] = {}
    for number, column, advice in sheet.attrs.get(UNREAD, []):
        unread.setdefault(int(number), []).append((str(column), str(advice)))
    id_column = next((column for column, name in columns.items() if name == "item_id"), None)
    ids = Counter(sheet[id_column].str.strip()) if id_column is not None else Counter()
    rows = []
    for number, values in zip(sheet.index, sheet.to_dict("records"), strict=True):
        problems = list(unread.get(int(number), []))
        item, attributes, named, product_id = _described(values, columns, kinds, problems)
        if product_id and ids[product_id] > 1:
            problems.append(
                (str(id_column), f"the id {product_id} stands in {ids[product_id]} rows; give each its own")
            )
        elif product_id and known(product_id):
            problems.append((str(id_column), f"{product_id} is a product already; give the new one another id"))
        found = []
        for name in named:
            match = by_name.get(_file(name)) or given.get(_stem(name))
            if match is None:
                column = next(str(c) for c, f in columns.items() if f == "pictures")
                problems.append((column, f"there is no picture {name} among those given; add it, or clear the cell"))
            elif match not in found:
                found.append(match)
        if not named and product_id and product_id.casefold() in given:
            found.append(given[product_id.casefold()])
        if attributes:
            item["attributes"] = attributes
        if not item.get("title") and not found and not problems:
            problems.append(("title", "there is neither a title nor a picture; give it one"))
        rows.append(CollectionRow(int(number), product_id, item, tuple(found), tuple(problems)))
    return rows


def problems_table(sheet: pd.DataFrame, rows: Sequence[CollectionRow]) -> pd.DataFrame:
    """The rows to mend as they were, with a column "what to mend": to download, mend and give back."""
    bad = {row.number: "; ".join(f"{column}: {text}" for column, text in row.problems) for row in rows if row.problems}
    table = sheet[sheet.index.isin(list(bad))].copy()
    table.insert(0, "what to mend", [bad[int(number)] for number in table.index])
    table.insert(0, "row", [int(number) for number in table.index])
    return table


def template(kinds: Mapping[str, str], examples: Sequence[Mapping[str, Any]]) -> bytes:
    """An Excel sheet to fill in: the shop's columns, example rows, and a second sheet that explains each column.

    Parameters
    ----------
    examples : rows by column name, of products the shop has.
    """
    names = ["item_id", *TEXTS, "price", "pictures", *kinds]
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Products"
    sheet.append(names)
    for example in examples:
        sheet.append([_cell(example.get(name)) for name in names])
    about = book.create_sheet("How to fill it in")
    explained = {
        "item_id": "the id the product will have; leave it empty and one is made",
        "title": "what shoppers read; a title or a picture is needed",
        "price": "a number, without a currency",
        "pictures": "file names of its pictures, the leading one first, with ; between them",
    }
    for name in names:
        kind = {"number": "a number", "multi": "several values with ; between them"}.get(kinds.get(name, ""), "text")
        about.append([name, explained.get(name, kind)])
    for page in (sheet, about):
        for column in page.columns:
            letter = column[0].column_letter  # type: ignore[union-attr]
            page.column_dimensions[letter].width = min(60, 4 + max(len(str(cell.value or "")) for cell in column))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _columns(names: Sequence[Any], kinds: Mapping[str, str]) -> dict[Any, str]:
    """Which column holds which field or attribute; what is neither is left out."""
    attributes = {_plain(name): name for name in kinds}
    taken: dict[Any, str] = {}
    for name in names:
        plain = _plain(str(name))
        meant = next((one for one, words in FIELDS.items() if plain in words), None) or attributes.get(plain)
        if meant is not None and meant not in taken.values():
            taken[name] = meant
    return taken


def _described(
    values: Mapping[Any, str], columns: Mapping[Any, str], kinds: Mapping[str, str], problems: list[tuple[str, str]]
) -> tuple[dict[str, Any], dict[str, Any], list[str], str | None]:
    item: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    named: list[str] = []
    product_id = None
    for column, meant in columns.items():
        text = str(values[column]).strip()
        if not text:
            continue
        if meant == "item_id":
            product_id = text
        elif meant == "pictures":
            named = [name for name in SEVERAL.split(text) if name]
        elif meant in TEXTS:
            item[meant] = text
        elif meant == "price" or kinds.get(meant) == "number":
            number = _number(text)
            if number is None or (meant == "price" and number < 0):
                problems.append((str(column), f"“{text[:40]}” is no number; write it like 49.90"))
            elif meant == "price":
                item[meant] = number
            else:
                attributes[meant] = number
        elif kinds[meant] == "multi":
            attributes[meant] = [part for part in SEVERAL.split(text) if part]
        else:
            attributes[meant] = text
    return item, attributes, named, product_id


def _number(text: str) -> float | None:
    plain = re.sub(r"[\s\u00a0€£$¥]", "", text)
    if re.fullmatch(r"-?\d{1,3}(\.\d{3})*,\d{1,2}", plain) or re.fullmatch(r"-?\d+,\d{1,2}", plain):
        plain = plain.replace(".", "").replace(",", ".")
    try:
        value = float(plain.replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().casefold())


def _file(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name.casefold()


def _stem(name: str) -> str:
    """Without folder and, where it is a picture's, ending."""
    file = _file(name)
    return next((file.removesuffix(ending) for ending in PICTURE_ENDINGS if file.endswith(ending)), file)


def _cell(value: Any) -> Any:
    """A value that a spreadsheet shows and does not run."""
    if isinstance(value, list | tuple):
        value = "; ".join(map(str, value))
    if isinstance(value, str) and value[:1] in "=+-@\t\r":
        return f"'{value}"
    return value
