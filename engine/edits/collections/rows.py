"""A collection: rows of a sheet with the pictures they name, each ready to become a draft or with what is to be mended."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

import pandas as pd

from engine.core.errors import SheetError
from engine.untrusted.sheets import UNREAD
from engine.untrusted.spreadsheet_text import guarded, unguarded

__all__ = ["TEXTS", "CollectionRow", "RowState", "problems_table", "read_collection"]

RowState = Literal["mend", "look", "ready", "saved"]

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
TOLD = "row", "what to mend"  # the columns that rows to mend come back with
SEVERAL = re.compile(r"\s*[;|]\s*")
# What the store of drafts takes.
MOST_PICTURES, LONGEST_ID = 20, 200
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
    doubts : what is worth a second look and keeps nothing from being saved, (column, sentence).
    saved : the id of the draft that it is, where it was saved already (`standing.stand` finds out).
    """

    number: int
    product_id: str | None
    item: dict[str, Any]
    pictures: tuple[str, ...]
    problems: tuple[tuple[str, str], ...] = field(default_factory=tuple)
    doubts: tuple[tuple[str, str], ...] = field(default_factory=tuple)
    saved: str | None = None

    @property
    def ready(self) -> bool:
        """Whether it can be stored as it is."""
        return not self.problems and self.saved is None

    @property
    def state(self) -> RowState:
        """Where it stands: to mend, ready but worth a look, ready, or saved."""
        if self.saved is not None:
            return "saved"
        return "mend" if self.problems else "look" if self.doubts else "ready"


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
    given = _Pictures(pictures)
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
        doubts: list[tuple[str, str]] = []
        found: list[str] = []
        for name in named:
            column = next(str(c) for c, f in columns.items() if f == "pictures")
            matches = given.named(name)
            if not matches:
                problems.append((column, f"there is no picture {name} among those given; add it, or clear the cell"))
            elif matches[0] not in found:
                found.append(matches[0])
            if len(matches) > 1:
                doubts.append((column, f"{len(matches)} of the pictures are called {name}; {matches[0]} is taken"))
        if not named and product_id:
            found += given.of_id(product_id)
        if len(found) > MOST_PICTURES:
            problems.append(("pictures", f"{len(found)} pictures are too many (at most {MOST_PICTURES})"))
        if attributes:
            item["attributes"] = attributes
        if not item.get("title") and not found and not problems:
            problems.append(("title", "there is neither a title nor a picture; give it one"))
        rows.append(CollectionRow(int(number), product_id, item, tuple(found), tuple(problems), tuple(doubts)))
    return rows


def problems_table(sheet: pd.DataFrame, rows: Sequence[CollectionRow]) -> pd.DataFrame:
    """The rows to mend as they were, with a column "what to mend": to download, mend and give back.

    Cells are guarded as a spreadsheet needs it; `read_collection` takes that off again.
    """
    bad = {row.number: "; ".join(f"{column}: {text}" for column, text in row.problems) for row in rows if row.problems}
    there = sheet.drop(columns=list(TOLD), errors="ignore")  # of a sheet that was mended before
    table = there[there.index.isin(list(bad))].map(lambda text: guarded(unguarded(text)))
    table.columns = [guarded(str(name)) for name in table.columns]
    table.insert(0, TOLD[1], [bad[int(number)] for number in table.index])
    table.insert(0, TOLD[0], [int(number) for number in table.index])
    return table


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
        text = unguarded(str(values[column]).strip())
        if not text:
            continue
        if meant == "item_id":
            product_id = text
            if len(text) > LONGEST_ID:
                problems.append((str(column), f"an id has at most {LONGEST_ID} characters"))
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
    return re.sub(r"[\s\-]+", "_", unguarded(name.strip()).casefold())


class _Pictures:
    """The pictures that were given, by the ways a sheet may name one: with its folder, as a file, without its ending."""

    def __init__(self, names: Collection[str]) -> None:
        self._ways: list[dict[str, list[str]]] = [defaultdict(list) for _ in _WAYS]
        for name in sorted(names):
            for way, by in zip(_WAYS, self._ways, strict=True):
                by[way(name)].append(name)

    def named(self, name: str) -> list[str]:
        """Those that a cell means, the one to take first."""
        return next((by[way(name)] for way, by in zip(_WAYS, self._ways, strict=True) if way(name) in by), [])

    def of_id(self, product_id: str) -> list[str]:
        """The one that is called like a product's id."""
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
