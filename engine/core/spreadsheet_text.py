"""Text for spreadsheets and back: text that would run as a formula gets an apostrophe in front, and loses it again.

A spreadsheet executes a cell that begins like a formula, and titles come from strangers: OWASP, "CSV injection". It also splits
a line at another sign than the comma where the reader's country has that custom, so what follows a semicolon, a tab or a line
break within a cell can become a cell of its own, and is guarded like one.
"""

from __future__ import annotations

import re

__all__ = ["MAY_RUN", "guarded", "unguarded"]

_SIGNS = "=+\\-@＝＋－＠﹦﹢﹣﹫"  # with their full-width and small forms, which some spreadsheets take for the same
_BLANK = "[ \\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\xa0\\xad\\u2000-\\u200f\\u2028-\\u202f\\u2060-\\u206f\\u3000\\ufeff]*"  # an import may drop it
# Text that only looks guarded gets another apostrophe, so that every text comes back unchanged.
_FORMULA = rf"'*{_BLANK}[{_SIGNS}]"
_RUNS = re.compile(rf"^(?={_FORMULA}|'*[\t\r\n])|(?<=[;\t\r\n])(?={_FORMULA})")
_GUARDED = re.compile(rf"^'(?={_FORMULA}|'*[\t\r\n])|(?<=[;\t\r\n])'(?={_FORMULA})")
MAY_RUN = r"^[^\p{L}\p{N}]|[;\t\r\n]"
"""What every text matches that `guarded` changes, and few others do: for RE2, which looks through a column at once."""


def guarded(value: object) -> object:
    """A cell that a spreadsheet shows and does not execute; values other than text are returned unchanged."""
    return _RUNS.sub("'", value) if isinstance(value, str) else value


def unguarded(text: str) -> str:
    """The original of a text from `guarded`."""
    return _GUARDED.sub("", text)
