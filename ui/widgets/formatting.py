"""How counts, prices, times and the texts of strangers are written on screen."""

from __future__ import annotations

import html
import math
import re
from datetime import UTC, datetime, tzinfo
from numbers import Number

import pandas as pd

from engine.core.visible_text import visible
from engine.release.manifest import Manifest

__all__ = [
    "count_phrase",
    "day_phrase",
    "duration_phrase",
    "fact_phrase",
    "fact_text",
    "html_text",
    "plain",
    "plural",
    "price_phrase",
    "release_phrase",
    "singular",
    "text_or_none",
    "visible_cells",
]

# What has a meaning in the Markdown of one line; signs that have one only where a line begins, and numbers there; and what
# the browser turns into links, icons, arrows and pictures although it is escaped: addresses, and names between colons.
_MARKED = re.compile(r"([\\`*_\[\]<>!~|$&(){}^#]|:(?=\S)|^[-+=])")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])")
_LINKED = re.compile(r"(?i)(?<=\bwww)(?=\.)|(?=@)|(?=:(?://|[\w+\-/]*:))|(?<=:)(?=[\w+\-/]+:)")
_ARROW = re.compile(r"(?<!\S)(<|-|>|~)(?=(?:->|>|-|=)(?!\S))")
_JOINER = "\u2060"  # takes no room and breaks no line
_SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "INR": "₹", "CNY": "CN¥", "AUD": "A$", "CAD": "C$"}


def singular(word: str) -> str:
    """One of what the shop counts: clicks -> click, purchases -> purchase, a word without an s stays."""
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 product`, `2,000 products`, `no products`."""
    if count == 0:
        return f"no {many or one + 's'}"
    return f"1 {one}" if count == 1 else f"{count:,} {many or one + 's'}"


def count_phrase(count: int, word: str) -> str:
    """An interaction count in the shop's own word (given in the plural): `3 clicks`, `1 buyer`, `no ratings`."""
    return plural(count, singular(word), word)


def price_phrase(price: object, currency: str | None) -> str:
    """`£1,234.50`, `59.00 SEK`, or nothing where the price is missing."""
    if not isinstance(price, int | float) or not math.isfinite(price):
        return ""
    if currency is None:
        return f"{price:,.2f}"
    symbol = _SYMBOLS.get(currency.upper()) or (currency if len(currency) == 1 else None)
    return f"{symbol}{price:,.2f}" if symbol else f"{price:,.2f} {currency}"


def fact_text(value: object) -> str | None:
    """An attribute's value as text: several with commas, numbers without needless zeros; None where it is not known."""
    if isinstance(value, list | tuple) or (hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1):
        return ", ".join(str(part) for part in value) or None  # type: ignore[attr-defined]
    if isinstance(value, float):
        return None if value != value else f"{value:g}"
    return text_or_none(value)


def fact_phrase(name: str, value: object) -> str | None:
    """An attribute as it is said without its heading: a number with its name, anything else alone; None where it is not known."""
    text = fact_text(value)
    return f"{name.replace('_', ' ')} {text}" if text and isinstance(value, Number) else text


def release_phrase(release_id: str) -> str:
    """`release 12` of `r0012`, within a sentence."""
    return f"release {Manifest(release_id).number}"


def day_phrase(moment: datetime, *, now: datetime | None = None, zone: tzinfo | None = None) -> str:
    """`today 09:14`, `yesterday 17:02`, `3 March 2026`, in `zone` (the machine's own unless given)."""
    local = moment.astimezone(zone)
    days = ((now or datetime.now(UTC)).astimezone(zone).date() - local.date()).days
    if days in (0, 1):
        return f"{'today' if days == 0 else 'yesterday'} {local:%H:%M}"
    return f"{local.day} {local:%B %Y}"


def duration_phrase(seconds: float) -> str:
    """Roughly how long: `a few seconds`, `40 s`, `2 min`, `1 h 20 min`."""
    if seconds < 5:
        return "a few seconds"
    if seconds < 90:
        return f"{round(seconds / 5) * 5} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def plain(text: object) -> str:
    """Text of strangers for a sentence that is Markdown: shown as it stands, with no link, picture or format in it.

    Whatever Streamlit takes for Markdown (labels, messages, help texts) gets strangers' text through this alone;
    `tests/test_strangers_text.py` holds it.
    """
    broken = _ARROW.sub(rf"\1{_JOINER}", _LINKED.sub(_JOINER, visible(text)))
    return _NUMBERED.sub(r"\1\\\2", _MARKED.sub(r"\\\1", broken))


def html_text(text: object) -> str:
    """Text of strangers for a place between tags or quotation marks of our own HTML."""
    return html.escape(visible(text))


def visible_cells(table: pd.DataFrame) -> pd.DataFrame:
    """A copy of a table for the screen in which every text is `visible`."""
    shown = table.copy()
    for name in shown.columns:
        if shown[name].dtype == object or pd.api.types.is_string_dtype(shown[name].dtype):
            shown[name] = shown[name].map(lambda value: visible(value) if isinstance(value, str) else value)
    return shown


def text_or_none(value: object) -> str | None:
    """A cell of the catalogue as text; None where it is missing (None, NaN) or blank."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    text = str(value).strip()
    return text if text and text != "<NA>" else None
