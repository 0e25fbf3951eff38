"""Decides whether a column of texts holds HTML, and turns such texts into plain ones.

selectolax (lexbor) takes the tags out: it gave the same texts as nh3 on eleven broken and whole snippets, three times as fast.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from selectolax.lexbor import LexborHTMLParser

from engine.ingest.reading.column_format import ColumnFormat
from engine.ingest.reading.lists import list_values

__all__ = ["TextFormat", "plain_values", "text_format", "texts_within"]

_NAMES = (
    "a|abbr|article|b|big|blockquote|body|br|center|code|dd|div|dl|dt|em|figure|font|form|h[1-6]|head|hr|html|i|iframe|img|input"
    "|label|li|link|meta|nav|ol|p|pre|s|script|section|small|span|strike|strong|style|sub|sup|svg|table|tbody|td|tfoot|th"
    "|thead|title|tr|u|ul|video"
)
_TAG = re.compile(rf"</?(?:{_NAMES})(?:\s[^<>]*)?/?>|<!--", re.IGNORECASE)
# What a browser begins a new line for becomes a blank; "<b>bold</b>ish" stays one word.
_BLOCK = re.compile(
    r"(?=</?(?:article|blockquote|br|dd|div|dl|dt|figure|h[1-6]|hr|li|ol|p|pre|section|table|td|th|tr|ul)\b)",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,30}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});")
_BLANKS = re.compile(r"[ \u00a0]{2,}|\u00a0")
# "&amp;amp;" was encoded twice; nobody encodes four times.
_MOST_LAYERS = 3


@dataclass(frozen=True, kw_only=True)
class TextFormat(ColumnFormat):
    """Whether the texts of a column hold HTML `tags` and `entities` such as &amp;."""

    tags: bool = False
    entities: bool = False

    def plain(self, text: str) -> str:
        """The text as a reader of the page would see it."""
        if self.tags and _TAG.search(text):
            text = _without_tags(text)
        for _ in range(_MOST_LAYERS if self.entities else 0):
            if not _ENTITY.search(text):
                break
            text = html.unescape(text)
            if self.tags and _TAG.search(text):
                text = _without_tags(text)
        return _BLANKS.sub(" ", text).strip() if self.tags or self.entities else text


def text_format(texts: Iterable[str]) -> TextFormat:
    """Whether the texts of a column hold tags or entities; encoded tags (&lt;p&gt;) count where no tag is written plainly."""
    entities = tags = encoded = False
    for text in texts:
        tags = tags or ("<" in text and _TAG.search(text) is not None)
        if "&" in text and _ENTITY.search(text):
            entities = True
            encoded = encoded or _TAG.search(html.unescape(text)) is not None
    found = [name for name, there in (("tags", tags or encoded), ("entities", entities)) if there]
    note = f"HTML {' and '.join(found)} became plain text" if found else ""
    return TextFormat(note=note, tags=tags or encoded, entities=entities)


def texts_within(values: Iterable[Any]) -> Iterator[str]:
    """The texts of a column, and those in its lists."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (part for part in value if isinstance(part, str))


def plain_values(values: pd.Series, form: TextFormat) -> pd.Series:
    """The values with plain texts; what is written as a list stays, since its parts are texts of their own."""
    if not form.note:
        return values
    plain = [form.plain(value) if isinstance(value, str) and list_values(value) is None else value for value in values]
    return pd.Series(plain, index=values.index, dtype=object)


def _without_tags(text: str) -> str:
    page = LexborHTMLParser(_BLOCK.sub(" ", text))
    page.strip_tags(["script", "style"])
    return page.text()
