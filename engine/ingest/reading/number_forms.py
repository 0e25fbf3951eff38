"""The forms of a column's numbers, built from what stands around its amounts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from engine.ingest.reading.affixes import Cell
from engine.ingest.reading.number_format import AMBIGUOUS, AMOUNTS, PLAIN, NumberForm

__all__ = ["ambiguous_pattern", "forms_of", "forms_with_currency"]

_MOST_AFFIXES = 60


def forms_of(cells: Sequence[Cell], marks: Iterable[str], *, ranges: bool = False) -> list[NumberForm]:
    """The forms of a column with these cells, which may have any of its currencies and words around them.

    `marks` are the decimal marks that occur, the column's own first; with `ranges`, a second amount may follow a dash.
    """
    before, after = _optional(_affixes(cells, "before")), _optional(_affixes(cells, "after"))
    forms = []
    for mark in marks:
        forms += [NumberForm(PLAIN, ".")] if mark == "." else []
        forms += _signed(before, after, cells, mark)
        forms += _ranges(cells, mark) if ranges else []
    return forms


def forms_with_currency(cells: Sequence[Cell], mark: str) -> list[NumberForm]:
    """The forms of the cells of one currency, which stands before or behind every amount."""
    before, after = _affixes(cells, "before"), _affixes(cells, "after")
    forms = _signed(_group(before), _optional(after), cells, mark) if before else []
    return forms + (_signed("", _group(after), cells, mark) if after else [])


def ambiguous_pattern(cells: Sequence[Cell]) -> str:
    """A pattern for the texts of a column whose amounts could be two numbers."""
    before, after = _optional(_affixes(cells, "before")), _optional(_affixes(cells, "after"))
    return f" *[-+]? *{before} *[-+]? *{AMBIGUOUS} *{after}"


def _ranges(cells: Sequence[Cell], mark: str) -> list[NumberForm]:
    """Forms of two amounts with a dash between them, and something that stands beside amounts before or behind both."""
    before, after = _affixes(cells, "before"), _affixes(cells, "after")
    low, high = f"({AMOUNTS[mark]})", AMOUNTS[mark]
    rest = f" *{_optional(after)} *- *{_optional(before)} *"
    leading = [f" *{_group(before)} *{low}{rest}{high} *{_optional(after)}"] if before else []
    trailing = [f" *{_optional(before)} *{low}{rest}{high} *{_group(after)}"] if after else []
    return [NumberForm(pattern, mark) for pattern in leading + trailing]


def _signed(before: str, after: str, cells: Sequence[Cell], mark: str) -> list[NumberForm]:
    amount = f"({AMOUNTS[mark]})"
    return [
        NumberForm(rf" *\+?{before} *\+? *{amount} *{after}", mark),
        NumberForm(f" *(?:- *{before}|{before} *-) *{amount} *{after}", mark, negative=True),
        *(NumberForm(f"{one} *{amount} *{two}", mark, negative=True) for one, two in _behind(cells)),
    ]


def _affixes(cells: Iterable[Cell], side: str) -> list[str]:
    """Patterns for what stands on one side of the amounts, without signs; longer ones first."""
    texts = (getattr(cell, side) for cell in cells if not _is_behind(cell))
    found = Counter(_pattern(text.strip(" +-") if side == "before" else text) for text in texts)
    return sorted((text for text, _ in found.most_common(_MOST_AFFIXES) if text), key=lambda text: (-len(text), text))


def _group(patterns: Sequence[str]) -> str:
    return f"(?:(?i:{'|'.join(patterns)}))" if patterns else ""


def _optional(patterns: Sequence[str]) -> str:
    return f"{_group(patterns)}?" if patterns else ""


def _behind(cells: Iterable[Cell]) -> list[tuple[str, str]]:
    """What stands around amounts that brackets or a minus sign behind them make negative."""
    pairs = Counter((_pattern(cell.before), _pattern(cell.after)) for cell in cells if _is_behind(cell))
    return [(f"(?i:{one})", f"(?i:{two})") for (one, two), _ in pairs.most_common(_MOST_AFFIXES)]


def _is_behind(cell: Cell) -> bool:
    return cell.negative and "-" not in cell.before


def _pattern(text: str) -> str:
    return " *".join(re.escape(word) for word in text.lower().split())
