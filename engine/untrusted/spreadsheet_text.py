"""Text on its way into a spreadsheet and back: what would run as a formula there gets an apostrophe, and loses it again."""

from __future__ import annotations

import re

__all__ = ["guarded", "unguarded"]

# As OWASP advises ("CSV injection"). Text that only looks guarded gets one more, so that every text comes back as it was.
_RUNS = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")
_GUARDED = re.compile(r"'+[=+\-@＝＋－＠\t\r\n]")


def guarded(value: object) -> object:
    """A cell that a spreadsheet shows and does not run; what is no text stays as it is."""
    return f"'{value}" if isinstance(value, str) and _RUNS.match(value) else value


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if _GUARDED.match(text) else text
