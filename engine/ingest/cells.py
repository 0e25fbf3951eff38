"""Cells of a products file as clean values: texts without control characters, prices as numbers, and None where empty."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from engine.catalogue.attribute_kinds import parse_number, split_values
from engine.ingest.report import Problem, ProblemLog

__all__ = [
    "CONTROL",
    "MAX_TEXT",
    "MAX_TITLE",
    "ProductRows",
    "clean_prices",
    "clean_texts",
    "currency_of",
    "present_values",
    "without_control",
]

MAX_TITLE = 1_000
MAX_TEXT = 20_000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
"""Control characters, invisible format characters and line separators; emoji joiners are not worth the risk."""
_CURRENCIES = "£$€¥₹"


@dataclass(frozen=True)
class ProductRows:
    """The rows of `file` that become products; `rows` (n,) are their numbers in the file."""

    file: str
    rows: pd.Series
    problems: ProblemLog

    def report(self, position: int, column: str | None, kind: str, message: str, value: str) -> None:
        """Report a problem of the product at `position`."""
        self.problems.add(Problem(self.file, int(self.rows.iloc[position]), column, kind, message, value))


def present_values(values: pd.Series, missing: Collection[str]) -> pd.Series:
    """Objects: trimmed strings, numbers, booleans or lists, and None for empty cells and the texts in `missing`."""

    def clean(value: Any) -> Any:
        if hasattr(value, "tolist"):
            value = value.tolist()
        if isinstance(value, str):
            value = value.strip()
            return None if value in missing else value
        if isinstance(value, list):
            return [part for part in value if part is not None] or None
        if value is None or value != value:
            return None
        return value if isinstance(value, (int, float)) else str(value)

    return pd.Series([clean(value) for value in values], dtype=object)


def clean_prices(values: pd.Series, column: str | None, rows: ProductRows) -> pd.Series:
    """(n,) float64, NaN without a price; what is negative or no number is reported."""
    prices = []
    for position, value in enumerate(values):
        price = parse_number(value)
        if value is not None and (price is None or price < 0):
            kind = "not_a_number" if price is None else "negative_number"
            what = "not a number" if price is None else "negative"
            message = f"the price is {what}; the product was loaded without one. Correct it or leave it empty."
            rows.report(position, column, kind, message, str(value))
            price = None
        prices.append(price)
    return pd.Series(prices, dtype="float64")


def clean_texts(values: pd.Series, name: str, column: str | None, rows: ProductRows) -> pd.Series:
    """(n,) str, NaN where empty, for the field `name`; texts that are too long are cut and reported."""
    limit = MAX_TEXT if name in {"description", "image"} else MAX_TITLE
    texts: list[str | None] = []
    for position, value in enumerate(values):
        text = None if value is None else without_control(_one_text(value, name)) or None
        if text is not None and len(text) > limit:
            message = (
                f"the text has {len(text):,} characters; only the first {limit:,} were loaded. Is a quote missing?"
            )
            rows.report(position, column, "long_text", message, text)
            text = text[:limit]
        texts.append(text)
    return pd.Series(texts, dtype="str")


def currency_of(prices: pd.Series) -> str | None:
    """The currency sign that all prices written as text share, if they do."""
    signs = {next((sign for sign in _CURRENCIES if sign in value), "") for value in prices if isinstance(value, str)}
    return signs.pop() or None if len(signs) == 1 else None


def without_control(text: str) -> str:
    """The trimmed text with a blank for every run of control characters."""
    return CONTROL.sub(" ", text).strip()


def _one_text(value: Any, name: str) -> str:
    """One text for what may be several: all paragraphs of a description, the last and narrowest of nested categories.

    Several names of pictures stay a list, as JSON: a blank may be part of a name.
    """
    if name == "image" and isinstance(value, list):
        return json.dumps(value, default=str)
    if name == "image" and isinstance(value, str):
        return value
    if isinstance(value, list) or (isinstance(value, str) and value.startswith("[") and value.endswith("]")):
        parts = split_values(value) or []
        return parts[-1] if name == "category" and parts else " ".join(parts)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
