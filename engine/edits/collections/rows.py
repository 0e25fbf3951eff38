"""A collection: rows of a sheet with the pictures they name, each ready to become a draft or with its problems."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

import pandas as pd

from engine.catalogue.picture_formats import PICTURE_ENDINGS
from engine.catalogue.product import TEXT_FIELDS, FieldValue, Product
from engine.core.errors import SheetError
from engine.core.spreadsheet_text import guarded, unguarded
from engine.ingest.reading.number_format import NumberFormat
from engine.ingest.reading.numbers import number_format
from engine.untrusted.sheets import UNREAD

__all__ = ["CollectionRow", "Remark", "RowState", "problems_table", "read_collection"]

RowState = Literal["problem", "doubt", "ready", "saved"]

FIELDS = {
    "item_id": ("id", "item_id", "product_id", "sku", "article", "item"),
    "title": ("title", "name", "product_name", "product"),
    "description": ("description", "text", "details"),
    "brand": ("brand", "manufacturer", "vendor"),
    "category": ("category", "type", "product_type", "kind"),
    "price": ("price", "retail_price", "unit_price"),
    "pictures": ("pictures", "picture", "images", "image", "photo", "photos", "file", "files"),
}
ROW, PROBLEMS = "row", "what to fix"  # columns that `problems_table` adds
SEVERAL = re.compile(r"\s*[;|]\s*")
# What the store of drafts accepts.
MOST_PICTURES, LONGEST_ID = 20, 200

Remark = tuple[str, str]
"""A column, and what to know of its cell."""


@dataclass(frozen=True)
class CollectionRow:
    """A row of the sheet.

    Attributes
    ----------
    number : 1-based, not counting the header line.
    product : without a picture.
    pictures : names of its pictures among the uploaded ones, the leading one first.
    problems : what must be fixed before it can be saved, (column, sentence).
    doubts : what is worth checking, (column, sentence); a row with doubts can be saved.
    saved : the id of the draft that was made of it, where it was saved already (`engine.edits.collections.review`).
    """

    number: int
    product_id: str | None
    product: Product
    pictures: tuple[str, ...]
    problems: tuple[Remark, ...] = ()
    doubts: tuple[Remark, ...] = ()
    saved: str | None = None

    @property
    def ready(self) -> bool:
        """Whether it can be saved as it is."""
        return not self.problems and self.saved is None

    @property
    def state(self) -> RowState:
        """Saved; else with problems, ready but worth checking, or ready."""
        if self.saved is not None:
            return "saved"
        return "problem" if self.problems else "doubt" if self.doubts else "ready"


def read_collection(sheet: pd.DataFrame, pictures: Collection[str], kinds: Mapping[str, str]) -> list[CollectionRow]:
    """The rows of a sheet, each checked by itself; `review_rows` compares them with what there is.

    Parameters
    ----------
    sheet : from `read_sheet`.
    pictures : names of the pictures that were uploaded with it, with or without their folders.
    kinds : the shop's attributes, name -> "category", "number", "text" or "multi".

    Raises `SheetError` where no column describes a product.
    """
    meanings = _meanings(list(sheet.columns), kinds)
    if not set(meanings.values()) - {"item_id"}:
        named = ", ".join(map(str, sheet.columns[:8]))
        raise SheetError(
            f"no column says what the products are; there are: {named}. Name one “title” or “pictures”, "
            "or start from the template."
        )
    column_of = {field: column for column, field in meanings.items()}
    ids = Counter(sheet[column_of["item_id"]].str.strip()) if "item_id" in column_of else Counter()
    unread: dict[int, list[Remark]] = defaultdict(list)
    for number, column, advice in sheet.attrs.get(UNREAD, []):
        unread[int(number)].append((str(column), str(advice)))
    numbers = _number_formats(sheet, meanings, kinds)
    uploaded, rows = _Pictures(pictures), []
    for number, cells in zip(sheet.index, sheet.to_dict("records"), strict=True):
        problems = unread[int(number)]
        doubts: list[Remark] = []
        row = _read_cells(cells, meanings, kinds, numbers, problems, doubts)
        problems += _id_problems(row.product_id, str(column_of.get("item_id")), ids)
        found, unsure = _find_pictures(row, str(column_of.get("pictures")), uploaded, problems)
        doubts += unsure
        product = Product(**row.named, attributes=row.attributes)
        if not product.title and not found and not problems:
            problems.append(("title", "it has neither a title nor a picture; add one"))
        rows.append(CollectionRow(int(number), row.product_id, product, found, tuple(problems), tuple(doubts)))
    return rows


def problems_table(sheet: pd.DataFrame, rows: Sequence[CollectionRow]) -> pd.DataFrame:
    """The rows with problems as they were, with a column "what to fix": to download, correct and upload again.

    Cells are guarded as a spreadsheet needs it; `read_collection` takes that off again.
    """
    bad = {row.number: "; ".join(f"{column}: {text}" for column, text in row.problems) for row in rows if row.problems}
    original = sheet.drop(columns=[ROW, PROBLEMS], errors="ignore")  # of a sheet that was downloaded here before
    table = original[original.index.isin(list(bad))].map(lambda text: guarded(unguarded(text)))
    table.columns = [guarded(str(name)) for name in table.columns]
    table.insert(0, PROBLEMS, [bad[int(number)] for number in table.index])
    table.insert(0, ROW, [int(number) for number in table.index])
    return table


def _meanings(columns: Sequence[Any], kinds: Mapping[str, str]) -> dict[Any, str]:
    """Column -> the field or attribute it holds; columns that hold neither are left out."""
    attributes = {_plain(name): name for name in kinds}
    meanings: dict[Any, str] = {}
    for column in columns:
        plain = _plain(str(column))
        field = next((one for one, names in FIELDS.items() if plain in names), None) or attributes.get(plain)
        if field is not None and field not in meanings.values():
            meanings[column] = field
    return meanings


@dataclass
class _Cells:
    """What the cells of a row say: the id, names of pictures, the product's fields and its attributes."""

    product_id: str | None = None
    pictures: list[str] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, FieldValue] = field(default_factory=dict)


