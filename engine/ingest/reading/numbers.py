"""Decides how the numbers of a column are written: decimal mark, currency, unit, and what stands for no number.

Babel gives the currencies. price-parser and Babel's `parse_decimal` read one value at a time, so neither can tell which number
1.299 is: on the forms of `benchmarks/moving_in/numbers.toml` they read 75 and 31 % right, and 79 and 20 values silently wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.ingest.reading.affixes import Cell, lower_end, take_apart
from engine.ingest.reading.characters import odd_characters, plain_characters
from engine.ingest.reading.column_format import option
from engine.ingest.reading.currencies import currency_decimals
from engine.ingest.reading.number_format import AMBIGUOUS, AMOUNTS, NumberForm, NumberFormat
from engine.ingest.reading.number_forms import ambiguous_pattern, forms_of, forms_with_currency
from engine.ingest.reading.placeholders import PLACEHOLDERS

__all__ = ["number_format"]

_OTHER = {".": ",", ",": "."}
_MARK_NAMES = {".": "point", ",": "comma"}
# Of decimal marks that contradict one another, one that this share of the values has decides for what fits both.
_MAJORITY = 0.9
_DIGITS = str.maketrans("12345678", "99999999")
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
_SMALL_UNITS = frozenset(
    [
        "g",
        "gr",
        "gram",
        "grams",
        "mg",
        "ml",
        "mm",
        "cm",
        "kcal",
        "cal",
        "kj",
        "mah",
        "w",
        "wh",
        "pcs",
        "pc",
        "pieces",
        "piece",
        "stk",
        "stück",
        "st.",
        "pages",
        "seiten",
        "rpm",
        "hz",
        "mb",
        "gb",
        "lm",
        "lumen",
    ]
)
_RATED = re.compile(r"rating|score|stars|review|bewertung|note|puntuaci|valoraci|voto|stern", re.IGNORECASE)
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
    answer : "point" or "comma", where a person said which the decimal mark is; it holds where the values do not tell.

    Amounts that only one decimal mark can read decide for the column. Where all could be read with either, its name, its
    currency and its whole numbers decide, and `question` says so unless they leave no doubt. Values that cannot be read in
    the forms of the column are no numbers.
    """
    odd = odd_characters(texts)
    plain = _shapes((plain_characters(text, odd), count) for text, count in texts.items())
    missing = tuple(sorted(text for text in {text.lower() for text in texts} if text in PLACEHOLDERS))
    cells = {text: cell for text in plain if (cell := take_apart(text)) is not None}
    ranges = {text: low for text in plain if text not in cells and (low := lower_end(text)) is not None}
    cells, unit = _of_one_unit(cells | ranges, plain, name)
    currencies = _currencies(cells, plain)
    amounts = _weigh(cells, plain)
    by_currency = _marks_by_currency(cells, plain, amounts)
    mark, doubt = (None, False) if by_currency else _decimal_mark(amounts, name, currencies, unit, answer)
    refused = doubt and mark is None
    mark = mark or "."
    could_be_two = ambiguous_pattern(list(cells.values())) if doubt else ""
    return NumberFormat(
        note=_note(cells, amounts, None if doubt else by_currency or mark, currencies, unit, next(iter(ranges), "")),
        question=_question(amounts, mark, name, refused=refused) if doubt else None,
        forms=_forms(cells, mark, amounts, by_currency, ranges=bool(ranges)),
        refused=could_be_two if refused else "",
        doubtful=could_be_two,
        odd=odd,
        missing=missing,
        decimal=_MARK_NAMES[mark] if _is_decided(amounts, mark) and not (refused or by_currency) else None,
        currency=next(iter(currencies)) if len(currencies) == 1 else None,
        unit=unit,
    )


