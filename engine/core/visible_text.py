"""Texts of strangers for people to read: on one line, with nothing invisible in them that hides or reorders what is around.

Titles, names and messages may hold control characters, halves of characters (lone surrogates), overrides of the writing
direction ("Trojan Source", CVE-2021-42574), characters without width, and towers of accents that cover other lines. What
writing needs stays: Arabic and Hebrew, joiners within Indic scripts, Persian and emoji, flags, and accents.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["printable", "visible"]

MOST_ACCENTS = 6  # on one letter; no script in use needs more
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f")  # Scotland's and its like
# Formatting characters that writing needs: the marks of a direction, which alone reorder nothing, and signs around numbers.
_NEEDED = frozenset(
    "\u061c\u200e\u200f\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
_JOINERS = frozenset("\u200c\u200d")
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")  # blank, but no spaces
_PLAIN = re.compile(r"[ -~\u00a1-\u00ac\u00ae-\u02ff]*")  # nothing in these needs a second look


def visible(text: object) -> str:
    """The text as people may see it: one line, nothing invisible; isolated where it is written from right to left.

    What is beside an isolated text keeps its order whatever the text holds (Unicode Standard Annex 9, first strong isolate).
    """
    shown = " ".join(_without_hidden(" ".join(str(text).split())).split())
    isolated = not shown.isascii() and any(unicodedata.bidirectional(char) in ("R", "AL") for char in shown)
    return f"{_FIRST_STRONG_ISOLATE}{shown}{_POP_ISOLATE}" if isolated else shown


def printable(text: str) -> str:
    """The lines of a text for a terminal, as they are but for what is invisible or would be a command to it."""
    return "\n".join(map(_without_hidden, text.split("\n")))


def _without_hidden(line: str) -> str:
    if _PLAIN.fullmatch(line):
        return line
    parts, at = [], 0
    for flag in _FLAG.finditer(line):
        parts += [_cleaned(line[at : flag.start()]), flag.group()]
        at = flag.end()
    return "".join([*parts, _cleaned(line[at:])])


def _cleaned(text: str) -> str:
    kept: list[str] = []
    accents = 0
    for char in text:
        kind = unicodedata.category(char)
        accents = accents + 1 if kind in ("Mn", "Me") else 0
        if kind == "Cs":
            kept.append("\ufffd")
        elif accents <= MOST_ACCENTS and _is_shown(char, kind, kept[-1] if kept else ""):
            kept.append(char)
    return "".join(kept)


def _is_shown(char: str, kind: str, before: str) -> bool:
    if char in _JOINERS:  # between Latin letters they join nothing
        return before > "\u02ff" and before not in _JOINERS
    if _is_variation(char):
        return bool(before) and not _is_variation(before)
    return char in _NEEDED or not (kind in ("Cc", "Cf") or char in _FILLERS)


def _is_variation(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