def _number_formats(
    sheet: pd.DataFrame, meanings: Mapping[Any, str], kinds: Mapping[str, str]
) -> dict[Any, NumberFormat]:
    """How the numbers of every column that holds some are written, decided from the whole column."""
    return {
        column: number_format(Counter(unguarded(str(text).strip()) for text in sheet[column]), str(column))
        for column, meaning in meanings.items()
        if meaning == "price" or kinds.get(meaning) == "number"
    }


def _read_cells(
    cells: Mapping[Any, str],
    meanings: Mapping[Any, str],
    kinds: Mapping[str, str],
    numbers: Mapping[Any, NumberFormat],
    problems: list[Remark],
    doubts: list[Remark],
) -> _Cells:
    """What a row says; what is wrong is added to `problems`, what is worth checking to `doubts`."""
    row = _Cells()
    for column, meaning in meanings.items():
        text = unguarded(str(cells[column]).strip())
        if not text:
            continue
        if meaning == "item_id":
            row.product_id = text
            if len(text) > LONGEST_ID:
                problems.append((str(column), f"an id has at most {LONGEST_ID} characters"))
        elif meaning == "pictures":
            row.pictures = _several(text)
        elif meaning in TEXT_FIELDS:
            row.named[meaning] = text
        elif meaning == "price" or kinds[meaning] == "number":
            number = numbers[column].number(text)
            if number is None or (meaning == "price" and number < 0):
                problems.append((str(column), f"“{text[:40]}” is not a number; write it like 49.90"))
            else:
                if numbers[column].doubts(text):
                    doubts.append((str(column), f"“{text[:40]}” was read as {number:.10g}"))
                (row.named if meaning == "price" else row.attributes)[meaning] = number
        else:
            row.attributes[meaning] = tuple(_several(text)) if kinds[meaning] == "multi" else text
    return row


def _id_problems(product_id: str | None, column: str, ids: Mapping[str, int]) -> list[Remark]:
    if product_id and ids[product_id] > 1:
        return [(column, f"{ids[product_id]} rows have the id {product_id}; give each its own")]
    return []


def _find_pictures(
    row: _Cells, column: str, uploaded: _Pictures, problems: list[Remark]
) -> tuple[tuple[str, ...], list[Remark]]:
    """The uploaded pictures of a row, and doubts about them; what is wrong is added to `problems`."""
    found: list[str] = []
    doubts: list[Remark] = []
    for name in row.pictures:
        matches = uploaded.named(name)
        if not matches:
            problems.append((column, f"no picture called {name} was uploaded; add it, or clear the cell"))
        elif matches[0] not in found:
            found.append(matches[0])
        if len(matches) > 1:
            doubts.append((column, f"{len(matches)} pictures are called {name}; {matches[0]} is used"))
    if not row.pictures and row.product_id:
        found += uploaded.of_id(row.product_id)
    if len(found) > MOST_PICTURES:
        problems.append(("pictures", f"{len(found)} pictures are too many (at most {MOST_PICTURES})"))
    return tuple(found), doubts


def _several(text: str) -> list[str]:
    return [part for part in SEVERAL.split(text) if part]


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", unguarded(name.strip()).casefold())


class _Pictures:
    """The uploaded pictures, by the ways a sheet may name one: with its folder, as a file, without its ending."""

    def __init__(self, names: Collection[str]) -> None:
        self._ways: list[dict[str, list[str]]] = [defaultdict(list) for _ in _WAYS]
        for name in sorted(names):
            for way, by in zip(_WAYS, self._ways, strict=True):
                by[way(name)].append(name)

    def named(self, name: str) -> list[str]:
        """Those that a cell may mean, the one to use first."""
        return next((by[way(name)] for way, by in zip(_WAYS, self._ways, strict=True) if way(name) in by), [])

    def of_id(self, product_id: str) -> list[str]:
        """The one that is named after a product's id."""
        return self._ways[-1].get(_path(product_id), [])[:1]


def _path(name: str) -> str:
    """Macs write é as two characters, and sheets mostly as one."""
    return unicodedata.normalize("NFC", name.replace("\\", "/")).casefold()


def _file(name: str) -> str:
    return PurePosixPath(_path(name)).name


def _stem(name: str) -> str:
    """Without folder and, where it is a picture's, ending."""
    file = _file(name)
    return next((file.removesuffix(ending) for ending in PICTURE_ENDINGS if file.endswith(ending)), file)


_WAYS = (_path, _file, _stem)
