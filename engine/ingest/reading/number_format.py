"""The form of a column of numbers, and the two ways to apply it: to values in Python, and as SQL in DuckDB.

A form is a pattern that a whole text must match (in the syntax that Python's `re` and DuckDB's RE2 share), whose first
group is the amount. Both executors try the forms in their order and cast the amount without its grouping marks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from engine.ingest.reading.characters import plain_characters
from engine.ingest.reading.column_format import ColumnFormat
from engine.ingest.staged_sql import quoted

__all__ = ["AMBIGUOUS", "AMOUNTS", "PLAIN", "NumberForm", "NumberFormat"]

_EXPONENT = "(?:[eE][-+]?[0-9]{1,2})?"


def _amount(decimal: str, group: str) -> str:
    """A pattern for amounts with this decimal mark: digits in groups of three (or India's of two), or in none."""
    point, comma = re.escape(decimal), re.escape(group)
    grouped = "|".join(f"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+" for mark in (comma, " ", "'"))
    indian = f"[1-9][0-9]?(?:{comma}[0-9]{{2}})+{comma}[0-9]{{3}}"
    return f"(?:(?:{grouped}|{indian}|[0-9]+)(?:{point}[0-9]*)?|{point}[0-9]+){_EXPONENT}"


AMOUNTS = {".": _amount(".", ","), ",": _amount(",", ".")}
"""Decimal mark -> pattern of the amounts that can be read with it."""
AMBIGUOUS = "[1-9][0-9]{0,2}[.,][0-9]{3}"
"""Pattern of the amounts that are a thousand or a fraction: 1.299, 1,299."""
PLAIN = rf"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+){_EXPONENT})"
"""Pattern of numbers as programs write them, which SQL can cast as they are."""


@dataclass(frozen=True)
class NumberForm:
    """One way in which numbers of a column are written.

    Attributes
    ----------
    pattern : what a whole text must match; the first group is the amount.
    mark : the decimal mark, "." or ",".
    negative : whether such numbers are below zero, e.g. (12.00).
    """

    pattern: str
    mark: str
    negative: bool = False

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def amount(self, text: str) -> float | None:
        """The number, or None where the text has another form."""
        match = self._compiled.fullmatch(text)
        if match is None:
            return None
        plain = match.group(1).replace(" ", "").replace("'", "").replace("," if self.mark == "." else ".", "")
        number = float(plain.replace(",", "."))
        return -number if self.negative else number

    def sql(self, text: str) -> str:
        """SQL for the number (DOUBLE), null where the text has another form."""
        if self.pattern == PLAIN:
            return f"CASE WHEN regexp_full_match({text}, {quoted(PLAIN)}) THEN try_cast({text} AS DOUBLE) END"
        amount = f"regexp_extract({text}, {quoted(f'^(?:{self.pattern})$')}, 1)"
        for mark in (" ", "'", "," if self.mark == "." else "."):
            amount = f"replace({amount}, {quoted(mark)}, '')"
        if self.mark == ",":
            amount = f"replace({amount}, ',', '.')"
        return f"{'-' if self.negative else ''}try_cast({amount} AS DOUBLE)"


@dataclass(frozen=True, kw_only=True)
class NumberFormat(ColumnFormat):
    """How the numbers of a column are written.

    Attributes
    ----------
    forms : tried in this order.
    refused : pattern of texts that could be two numbers and are therefore read as none; "" for none.
    doubtful : pattern of texts that the column's question is about; "" for none.
    odd : characters to replace first, e.g. Arabic digits.
    missing : texts that stand for no number, in lower case.
    decimal : "point" or "comma", None where the column has no marks or no one decimal mark.
    currency : ISO code or sign, None where the column has none or several.
    unit : what is measured, e.g. "kg", None where the column has no unit.
    """

    forms: tuple[NumberForm, ...]
    refused: str = ""
    doubtful: str = ""
    odd: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    decimal: str | None = None
    currency: str | None = None
    unit: str | None = None

    def number(self, value: Any) -> float | None:
        """The number that a text or number holds; None for anything else, for infinities and for what is missing."""
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            return None
        number = self._from_text(value) if isinstance(value, str) else float(value)
        return number if number is not None and abs(number) < float("inf") else None

    def read(self, values: pd.Series) -> pd.Series:
        """(n,) float64, NaN where there is no number."""
        return pd.Series([self.number(value) for value in values], index=values.index, dtype="float64")

    def doubts(self, text: str) -> bool:
        """Whether a text could be another number than the one that is read."""
        return bool(self.doubtful) and re.fullmatch(self.doubtful, plain_characters(text, self.odd)) is not None

    def answers(self, column: str) -> dict[str, str]:
        """What a person would have to say of `column` for its numbers to be read like these."""
        return {f"numbers.{column}": self.decimal} if self.decimal else {}

    def is_missing(self, value: Any) -> bool:
        """Whether a value says that there is no number, rather than holding one that cannot be read."""
        return value is None or value != value or (isinstance(value, str) and value.lower() in self.missing)

    def sql(self, text: str) -> str:
        """SQL for the numbers (DOUBLE) in a column of texts without blanks around them, null for other texts."""
        plain = _plain_sql(text, self.odd)
        read = ", ".join(form.sql(plain) for form in self.forms)
        number = f"coalesce({read})" if len(self.forms) > 1 else read
        if self.refused:
            number = f"CASE WHEN NOT regexp_full_match({plain}, {quoted(self.refused)}) THEN {number} END"
        return number

    def present_sql(self, text: str) -> str:
        """SQL for the texts that are meant to hold a number: null for those that say there is none."""
        if not self.missing:
            return text
        return f"CASE WHEN lower({text}) IN ({', '.join(map(quoted, self.missing))}) THEN NULL ELSE {text} END"

    def _from_text(self, text: str) -> float | None:
        plain = plain_characters(text, self.odd)
        if self.refused and re.fullmatch(self.refused, plain):
            return None
        return next((number for form in self.forms if (number := form.amount(plain)) is not None), None)


def _plain_sql(text: str, odd: Mapping[str, str]) -> str:
    if not odd:
        return text
    # Letters without a counterpart are deleted, so they come last.
    letters = sorted(odd, key=lambda letter: not odd[letter])
    return f"trim(translate({text}, {quoted(''.join(letters))}, {quoted(''.join(odd[letter] for letter in letters))}), ' ')"
