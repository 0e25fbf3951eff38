"""Columns of a products file that are no known field -> attributes, whose kinds are inferred from their values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any

import pandas as pd

from engine.catalogue.attribute_kinds import AttributeKind
from engine.catalogue.snapshot import ITEM_COLUMNS, RESERVED_COLUMNS
from engine.ingest.cells import CONTROL, MAX_TEXT, MAX_TITLE, ProductRows, without_control, without_placeholders
from engine.ingest.columns import behaviour_column
from engine.ingest.presets import ItemRules
from engine.ingest.reading.column_format import answer_for
from engine.ingest.reading.kinds import as_kind, infer_kind
from engine.ingest.reading.numbers import number_format
from engine.ingest.reading.samples import counted_texts
from engine.ingest.reading.texts import TextFormat, plain_values, text_format, texts_within

__all__ = ["LEFT_OUT", "NOT_CONTENT", "add_attribute", "left_out"]

LEFT_OUT = "left out"
NOT_CONTENT = "not content, by the preset"
_MAX_NAME = 100


def add_attribute(
    items: pd.DataFrame, column: str, values: pd.Series, rules: ItemRules, kinds: Mapping[str, str], rows: ProductRows
) -> tuple[str, str, AttributeKind | None]:
    """Add a column to `items` as an attribute unless it must stay out.

    Returns what became of the column, in words, and the attribute's name and kind ("" and None where it stays out).
    """
    values = without_placeholders(values, column)
    form = text_format(texts_within(values))
    values = plain_values(values, form)
    present = [value for value in values if value is not None]
    decided = kinds.get(column) or rules.kinds.get(column)
    if reason := _reason_to_leave_out(column, present, decided, rules, kinds):
        return f"{LEFT_OUT}: {reason}", "", None
    answer = answer_for(rows.formats, "numbers", column)
    inferred = infer_kind(present, column, answer)
    kind: AttributeKind | None = decided or inferred.kind  # type: ignore[assignment]
    if kind is None or not present:
        return f"{LEFT_OUT}: {inferred.reason or 'empty'}", "", None
    if kind == "number":
        # Kinds are told from a sample, forms of numbers from all of them.
        numbers = number_format(counted_texts(present), column, answer)
        inferred = replace(inferred, numbers=numbers)
        rows.decided(column, numbers)
    cleaned, wrong = as_kind(values, kind, inferred)
    for position in wrong[wrong].index:
        message = "not a number, unlike the rest of the column; the product was loaded without it."
        rows.report(position, column, "not_a_number", message, str(values[position]))
    name = _attribute_name(column, items.columns)
    items[name] = _without_control(cleaned, kind, form)
    return kind if name == column else f"{kind}, as {name}", name, kind


def _reason_to_leave_out(
    column: str, present: list[Any], decided: str | None, rules: ItemRules, kinds: Mapping[str, str]
) -> str | None:
    if decided == "skip":
        return "as you said"
    if column not in kinds and left_out(column, rules):
        return NOT_CONTENT
    if column not in kinds and behaviour_column(column):
        return "it counts what shoppers did, which content must not know"
    return "nested" if _nested(present) else None


def left_out(column: str, rules: ItemRules) -> bool:
    """Whether the preset says that a column is not content."""
    return any(fnmatch(column.lower(), pattern.lower()) for pattern in rules.leave_out)


def _nested(present: list[Any]) -> bool:
    return bool(present) and all(isinstance(value, str) and value.startswith(("{", "[{")) for value in present[:100])


def _without_control(values: pd.Series, kind: AttributeKind, form: TextFormat) -> pd.Series:
    if kind == "multi":
        return pd.Series([_clean_list(value, form) for value in values], dtype=object)
    if kind == "number":
        return values
    return values.str.replace(CONTROL, " ", regex=True).str.strip().str.slice(0, MAX_TEXT)


def _clean_list(value: list[str] | None, form: TextFormat) -> list[str] | None:
    parts = [without_control(form.plain(part))[:MAX_TITLE] for part in value or []]
    return [part for part in parts if part] or None


def _attribute_name(column: str, taken: Collection[str]) -> str:
    """The column's name without control characters, with a number where another name differs in case only."""
    base = without_control(column)[:_MAX_NAME] or "attribute"
    used = {name.lower() for name in taken} | {name.lower() for name in ITEM_COLUMNS} | RESERVED_COLUMNS
    name, number = base, 2
    while name.lower() in used:
        name, number = f"{base}_{number}", number + 1
    return name
