"""Decides how the numbers of a column are written: decimal mark, currency, unit, and what stands for no number.

Measured against the forms of `benchmarks/moving_in/numbers_and_times.py`, price-parser and Babel's `parse_decimal` read
single values, so neither can tell 1.299 from 1.299; docs/quality-notes.md has the figures.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from engine.ingest.reading.affixes import Cell, take_apart
from engine.ingest.reading.characters import odd_characters, plain_characters
from engine.ingest.reading.currencies import currency_decimals
from engine.ingest.reading.number_format import AMBIGUOUS, AMOUNTS, PLAIN, NumberForm, NumberFormat
from engine.ingest.reading.placeholders import PLACEHOLDERS

__all__ = ["number_format"]

_OTHER = {".": ",", ",": "."}
_MARK_NAMES = {".": "point", ",": "comma"}
# Of decimal marks that contradict one another, one that this share of the values has decides for what fits both.
_MAJORITY = 0.9
_MOST_AFFIXES = 60
_COUNTED = re.compile(
    r"q(uanti)?ty|quantit|count|stock|units|pieces|menge|anzahl|bestand|st(ü|ue)ck|cantidad|existencias|aantal|voorraad|views"
    r"|sold|inventory|number|num(_|$)|population|visits|clicks|orders|plays|sqft|mileage|km$",
    re.IGNORECASE,
)
_MEASURED = re.compile(
    r"weight|gewicht|poids|peso|ratio|rate|rating|score|lat(itude)?$|lon(gitude)?$|lng$|length|width|height|depth|size|volume|lit(er|re)"
    r"|share|percent|probab|kg|breite|l(ä|ae)nge|h(ö|oe)he",
    re.IGNORECASE,
)
_PRICED = re.compile(
    r"price|prix|prei?s|prijs|precio|prezzo|pre(ç|c)o|cena|cost|kosten|amount|betrag|total|revenue|sales_value|msrp|rrp|uvp|value",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Amounts:
    """What the amounts of a column say about its decimal mark, in numbers of values.

    Attributes
    ----------
    evidence : decimal mark -> values that only it can read.
    open : values that are a thousand or a fraction, and the first of them.
    whole_small, whole_large : whole numbers without marks below and from 1000.
    """

    evidence: dict[str, int]
    open: int
    example: str
    whole_small: int
    whole_large: int


def number_format(texts: Mapping[str, int], name: str, answer: str | None = None) -> NumberFormat:
    """How the numbers in a column are written.

    Parameters
    ----------
    texts : every text of the column (or of a fair sample) without blanks around it -> how often it occurs.
    name : of the column, a hint where values like 1.299 could be two numbers.
    answer : "point" or "comma", where a person said which the decimal mark is.

    Amounts that only one decimal mark can read decide for the column. Where all could be read with either, its name, its
    currency and its whole numbers decide, and `question` says so unless they leave no doubt. Values that cannot be read in
    the forms of the column are no numbers.
    """
    odd = odd_characters(texts)
    plain: Counter[str] = Counter()
    for text, count in texts.items():
        plain[plain_characters(text, odd)] += count
    missing = tuple(sorted(text for text in {text.lower() for text in texts} if text in PLACEHOLDERS))
    cells = {text: cell for text in plain if (cell := take_apart(text)) is not None}
    cells, unit = _of_one_unit(cells, plain)
    currencies = _currencies(cells, plain)
    amounts = _weigh(cells, plain)
    mark, doubt = _decimal_mark(amounts, name, currencies, answer)
    refused = doubt is not None and mark is None
    mark = mark or "."
    return NumberFormat(
        note=_note(cells, plain, amounts, mark, currencies, unit),
        question=_question(amounts, mark, name, refused=refused) if doubt else None,
        forms=_forms(cells, mark, amounts),
        refused=_around(cells, AMBIGUOUS) if refused else "",
        odd=odd,
        missing=missing,
        currency=next(iter(currencies)) if len(currencies) == 1 else None,
        unit=unit,
    )


def _of_one_unit(cells: dict[str, Cell], counts: Mapping[str, int]) -> tuple[dict[str, Cell], str | None]:
    """The cells without those that have a unit of their own, and the unit that all others share."""
    units: Counter[str] = Counter()
    for text, cell in cells.items():
        if cell.unit:
            units[cell.unit.lower()] += counts[text]
    if not units:
        return cells, None
    unit, count = units.most_common(1)[0]
    if count < 0.95 * units.total():
        return {text: cell for text, cell in cells.items() if not cell.unit}, None
    kept = {text: cell for text, cell in cells.items() if not cell.unit or cell.unit.lower() == unit}
    return kept, next(cell.unit for cell in kept.values() if cell.unit)


def _currencies(cells: Mapping[str, Cell], counts: Mapping[str, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for text, cell in cells.items():
        if cell.currency:
            found[cell.currency] += counts[text]
    return found


def _weigh(cells: Mapping[str, Cell], counts: Mapping[str, int]) -> _Amounts:
    evidence = dict.fromkeys(AMOUNTS, 0)
    undecided = small = large = 0
    example = ""
    for text, cell in cells.items():
        fits = [mark for mark, pattern in AMOUNTS.items() if re.fullmatch(pattern, cell.amount)]
        if len(fits) == 1:
            evidence[fits[0]] += counts[text]
        elif len(fits) == 2 and re.fullmatch(AMBIGUOUS, cell.amount):
            undecided += counts[text]
            example = example or cell.amount
        elif cell.amount.isdigit():
            small, large = small + (len(cell.amount) <= 3) * counts[text], large + (len(cell.amount) > 3) * counts[text]
    return _Amounts(evidence, undecided, example, small, large)


def _decimal_mark(
    amounts: _Amounts, name: str, currencies: Mapping[str, int], answer: str | None
) -> tuple[str | None, bool]:
    """The decimal mark, None where half of the column contradicts the other, and whether that is in doubt."""
    if answer:
        return {"point": ".", "comma": ","}[answer], False
    point, comma = amounts.evidence["."], amounts.evidence[","]
    if point or comma:
        larger = "." if point >= comma else ","
        if not amounts.open or not (point and comma):
            return larger, False
        return (larger if amounts.evidence[larger] >= _MAJORITY * (point + comma) else None), True
    if not amounts.open:
        return ".", False
    return _without_evidence(amounts, name, currencies)


def _without_evidence(amounts: _Amounts, name: str, currencies: Mapping[str, int]) -> tuple[str, bool]:
    """The decimal mark of a column whose marks all stand before three digits, and whether it is in doubt."""
    seen = "." if "." in amounts.example else ","
    grouping = _OTHER[seen]
    decimals = {currency_decimals(currency) for currency in currencies}
    if _COUNTED.search(name):
        return grouping, False
    if decimals == {0}:
        return grouping, False
    if decimals == {3} or _MEASURED.search(name):
        return seen, True
    # A column that groups its thousands writes 899 and 1.299 but never 1500.
    grouped = amounts.whole_small >= 3 and not amounts.whole_large
    money = bool(currencies) or _PRICED.search(name) is not None
    if amounts.whole_large or (seen == "." and not money and not grouped):
        return seen, True
    # Nobody writes a tenth of a cent beside a currency.
    return grouping, not (currencies or (grouped and money))


def _forms(cells: Mapping[str, Cell], mark: str, amounts: _Amounts) -> tuple[NumberForm, ...]:
    marks = [mark, *(other for other in [_OTHER[mark]] if amounts.evidence[other])]
    forms = [NumberForm(PLAIN, ".")] if mark == "." else []
    for each in marks:
        before, after = _alternatives(cells, "before"), _alternatives(cells, "after")
        amount = f"({AMOUNTS[each]})"
        forms.append(NumberForm(rf" *\+?{before} *\+? *{amount} *{after}", each))
        forms.append(NumberForm(f" *-? *{before} *-? *{amount} *{after}", each, negative=True))
        forms += [NumberForm(f"{one} *{amount} *{two}", each, negative=True) for one, two in _behind(cells)]
    return tuple(forms)


def _around(cells: Mapping[str, Cell], amount: str) -> str:
    return f" *[-+]? *{_alternatives(cells, 'before')} *[-+]? *{amount} *{_alternatives(cells, 'after')}"


def _alternatives(cells: Mapping[str, Cell], side: str) -> str:
    """An optional group of what stands on one side of the amounts, without signs."""
    found = Counter(
        _pattern(getattr(cell, side).strip(" +-") if side == "before" else getattr(cell, side))
        for cell in cells.values()
        if not _is_behind(cell)
    )
    texts = sorted((text for text, _ in found.most_common(_MOST_AFFIXES) if text), key=lambda text: (-len(text), text))
    return f"(?:(?i:{'|'.join(texts)}))?" if texts else ""


def _behind(cells: Mapping[str, Cell]) -> list[tuple[str, str]]:
    """What stands around amounts that brackets or a minus sign behind them make negative."""
    pairs = Counter((_pattern(cell.before), _pattern(cell.after)) for cell in cells.values() if _is_behind(cell))
    return [(f"(?i:{one})", f"(?i:{two})") for (one, two), _ in pairs.most_common(_MOST_AFFIXES)]


def _is_behind(cell: Cell) -> bool:
    return cell.negative and "-" not in cell.before


def _pattern(text: str) -> str:
    return " *".join(re.escape(word) for word in text.lower().split())


def _note(
    cells: Mapping[str, Cell],
    counts: Mapping[str, int],
    amounts: _Amounts,
    mark: str,
    currencies: Mapping[str, int],
    unit: str | None,
) -> str:
    notes = []
    if amounts.open and not (amounts.evidence["."] and amounts.evidence[","]):
        notes.append(
            f"read with a decimal {_MARK_NAMES[mark]}: {amounts.example} is {_as_number(amounts.example, mark)}"
        )
    elif mark == "," and amounts.evidence[","]:
        notes.append("read with a decimal comma")
    if other := amounts.evidence[_OTHER[mark]]:
        notes.append(f"{other:,} values have a decimal {_MARK_NAMES[_OTHER[mark]]} and were read with it")
    if len(currencies) > 1:
        listed = ", ".join(f"{code} ({count:,})" for code, count in sorted(currencies.items(), key=lambda one: -one[1]))
        notes.append(f"several currencies, not converted: {listed}")
    if unit:
        notes.append(f"the unit is {unit}")
    worded = next((text for text, cell in cells.items() if cell.word), None)
    if worded is not None:
        notes.append(f"words beside a number were ignored, as in {worded!r}")
    return "; ".join(notes)


def _question(amounts: _Amounts, mark: str, name: str, *, refused: bool) -> str:
    readings = {each: _as_number(amounts.example, each) for each in AMOUNTS}
    if refused:
        return (
            f"{amounts.example} could be {readings['.']} or {readings[',']}, since both decimal marks occur; such values were"
            f" left out. Say which it is: numbers.{name}=point or numbers.{name}=comma."
        )
    return (
        f"{amounts.example} could be {readings[mark]} or {readings[_OTHER[mark]]}; it was read as {readings[mark]}."
        f" If that is wrong, say numbers.{name}={_MARK_NAMES[_OTHER[mark]]}."
    )


def _as_number(amount: str, mark: str) -> str:
    return amount.replace(_OTHER[mark], "").replace(",", ".")
