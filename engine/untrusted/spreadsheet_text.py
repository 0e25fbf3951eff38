"""Text for spreadsheets and back: text that would run as a formula gets an apostrophe in front, and loses it again."""

from __future__ import annotations

import re

__all__ = ["guarded", "unguarded"]

# As OWASP advises ("CSV injection"). Text that only looks guarded gets another one, so that every text comes back unchanged.
_RUNS = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")
_GUARDED = re.compile(r"'+[=+\-@＝＋－＠\t\r\n]")


def guarded(value: object) -> object:
    """A cell that a spreadsheet shows and does not execute; values other than text are returned unchanged."""
    return f"'{value}" if isinstance(value, str) and _RUNS.match(value) else value


def unguarded(text: str) -> str:
    """The original of a text from `guarded`."""
    return text[1:] if _GUARDED.match(text) else text
