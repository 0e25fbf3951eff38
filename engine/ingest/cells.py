"""Cells of a products file as clean values: texts without control characters, prices as numbers, and None where empty."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from engine.ingest.reading.column_format import answer_for
from engine.ingest.reading.lists import ListFormat, list_format, list_values
from engine.ingest.reading.number_format import NumberFormat
from engine.ingest.reading.numbers import number_format
from engine.ingest.reading.placeholders import missing_texts
from engine.ingest.reading.samples import counted_texts
from engine.ingest.reading.texts import plain_values, text_format, texts_within
from engine.ingest.report import Problem, ProblemLog

__all__ = [
    "CONTROL",
    "MAX_TEXT",
    "MAX_TITLE",
    "ProductRows",
    "clean_prices",
    "clean_texts",
    "plain_texts",
    "present_values",
    "without_control",
    "without_placeholders",
]

MAX_TITLE = 1_000
MAX_TEXT = 20_000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
"""Control characters, invisible format characters and line separators; emoji joiners are not worth the risk."""


@dataclass(frozen=True)
class ProductRows:
    """The rows of `file` that become products.

    Attributes
    ----------
    rows : (n,) their numbers in the file.
    formats : how numbers and dates are written, as the person said (`Corrections.formats`).
    notes : what was decided about columns, filled as they are read.
    found : decided `formats`, filled as columns are read.
    """

    file: str
    rows: pd.Series
    problems: ProblemLog
    formats: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    found: dict[str, str] = field(default_factory=dict)

    def decided(self, column: str, form: NumberFormat) -> None:
        """Note how a column of numbers is read."""
        self.notes.extend(form.notes(column))
        self.found.update(form.answers(column))

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


def without_placeholders(values: pd.Series, column: str) -> pd.Series:
    """The values with None for "—", "n/a" and the like, where the column holds anything else."""
    missing = missing_texts(counted_texts(values), column)
    return values.where(~values.isin(missing), None) if missing else values


def clean_prices(values: pd.Series, column: str | None, rows: ProductRows) -> tuple[pd.Series, str | None]:
    """(n,) float64, NaN without a price, and the currency that all prices share, as ISO code or sign, if they do.

    What is negative or no number is reported.
    """
    name = column or "price"
    form = number_format(counted_texts(values), name, answer_for(rows.formats, "numbers", name))
    rows.decided(name, form)
    prices = form.read(values)
    wrong = (prices.isna() & ~values.map(form.is_missing).astype(bool)) | (prices < 0)
    for position in wrong[wrong].index:
        kind = "negative_number" if prices[position] < 0 else "not_a_number"
        what = "negative" if prices[position] < 0 else "not a number"
        message = f"the price is {what}; the product was loaded without one. Correct it or leave it empty."
        rows.report(position, column, kind, message, str(values[position]))
    return prices.where(~wrong), form.currency


def clean_texts(values: pd.Series, name: str, column: str | None, rows: ProductRows) -> pd.Series:
    """(n,) str, NaN where empty, for the field `name`: without tags, entities and control characters; of several categories
    the narrowest. Texts that are too long are cut and reported.

    Several names of pictures stay a list, as JSON: a blank may be part of a name.
    """
    limit = MAX_TEXT if name in {"description", "image"} else MAX_TITLE
    plain, notes = plain_texts(values, name, column or name)
    rows.notes.extend(notes)
    texts: list[str | None] = []
    for position, text in enumerate(plain):
        if text is not None and len(text) > limit:
            message = (
                f"the text has {len(text):,} characters; only the first {limit:,} were loaded. Is a quote missing?"
            )
            rows.report(position, column, "long_text", message, text)
            text = text[:limit]
        texts.append(text)
    return pd.Series(texts, dtype="str")


def plain_texts(values: pd.Series, name: str, column: str) -> tuple[list[str | None], list[str]]:
    """The values of the field `name` as texts, decided from all of them and None where empty, and what was decided."""
    values = without_placeholders(values, column)
    if name == "image":
        return [None if value is None else without_control(_listed(value)) or None for value in values], []
    form = text_format(texts_within(values))
    values = plain_values(values, form)
    lists = list_format(list(counted_texts(values)), paths=True) if name == "category" else None
    one = _joined if lists is None else lists.narrowest
    plain = [None if value is None else without_control(form.plain(one(value) or "")) or None for value in values]
    return plain, form.notes(column)


def without_control(text: str) -> str:
    """The trimmed text with a blank for every run of control characters."""
    return CONTROL.sub(" ", text).strip()


def _listed(value: Any) -> str:
    return json.dumps(value, default=str) if isinstance(value, list) else str(value)


def _joined(value: Any) -> str:
    """One text for what may be several: all paragraphs of a list."""
    if list_values(value) is not None:
        return " ".join(ListFormat(written=True).parts(value) or [])
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
