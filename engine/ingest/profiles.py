"""What the values of a column look like, judged by a sample of its rows, and which field they can be."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from engine.ingest.event_words import known_state
from engine.ingest.reading.numbers import number_format
from engine.ingest.reading.times import share_of_times
from engine.ingest.sources import Source
from engine.ingest.staged_sql import MISSING

__all__ = ["ColumnProfile", "Looks", "fits", "names_events", "profile", "profile_columns"]

Looks = Literal[
    "empty",
    "number",
    "money",
    "time",
    "e-mail",
    "picture",
    "address",
    "nested",
    "flag",
    "product kind",
    "words",
    "text",
]
_SAMPLED = 2_000
_SAMPLES_SHOWN = 3
_MOST = 0.9
# A column with the name of a number or a time is taken for one if so many of its values can be.
_SOME = 0.2
_MONTHS = r"(jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zä]*"
_NUMBER = re.compile(r"[-+]?[\d.,'’\s]*\d[\d.,'’\s]*([eE][-+]?\d+)?%?")
_CURRENCY = (
    r"([$£€¥₹₽₩₺₴]|kr\.?|zł|Kč|Ft|lei|Rs\.?|R\$|(US|CA|AU|NZ|HK)\$|USD|EUR|GBP|JPY|CNY|INR|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH"
    r"|AUD|CAD|NZD|SGD|HKD|KRW|BRL|MXN|ZAR|ILS|AED|SAR|THB|IDR|MYR|PHP|VND|TWD|CLP|COP|ARS|PEN)"
)
_MONEY = re.compile(
    rf"((from|ab|à partir de|desde|da|vanaf)\s+)?([-+(]?\s*{_CURRENCY}\s*[-+]?\d[\d.,'’\s–-]*\)?|[-+(]?\d[\d.,'’\s–-]*{_CURRENCY}\)?)"
)
_TIME = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T\s].*)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}([T\s,].*)?"
    rf"|(\w{{2,4}}\.?,\s*)?\d{{1,2}}\.?[\s-]{_MONTHS}\.?[\s,-]+\d{{2,4}}.*|{_MONTHS}\.?\s+\d{{1,2}},?\s+\d{{4}}.*",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
_ADDRESS = re.compile(r"(https?://|www\.)\S+.*", re.IGNORECASE)
_PICTURE = re.compile(r".*\.(jpe?g|jpe|png|webp|gif|bmp|tiff?|avif|heic|heif)([?#\s,;|].*)?", re.IGNORECASE)
_FLAGS = frozenset(
    {"true", "false", "yes", "no", "y", "n", "t", "f", "0", "1", "ja", "nein", "oui", "non", "si", "wahr", "falsch"}
)
# What shop systems call the technical kind of a product, and whether it is shown.
_PRODUCT_KINDS = frozenset(
    {
        *(
            "simple",
            "variable",
            "variation",
            "configurable",
            "grouped",
            "bundle",
            "virtual",
            "external",
            "downloadable",
        ),
        *(
            "physical",
            "digital",
            "giftcard",
            "gift card",
            "gift_card",
            "product",
            "sku",
            "rule",
            "p",
            "d",
            "parent",
            "child",
        ),
        *(
            "active",
            "draft",
            "archived",
            "published",
            "visible",
            "hidden",
            "standard",
            "subscription",
            "pack",
            "service",
        ),
        *("simple, virtual", "simple, downloadable", "simple, downloadable, virtual", "variation, virtual"),
        *("catalog, search", "not visible individually", "enabled", "disabled"),
    }
)
# Without the name of one, a kind of event is a column of few different words, of which some are known.
_MOST_EVENT_KINDS = 60
_EVENT_WORDS = (
    "view",
    "click",
    "cart",
    "purchase",
    "order",
    "buy",
    "basket",
    "detail",
    "wish",
    "checkout",
    "warenkorb",
    "panier",
    "achat",
    "kauf",
)
# More different words than this are no states of orders.
_MOST_STATES = 60


@dataclass(frozen=True)
class ColumnProfile:
    """A column as its sample shows it.

    Attributes
    ----------
    filled : share of the sampled rows that hold a value.
    distinct : different values among them.
    looks : what nine of ten different values look like.
    numeric : share of the different values that are numbers or amounts of money.
    timely : share of them that are written like a time.
    samples : up to three different values, shortened by nobody.
    values : all different values of the sample, in lower case.
    unique : there are several values, and none comes twice.
    """

    filled: float
    distinct: int
    looks: Looks
    numeric: float
    timely: float
    samples: tuple[str, ...]
    values: frozenset[str]
    unique: bool = False


@lru_cache(maxsize=16)
def profile_columns(source: Source) -> dict[str, ColumnProfile]:
    """Column -> its profile, from rows at the start, the middle and the end of the file; do not change it.

    A staged table never changes, so its profile is made once.
    """
    table = _sampled(source)
    return {
        name: profile([_text(value) for value in table.column(position + 1).to_pylist()])
        for position, name in enumerate(source.columns)
        if name
    }


def profile(values: Sequence[str | None]) -> ColumnProfile:
    """The profile of sampled cells; None for an empty one."""
    present = [value for value in values if value is not None and value.strip() not in MISSING]
    distinct = dict.fromkeys(present)
    return ColumnProfile(
        filled=len(present) / max(len(values), 1),
        distinct=len(distinct),
        looks=_looks(list(distinct)),
        numeric=_share_of_numbers(list(distinct)),
        timely=_share_of_times(list(distinct)),
        samples=tuple(distinct)[:_SAMPLES_SHOWN],
        values=frozenset(value.strip().lower() for value in distinct),
        unique=1 < len(distinct) == len(present),
    )


def fits(field: str, column: ColumnProfile) -> bool:
    """Whether a column with these values can be the field; a column without values can be anything."""
    if column.looks == "empty":
        return True
    if field in {"price", "rating", "quantity", "value"}:
        return column.numeric >= _SOME and column.looks != "time"
    if field == "timestamp":
        return column.looks == "number" or column.timely >= _SOME
    if field == "image":
        return column.looks in {"picture", "address", "nested"} or (column.looks == "words" and column.distinct > 1)
    if field == "status":
        return column.distinct <= _MOST_STATES and any(known_state(value) for value in column.values)
    if field in {"title", "brand", "category", "description"}:
        return _is_wording(field, column)
    if field == "event":
        return column.looks in {"words", "product kind"} or (column.looks == "flag" and not column.values <= {"0", "1"})
    return field not in {"user_id", "visitor_id", "item_id"} or column.looks not in {"time", "nested", "money"}


def names_events(column: ColumnProfile) -> bool:
    """Whether the values are a few words, at least half of which are common kinds of event."""
    known = sum(any(word in value for word in _EVENT_WORDS) for value in column.values)
    few = column.looks in {"words", "product kind"} and column.distinct <= _MOST_EVENT_KINDS
    return few and 2 * known >= len(column.values)


def _is_wording(field: str, column: ColumnProfile) -> bool:
    """Whether a column can be a text of the product; categories are no product kinds, and numbers only where few."""
    if column.looks in {"words", "text"}:
        return True
    if column.looks == "nested":
        return field in {"description", "category"}
    if column.looks == "number":
        return field == "category" and 1 < column.distinct <= 50 and all("." not in value for value in column.values)
    return column.looks == "product kind" and field in {"title", "brand"}


def _sampled(source: Source) -> pa.Table:
    """Some rows of the first, the middle and the last row group."""
    with pq.ParquetFile(source.path) as file:
        groups = sorted({0, file.num_row_groups // 2, file.num_row_groups - 1})
        share = -(-_SAMPLED // len(groups))
        parts = []
        for group in groups:
            batch = next(file.iter_batches(batch_size=share, row_groups=[group]), None)
            if batch is not None:
                parts.append(batch)
        return pa.Table.from_batches(parts, schema=parts[0].schema if parts else file.schema_arrow)


def _text(value: Any) -> str | None:
    if value is None or value != value:
        return None
    if isinstance(value, (list, dict)):
        return json.dumps(value, default=str) if value else None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _looks(texts: list[str]) -> Looks:
    if not texts:
        return "empty"
    lowered = {text.strip().lower() for text in texts}
    if lowered <= _FLAGS and not lowered <= {"0"}:
        return "flag"
    if lowered <= _PRODUCT_KINDS:
        return "product kind"
    patterns: Mapping[Looks, re.Pattern[str]] = {
        "number": _NUMBER, "money": _MONEY, "e-mail": _EMAIL, "picture": _PICTURE, "address": _ADDRESS,
    }  # fmt: skip
    shares = {looks: _share(texts, pattern) for looks, pattern in patterns.items()} | {"time": _share_of_times(texts)}
    if shares["number"] < 1.0 and shares["money"] > 0 and _share(texts, _NUMBER, _MONEY) >= _MOST:
        return "money"
    for looks, share in shares.items():
        if share >= _MOST and not (looks == "number" and shares["time"] >= _MOST):
            return looks
    if sum(text.lstrip().startswith(("[{", "{", '["')) for text in texts) >= _MOST * len(texts):
        return "nested"
    words = sum(len(text.split()) for text in texts) / len(texts)
    return "text" if words > 8 else "words"


def _share_of_numbers(texts: list[str]) -> float:
    """The share of what looks like a number or can be read as one in a column like this."""
    form = number_format(dict.fromkeys(texts, 1), "rating")
    read = sum(form.number(text.strip()) is not None for text in texts) / len(texts) if texts else 0.0
    return max(_share(texts, _NUMBER, _MONEY), read)


def _share_of_times(texts: list[str]) -> float:
    return max(_share(texts, _TIME), share_of_times(dict.fromkeys((text.strip() for text in texts), 1)))


def _share(texts: list[str], *patterns: re.Pattern[str]) -> float:
    matching = sum(any(pattern.fullmatch(text.strip()) for pattern in patterns) for text in texts)
    return matching / len(texts) if texts else 0.0
