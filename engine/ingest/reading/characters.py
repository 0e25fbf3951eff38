"""Characters of numbers and times that Unicode has several of: digits, blanks, minus signs, apostrophes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache

__all__ = ["odd_characters", "plain_characters"]

_BLANKS = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t"
_MINUS = "\u2212\u2010\u2011\u2012\u2013\u2014\u2015\ufe58\ufe63\uff0d"
_APOSTROPHES = "\u2019\u2018\u02bc\u00b4`\uff07\u066c"
_MARKS = {"\u066b": ".", "\uff0e": ".", "\uff0c": ",", "\u060c": ",", "\uff05": "%", "\u066a": "%", "\uff1a": ":"}
_SIGNS = {
    "\\": "¥",
    "\uffe5": "¥",
    "\uff04": "$",
    "\uffe1": "£",
    "\uff0f": "/",
    "\uff08": "(",
    "\uff09": ")",
    "\uff0b": "+",
}
# What Shift JIS has in the place of the yen sign.
_YEN = "\\"
# Left-to-right marks and the like, which say nothing.
_INVISIBLE = "\u200b\u200e\u200f\u061c\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u202e\ufeff"


def odd_characters(texts: Iterable[str]) -> dict[str, str]:
    """The characters in `texts` that stand for a plain one, with that one ("" for what is invisible), in their order.

    Arabic-Indic, full-width and other digits become 0-9; an Arabic thousands mark becomes an apostrophe, which can be
    nothing else.
    """
    found = (
        {letter for text in texts if not text.isascii() for letter in text}
        | {"`" for text in texts if "`" in text}
        | {"\t" for text in texts if "\t" in text}
        | {_YEN for text in texts if text.startswith(_YEN) and text[1:2].isdigit()}
    )
    return {letter: _table()[letter] for letter in sorted(found) if letter in _table()}


def plain_characters(text: str, odd: Mapping[str, str]) -> str:
    """The text with its odd characters replaced, without blanks around it."""
    return text.translate({ord(letter): plain for letter, plain in odd.items()}).strip(" ") if odd else text


@cache
def _table() -> dict[str, str]:
    digits = {
        chr(code): str(unicodedata.decimal(chr(code)))
        for code in range(128, 0x10000)
        if unicodedata.decimal(chr(code), None) is not None
    }
    plain = {" ": _BLANKS, "-": _MINUS, "'": _APOSTROPHES, "": _INVISIBLE}
    return digits | _MARKS | _SIGNS | {letter: one for one, letters in plain.items() for letter in letters}
