"""Whether a table's first row names its columns, judged by how its cells differ from those below."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["first_row_names"]

Rows = Sequence[Sequence[str]]

_KINDS = (
    ("number", re.compile(r"[-+]?[$€£¥]?\s?\d[\d.,' ]*(e[-+]?\d+)?\s?[%$€£¥]?", re.IGNORECASE)),
    ("time", re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?|\d{1,2}:\d{2}(:\d{2})?")),
    ("address", re.compile(r"(https?:)?//\S+|\S+@\S+\.\w+")),
    ("nested", re.compile(r"\{.*\}|\[([\"'{\d].*)?\]", re.DOTALL)),
    ("truth", re.compile(r"true|false", re.IGNORECASE)),
    ("id", re.compile(r"(?=.*\d)[0-9a-f]{8}-?[0-9a-f-]{4,}|(?=(.*\d){3})[A-Z0-9]{8,}")),
)
_YEAR = re.compile(r"(19|20)\d\d")
_MISSING = frozenset({"", "na", "n/a", "null", "none", "nan", "-", "\\n"})
# What shops call the columns that matter, without case, blanks and underscores: no cell of data is likely to say so.
_FIELDS = frozenset(
    {
        *("id", "itemid", "productid", "articleid", "movieid", "variantid", "sku", "asin", "parentasin", "isbn", "ean"),
        *("stockcode", "handle", "title", "productname", "itemname", "name", "description", "price", "unitprice"),
        *(
            "category",
            "categoryname",
            "brand",
            "vendor",
            "manufacturer",
            "imageurl",
            "imagelink",
            "userid",
            "customerid",
        ),
        *("visitorid", "clientid", "shopperid", "sessionid", "orderid", "invoiceno", "eventtype", "eventname"),
        *(
            "rating",
            "quantity",
            "qty",
            "timestamp",
            "eventtime",
            "datetime",
            "date",
            "createdat",
            "invoicedate",
            "orderdate",
        ),
    }
)


def first_row_names(rows: Rows) -> bool | None:
    """Whether the first of these rows names the columns; None where nothing speaks for or against it.

    It does where it has a name that shops use for a field, or a word above a column of numbers, times or addresses. It
    does not where it holds a number, a time or an address, or a word that comes again below it or is built like every
    id below it.
    """
    first, body = rows[0], rows[1:]
    cells = [cell.strip() for cell in first]
    named = sum(_plain(cell) in _FIELDS for cell in cells)
    typed = sum(_kind(cell) not in ("text", "") for cell in cells)
    columns = [_kind_of_column(body, position) for position in range(len(cells))]
    if named:
        return named >= typed - sum(_YEAR.fullmatch(cell) is not None for cell in cells)
    if _counts_columns(cells):
        return any(kind not in ("number", "") for kind in columns)
    if typed:
        return False
    if any(cell and kind not in ("text", "") for cell, kind in zip(cells, columns, strict=True)):
        return True
    if list(first) in [list(row) for row in body]:
        return None  # a header that comes again where files were put together, or a row that does
    return False if any(_recurs(cell, body, position) for position, cell in enumerate(cells) if cell) else None


def _plain(cell: str) -> str:
    """A name without case, blanks and the type that RecBole writes after it."""
    return re.sub(r"[\W_]", "", cell.split(":")[0] if not cell.startswith("g:") else cell[2:]).lower()


def _kind(cell: str) -> str:
    if cell.lower() in _MISSING:
        return ""
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(cell)), "text")


def _kind_of_column(body: Rows, position: int) -> str:
    """The kind of nine tenths of the column's filled cells; "text" for a mixture, "" for an empty column."""
    kinds = Counter(_kind(row[position].strip()) for row in body if len(row) > position and row[position].strip())
    if not kinds:
        return ""
    kind, count = kinds.most_common(1)[0]
    return kind if count >= 0.9 * kinds.total() else "text"


def _counts_columns(cells: Sequence[str]) -> bool:
    """Whether the cells count 0, 1, 2, ..., as programs write for columns without names; the first may be empty."""
    numbers = cells if cells[0] else cells[1:]
    return len(numbers) > 1 and list(numbers) == [str(number) for number in range(len(numbers))]


def _recurs(cell: str, body: Rows, position: int) -> bool:
    """Whether the cell is one of many alike: its value comes again below, or all are built like it ("u17", "u23")."""
    values = [row[position].strip() for row in body if len(row) > position]
    if cell in values:
        return True
    shape = _shape(cell)
    return "9" in shape and len(values) > 1 and all(_shape(value) == shape for value in values)


def _shape(cell: str) -> str:
    return re.sub(r"[a-z]+", "a", re.sub(r"[A-Z]+", "A", re.sub(r"\d+", "9", cell)))
