"""Decides how a column holds several values, or a path of categories, in one text, and takes them apart."""

from __future__ import annotations

import ast
import csv
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.ingest.reading.column_format import ColumnFormat

__all__ = ["ListFormat", "list_format", "list_values", "split_values"]

_SEPARATORS = ("|", "\n", ";", ",", "/")
_ARROWS = (">", "›", "»", "→")
_PATHS = (*_ARROWS, "::", "\\", "/")
# A share of values that recur in other values, by separator: a bar means nothing else, a slash often does.
_RECURRING = {"|": 0.5, "/": 0.95}
_MOST_CHARACTERS = 20_000


@dataclass(frozen=True, kw_only=True)
class ListFormat(ColumnFormat):
    """How a column holds several values.

    Attributes
    ----------
    written : whether texts are lists as a program writes them: ["a", "b"], ['a', 'b'] or {a,b}.
    separator : what divides several values, "" where there is only one.
    path : what divides the levels of one value, from the widest to the narrowest, "" where values have one level.
    """

    written: bool = False
    separator: str = ""
    path: str = ""

    @property
    def several(self) -> bool:
        """Whether the column holds more than one value in a cell."""
        return self.written or bool(self.separator or self.path)

    def parts(self, value: Any) -> list[str] | None:
        """All values of a cell and all their levels: trimmed, each once, in their order; None if there are none."""
        levels = [level for path in self._paths(value) for level in path]
        return list(dict.fromkeys(levels)) or None

    def narrowest(self, value: Any) -> str | None:
        """The narrowest level of the first path, or of one that leads further: B of "A > B, C > D" and of "A;A/B".

        Of a list without paths it is the last value.
        """
        paths = self._paths(value)
        if not paths:
            return None
        if isinstance(value, list) or (self.written and not self.path):
            return paths[-1][-1]
        chosen = paths[0]
        for path in paths[1:]:
            if path[: len(chosen)] == chosen:
                chosen = path
        return chosen[-1]

    def _paths(self, value: Any) -> list[list[str]]:
        if value is None or value != value:
            return []
        cells = list_values(value) if self.written or isinstance(value, list) else None
        if cells is None:
            text = _as_text(value)
            cells = text.split(self.separator) if self.separator else [text]
        texts = [_as_text(cell).strip() for cell in cells if cell is not None and not isinstance(cell, (dict, list))]
        paths = [_levels(text, self.path) for text in texts if text]
        return [path for path in paths if path]


def list_format(texts: Sequence[str], *, paths: bool = False) -> ListFormat:
    """How the texts of a column hold several values.

    A mark divides values if at least a tenth of them hold it and it cuts them into short pieces that recur in other values.
    With `paths`, for categories, it divides levels: nothing but a path is looked for where one occurs, and a mark between
    paths counts where what follows it begins like other paths.
    """
    if not texts:
        return ListFormat()
    if sum(list_values(text) is not None for text in texts) >= 0.95 * len(texts):
        inner = [part for text in texts for part in list_values(text) or [] if isinstance(part, str)]
        return ListFormat(written=True, path=_path(inner, spelt=False) if paths else "")
    path = _path(texts, spelt=not paths)
    if path:
        return ListFormat(path=path, separator=_between_paths(texts, path))
    if paths:
        return ListFormat(separator="|" if _separates("|", texts) else _repeated(texts))
    return ListFormat(separator=next((mark for mark in _SEPARATORS if _separates(mark, texts)), ""))


def list_values(value: Any) -> list[Any] | None:
    """The values of a list, or of a text that is one in JSON, Python or PostgreSQL; None for anything else."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if text[:1] + text[-1:] == "{}" and ":" not in text:
        return next(csv.reader([text[1:-1]]), [])
    if text[:1] + text[-1:] not in ("[]", "()") or len(text) > _MOST_CHARACTERS:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            with warnings.catch_warnings():
                # Python warns of texts that look like faulty code.
                warnings.simplefilter("ignore")
                parsed = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        return list(parsed) if isinstance(parsed, (list, tuple)) else None
    return None


def split_values(value: Any) -> list[str] | None:
    """The values of one cell whose column is not known: of a list, or of a text with the first separator that occurs in it."""
    if isinstance(value, str) and list_values(value) is None:
        return ListFormat(separator=next((mark for mark in "|;," if mark in value), "")).parts(value)
    return ListFormat(written=True).parts(value)


def _as_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _levels(text: str, path: str) -> list[str]:
    levels = text.split(path) if path else [text]
    return [level.strip() for level in levels if level.strip()]


def _path(texts: Iterable[str], *, spelt: bool) -> str:
    """What divides the levels of the paths in a tenth of the texts and more; a slash only if what precedes it recurs.

    With `spelt`, a slash is part of short names such as S/M.
    """
    every = list(texts)
    for mark in _PATHS:
        marked = [text for text in every if mark in text.strip(mark)]
        # " > " between categories means nothing else, however few have it.
        sure = not spelt and any(f" {mark} " in text for text in marked) and mark in _ARROWS
        if len(marked) < max(2, 0.1 * len(every)) and not sure:
            continue
        if mark != "/":
            return mark
        short = sum(len(text) <= 5 for text in marked) if spelt else 0
        first = Counter(_first_level(piece) for text in every for piece in re.split("[;|,]", text))
        if short < 0.5 * len(marked) and sum(first[_first_level(text)] > 1 for text in marked) >= 0.8 * len(marked):
            return mark
    return ""


def _first_level(text: str) -> str:
    return re.split("[/;|,]", text.strip("/ "))[0].strip()


def _between_paths(texts: Sequence[str], path: str) -> str:
    """What divides several paths in one text."""
    roots = Counter(text.split(path)[0].strip() for text in texts)
    for mark in ("|", ";", "\n", ","):
        later = [piece.split(path)[0].strip() for text in texts for piece in text.split(mark)[1:]]
        if mark == path or not later:
            continue
        first = roots | Counter(text.split(mark)[0].split(path)[0].strip() for text in texts)
        if sum(piece in first for piece in later) >= 0.8 * len(later):
            return mark
    return ""


def _repeated(texts: Sequence[str]) -> str:
    """The mark between several categories of one product, each of which is some other product's only one."""
    whole = set(texts)
    for mark in (";", ","):
        marked = [text for text in texts if mark in text]
        pieces = [piece.strip() for text in marked for piece in text.split(mark)]
        if len(marked) >= max(2, 0.1 * len(texts)) and sum(piece in whole for piece in pieces) >= 0.8 * len(pieces):
            return mark
    return ""


def _separates(separator: str, texts: Sequence[str]) -> bool:
    if sum(separator in text for text in texts) < max(2, 0.1 * len(texts)):
        return False
    pieces = [piece.strip() for text in texts for piece in text.split(separator) if piece.strip()]
    short = sum(len(piece) <= 40 and len(piece.split()) <= 4 for piece in pieces) >= 0.95 * len(pieces)
    shared = sum(count for count in Counter(pieces).values() if count > 1)
    return short and shared >= _RECURRING.get(separator, 0.8) * len(pieces)
