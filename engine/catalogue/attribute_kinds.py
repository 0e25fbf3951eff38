"""The kinds of attributes, inferred from a column's values: the same values always give the same kind."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

__all__ = ["AttributeKind", "Inferred", "as_kind", "infer_kind", "parse_number", "split_values"]

AttributeKind = Literal["category", "number", "text", "multi"]

# Kinds are inferred from at most so many values, taken evenly from the whole column.
_SAMPLE = 20_000
_SEPARATORS = ("|", ";", ",")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?|\d{1,2}[/.]\d{1,2}[/.]\d{4}.*")
_ADDRESS = re.compile(r"(https?://|www\.)\S+", re.IGNORECASE)
_MONEY = re.compile(r"[^0-9.,+-]+")
_TRUTH = frozenset({"true", "false", "yes", "no", "y", "n", "t", "f", "0", "1"})


@dataclass(frozen=True)
class Inferred:
    """A column's kind, or None with the reason why it is left out; `separator` divides the values of a multi-valued one."""

    kind: AttributeKind | None
    reason: str = ""
    separator: str | None = None


def infer_kind(values: Sequence[Any]) -> Inferred:
    """The kind of a column, from its present values: strings, numbers, booleans or lists.

    Lists are multi-valued. Strings are numbers if all are (True, False, 0 and 1 are a category), multi-valued if "|", ";"
    or "," cuts them into pieces that recur, text if they are long or hardly ever repeat, and otherwise a category.
    Left out: empty columns, dates, web addresses, and codes that no two products share.
    """
    present = list(values)
    if not present:
        return Inferred(None, "empty")
    sample = present[:: -(-len(present) // _SAMPLE)]
    if any(isinstance(value, list) for value in sample):
        return Inferred("multi")
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in sample):
        return Inferred("category" if set(sample) <= {0, 1} else "number")
    texts = [str(value) for value in sample]
    return _kind_by_pattern(texts) or _kind_by_length(texts)


def _kind_by_pattern(texts: list[str]) -> Inferred | None:
    """What (nearly) all texts are: truth values, numbers, addresses, dates or lists; None for anything else."""
    if {text.lower() for text in texts} <= _TRUTH:
        return Inferred("category")
    if all(_NUMBER.fullmatch(text) for text in texts):
        # Leading zeros are part of a code: "007" is not 7.
        coded = any(re.match(r"0\d", text) for text in texts)
        return Inferred("category" if coded else "number")
    if _most(_ADDRESS, texts):
        return Inferred(None, "web addresses")
    if _most(_DATE, texts):
        return Inferred(None, "dates")
    separator = "json" if _json_lists(texts) else _separator(texts)
    return Inferred("multi", separator=separator) if separator else None


def _kind_by_length(texts: list[str]) -> Inferred:
    words = sum(len(text.split()) for text in texts) / len(texts)
    unique = len(set(texts)) / len(texts)
    if len(texts) >= 20 and unique == 1.0 and words < 1.1:
        return Inferred(None, "a code of its own for every product")
    long = words > 8 or sum(map(len, texts)) / len(texts) > 60
    sentences = unique > 0.8 and words > 2.5 and len(texts) >= 5
    return Inferred("text" if (long and unique > 0.2) or sentences else "category")


def as_kind(values: pd.Series, kind: AttributeKind, separator: str | None = None) -> tuple[pd.Series, pd.Series]:
    """The column as float64, strings or lists of strings, and a mask of the values that could not become numbers."""
    wrong = pd.Series(False, index=values.index)
    if kind == "number":
        numbers = pd.Series([parse_number(value) for value in values], index=values.index, dtype="float64")
        return numbers, numbers.isna() & values.notna()
    if kind == "multi":
        lists = [split_values(value, separator) for value in values]
        return pd.Series(lists, index=values.index, dtype=object), wrong
    texts = [None if value is None or value != value else _text(value) for value in values.astype(object)]
    return pd.Series(texts, index=values.index, dtype="str"), wrong


def parse_number(value: Any) -> float | None:
    """The number in 12, "12.99", "£1,299.00", "12,99 €" or "$5"; None for anything else, and for infinities."""
    if value is None or isinstance(value, (list, dict)):
        return None
    if isinstance(value, (int, float)):
        number = float(value)
    else:
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            text = _without_currency(text)
        if not _NUMBER.fullmatch(text):
            return None
        number = float(text)
    return number if abs(number) < float("inf") else None


def _without_currency(text: str) -> str:
    """An amount of money with a decimal point and nothing else; "" for what is none."""
    if re.search(r"\d[^0-9.,\s]*[-/\s]+[^0-9.,\s]*\d", text) or sum(letter.isalpha() for letter in text) > 3:
        return ""
    text = _MONEY.sub("", text)
    if re.fullmatch(r"[-+]?\d{1,3}(\.\d{3})*,\d{1,2}|[-+]?\d+,\d{1,2}", text):
        return text.replace(".", "").replace(",", ".")
    if re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?", text):
        return text.replace(",", "")
    return text


def split_values(value: Any, separator: str | None = None) -> list[str] | None:
    """The values of a list, a JSON list or a separated text: trimmed, each once, in their order; None if there are none."""
    if value is None or (isinstance(value, float) and value != value):
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str):
        value = _split_text(value, separator)
    parts = value if isinstance(value, list) else [value]
    texts = [_text(part).strip() for part in parts if part is not None and not isinstance(part, (dict, list))]
    return list(dict.fromkeys(text for text in texts if text)) or None


def _split_text(text: str, separator: str | None) -> list[Any]:
    if text.startswith("[") and separator in {None, "json"}:
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = None
        if isinstance(parsed, list):
            return parsed
    mark = separator if separator not in {None, "json"} else _mark(text)
    return text.split(mark) if mark else [text]


def _mark(text: str) -> str | None:
    return next((separator for separator in _SEPARATORS if separator in text), None)


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _most(pattern: re.Pattern[str], texts: list[str]) -> bool:
    return sum(pattern.fullmatch(text.strip()) is not None for text in texts) >= 0.95 * len(texts)


def _json_lists(texts: list[str]) -> bool:
    if not all(text.startswith("[") and text.endswith("]") for text in texts):
        return False
    try:
        return all(isinstance(json.loads(text), list) for text in texts)
    except ValueError:
        return False


def _separator(texts: list[str]) -> str | None:
    """The mark that cuts at least a tenth of the values into short pieces that recur in other values."""
    return next((separator for separator in _SEPARATORS if _separates(separator, texts)), None)


def _separates(separator: str, texts: list[str]) -> bool:
    if sum(separator in text for text in texts) < max(2, 0.1 * len(texts)):
        return False
    pieces = [piece.strip() for text in texts for piece in text.split(separator) if piece.strip()]
    short = sum(len(piece) <= 40 and len(piece.split()) <= 4 for piece in pieces) >= 0.95 * len(pieces)
    shared = sum(count for count in Counter(pieces).values() if count > 1)
    return short and shared >= (0.5 if separator == "|" else 0.8) * len(pieces)
