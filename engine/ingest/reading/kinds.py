"""The kinds of attributes, inferred from a column's values: the same values always give the same kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from engine.catalogue.attribute_kinds import AttributeKind
from engine.ingest.reading.lists import ListFormat, list_format, list_values
from engine.ingest.reading.number_format import NumberFormat
from engine.ingest.reading.numbers import number_format
from engine.ingest.reading.times import are_times

__all__ = ["Inferred", "as_kind", "infer_kind"]

# Kinds are inferred from at most so many values, taken evenly from the whole column.
_SAMPLE = 20_000
_ENOUGH = 0.95
# Below so many values, one that is no number makes the column a category.
_FEW = 20
_ADDRESS = re.compile(r"(https?://|www\.|//)\S+(\s*[,;|]\s*(https?://|www\.|//)\S+)*", re.IGNORECASE)
_CODED = re.compile(r"0[0-9]")
_LONG_NUMBER = re.compile(r"[0-9]{8,}")
_TRUTH = frozenset(
    [
        "true",
        "false",
        "yes",
        "no",
        "y",
        "n",
        "t",
        "f",
        "0",
        "1",
        "on",
        "off",
        "ja",
        "nein",
        "oui",
        "non",
        "si",
        "sì",
        "sí",
        "nee",
        "nej",
        "não",
        "nao",
        "sim",
        "tak",
        "nie",
        "ano",
        "ne",
        "da",
        "evet",
        "hayır",
        "hayir",
        "wahr",
        "falsch",
        "vrai",
        "faux",
        "vero",
        "falso",
        "verdadero",
        "verdadeiro",
        "waar",
        "onwaar",
        "да",
        "нет",
        "x",
        "✓",
        "✔",
        "✗",
        "✘",
        "checked",
        "unchecked",
    ]
)


@dataclass(frozen=True)
class Inferred:
    """A column's kind, or None with the reason why it is left out; `numbers` and `lists` say how such values are written."""

    kind: AttributeKind | None
    reason: str = ""
    numbers: NumberFormat | None = None
    lists: ListFormat | None = None


def infer_kind(values: Sequence[Any], name: str = "", answer: str | None = None) -> Inferred:
    """The kind of a column, from its present values: strings, numbers, booleans or lists.

    Parameters
    ----------
    name : of the column, a hint for numbers and dates.
    answer : "point" or "comma", where a person said which the decimal mark is.

    Lists are multi-valued, or text if their values are sentences. Strings are numbers if all are (of many, nearly all),
    with one unit or currency (True, False, 0 and 1 are a category); multi-valued if a separator cuts them into pieces that
    recur; text if they are long or hardly ever repeat; and otherwise a category. Left out: empty columns, dates, web
    addresses, and codes that no two products share.
    """
    present = list(values)
    if not present:
        return Inferred(None, "empty")
    sample = present[:: -(-len(present) // _SAMPLE)]
    if any(isinstance(value, list) for value in sample):
        return _of_lists([list_values(value) or [value] for value in sample], name)
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in sample):
        return Inferred("category" if set(sample) <= {0, 1} else "number")
    texts = [str(value) for value in sample]
    return _of_texts(texts, name, answer) or _kind_by_length(texts)


def _of_lists(lists: Sequence[Sequence[Any]], name: str) -> Inferred:
    """Several values, sentences, or, where no cell holds more than one, what the single values are."""
    parts = [
        str(part) for values in lists for part in values if part is not None and not isinstance(part, (dict, list))
    ]
    form = ListFormat(written=True)
    if not parts:
        return Inferred("multi", lists=form)
    sentences = sum(len(part.split()) for part in parts) / len(parts) > 4 or sum(map(len, parts)) / len(parts) > 40
    if sentences or (all(len(values) <= 1 for values in lists) and _kind_by_length(parts).kind == "text"):
        return Inferred("text", lists=form)
    return Inferred(None, "dates") if are_times(Counter(parts), name) else Inferred("multi", lists=form)


def _of_texts(texts: list[str], name: str, answer: str | None) -> Inferred | None:
    """What (nearly) all texts are: truth values, numbers, addresses, dates or lists; None for anything else."""
    if {text.lower() for text in texts} <= _TRUTH:
        return Inferred("category")
    if are_times(Counter(texts), name):
        return Inferred(None, "dates")
    numbers = number_format(Counter(texts), name, answer)
    read = sum(numbers.number(text) is not None for text in texts)
    if read == len(texts) or (len(texts) >= _FEW and read >= _ENOUGH * len(texts)):
        return _of_numbers(texts, numbers)
    if _most(_ADDRESS, texts):
        return Inferred(None, "web addresses")
    lists = list_format(texts)
    if lists.written:
        return _of_lists([list_values(text) or [text] for text in texts], name)
    return Inferred("multi", lists=lists) if lists.several else None


def _of_numbers(texts: list[str], numbers: NumberFormat) -> Inferred:
    # Leading zeros are part of a code: "007" is not 7.
    if any(_CODED.match(text) for text in texts):
        return Inferred("category")
    if len(texts) >= _FEW and len(set(texts)) == len(texts) and _most(_LONG_NUMBER, texts):
        return Inferred(None, "a code of its own for every product")
    return Inferred("number", numbers=numbers)


def _kind_by_length(texts: list[str]) -> Inferred:
    words = sum(len(text.split()) for text in texts) / len(texts)
    unique = len(set(texts)) / len(texts)
    if len(texts) >= _FEW and unique == 1.0 and words < 1.1:
        return Inferred(None, "a code of its own for every product")
    long = words > 8 or sum(map(len, texts)) / len(texts) > 60
    sentences = unique > 0.8 and words > 2.5 and len(texts) >= 5
    return Inferred("text" if (long and unique > 0.2) or sentences else "category")


def as_kind(values: pd.Series, kind: AttributeKind, inferred: Inferred) -> tuple[pd.Series, pd.Series]:
    """The column as float64, strings or lists of strings, and a mask of the values that could not become numbers.

    `inferred` says how the values are written, even where a person chose another `kind`.
    """
    wrong = pd.Series(False, index=values.index)
    if kind == "number":
        form = inferred.numbers or number_format(Counter(value for value in values if isinstance(value, str)), "")
        numbers = form.read(values)
        return numbers, numbers.isna() & ~values.map(form.is_missing).astype(bool)
    if kind == "multi":
        lists = inferred.lists or list_format([value for value in values if isinstance(value, str)])
        return pd.Series([lists.parts(value) for value in values], index=values.index, dtype=object), wrong
    texts = [None if value is None or value != value else _as_text(value, inferred) for value in values.astype(object)]
    return pd.Series(texts, index=values.index, dtype="str"), wrong


def _as_text(value: Any, inferred: Inferred) -> str | None:
    if isinstance(value, list) or (inferred.lists and inferred.lists.written):
        return " ".join(ListFormat(written=True).parts(value) or []) or None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _most(pattern: re.Pattern[str], texts: list[str]) -> bool:
    return sum(pattern.fullmatch(text.strip()) is not None for text in texts) >= _ENOUGH * len(texts)