def _shapes(texts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The first text of each shape -> how many have it; only zeros and the number of other digits say how a text is read."""
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for text, count in texts:
        counts[first.setdefault(text.translate(_DIGITS), text)] += count
    return counts


def _of_one_unit(cells: dict[str, Cell], counts: Mapping[str, int], name: str) -> tuple[dict[str, Cell], str | None]:
    """The cells without those that have a unit of their own, and the unit that all others share.

    What is counted by something (9.90 €/kg) is a number only where most are; shares of 5 or 10 only are ratings.
    """
    units: Counter[str] = Counter()
    for text, cell in cells.items():
        if cell.unit:
            units[cell.unit.lower()] += counts[text]
    if not units:
        return cells, None
    unit, count = units.most_common(1)[0]
    divided = unit.startswith("/") and (
        count < 0.5 * sum(counts[text] for text in cells) or (unit[1:].isdigit() and not _RATED.search(name))
    )
    if count < 0.95 * units.total() or divided:
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
    amounts: _Amounts, name: str, currencies: Mapping[str, int], unit: str | None, answer: str | None
) -> tuple[str | None, bool]:
    """The decimal mark, None where half of the column contradicts the other, and whether that is in doubt."""
    point, comma = amounts.evidence["."], amounts.evidence[","]
    larger = "." if point >= comma else ","
    if (point or comma) and not (point and comma):
        return larger, False
    if answer:
        return {"point": ".", "comma": ","}[answer], False
    if point and comma:
        if not amounts.open:
            return larger, False
        return (larger if amounts.evidence[larger] >= _MAJORITY * (point + comma) else None), True
    if not amounts.open:
        return ".", False
    return _without_evidence(amounts, name, currencies, unit)


def _without_evidence(
    amounts: _Amounts, name: str, currencies: Mapping[str, int], unit: str | None
) -> tuple[str, bool]:
    """The decimal mark of a column whose marks all stand before three digits, and whether it is in doubt."""
    seen = "." if "." in amounts.example else ","
    grouping = _OTHER[seen]
    decimals = {currency_decimals(currency) for currency in currencies}
    if unit:
        # Nobody writes a thousand per cent; grams are counted in thousands, kilograms in thousandths.
        return grouping if unit.lower() in _SMALL_UNITS else seen, unit != "%"
    if _COUNTED.search(name):
        # Where nothing is counted in hundreds, three digits are decimals of a warehouse's books.
        return (grouping, amounts.whole_large > 0) if amounts.whole_small or amounts.whole_large else (seen, True)
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


def _is_decided(amounts: _Amounts, mark: str) -> bool:
    return bool(amounts.open or amounts.evidence[mark])


def _marks_by_currency(
    cells: Mapping[str, Cell], counts: Mapping[str, int], amounts: _Amounts
) -> dict[str | None, str]:
    """Currency -> its decimal mark, where both marks occur but every currency has one of its own; else nothing."""
    if not (amounts.open and all(amounts.evidence.values())):
        return {}
    marks: dict[str | None, str] = {}
    for currency in sorted({cell.currency for cell in cells.values()}, key=lambda one: one or ""):
        own = _weigh({text: cell for text, cell in cells.items() if cell.currency == currency}, counts)
        seen = [mark for mark, count in own.evidence.items() if count]
        if len(seen) > 1 or (own.open and not seen):
            return {}
        marks[currency] = seen[0] if seen else "."
    return marks if len(marks) > 1 else {}


def _forms(
    cells: Mapping[str, Cell],
    mark: str,
    amounts: _Amounts,
    by_currency: Mapping[str | None, str],
    *,
    ranges: bool,
) -> tuple[NumberForm, ...]:
    if not by_currency:
        marks = [mark, *(other for other in [_OTHER[mark]] if amounts.evidence[other])]
        return tuple(forms_of(list(cells.values()), marks, ranges=ranges))
    forms: list[NumberForm] = []
    for currency, own in sorted(by_currency.items(), key=lambda one: one[0] or ""):
        alike = [cell for cell in cells.values() if cell.currency == currency]
        forms += forms_with_currency(alike, own) if currency else forms_of(alike, own)
    return tuple(forms)


def _note(
    cells: Mapping[str, Cell],
    amounts: _Amounts,
    mark: str | Mapping[str | None, str] | None,
    currencies: Mapping[str, int],
    unit: str | None,
    span: str,
) -> str:
    notes = [f"a range such as {span!r} was read as its lower end"] if span else []
    if isinstance(mark, Mapping):
        listed = ", ".join(f"{code} a {_MARK_NAMES[own]}" for code, own in mark.items() if code)
        notes.append(f"each currency has its own decimal mark: {listed}")
    elif mark and amounts.open and not (amounts.evidence["."] and amounts.evidence[","]):
        notes.append(
            f"read with a decimal {_MARK_NAMES[mark]}: {amounts.example} is {_as_number(amounts.example, mark)}"
        )
    elif mark == "," and amounts.evidence[","]:
        notes.append("read with a decimal comma")
    if isinstance(mark, str) and (other := amounts.evidence[_OTHER[mark]]):
        notes.append(f"values with a decimal {_MARK_NAMES[_OTHER[mark]]} ({other:,}) were read with that")
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
            f" left out. Say which it is: {option('numbers', name, 'point')} or {option('numbers', name, 'comma')}."
        )
    return (
        f"{amounts.example} could be {readings[mark]} or {readings[_OTHER[mark]]}; it was read as {readings[mark]}."
        f" If that is wrong: {option('numbers', name, _MARK_NAMES[_OTHER[mark]])}."
    )


def _as_number(amount: str, mark: str) -> str:
    return amount.replace(_OTHER[mark], "").replace(",", ".")
