"""Decides whether the day, the month or the year comes first in dates of numbers alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from engine.ingest.reading.column_format import option
from engine.ingest.reading.samples import sampled_rows
from engine.ingest.reading.time_format import Preparation
from engine.ingest.reading.time_forms import TimeForm, form_of
from engine.ingest.staged_sql import quoted, with_texts

__all__ = ["DateOrder", "date_order"]

_SHORT_YEARS = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})\2([0-9]{2})(?![0-9]).*")


@dataclass(frozen=True)
class DateOrder:
    """Which number of a date comes first, by what stands between the numbers.

    Attributes
    ----------
    day_first : separator -> whether the day precedes the month.
    year_first : separators whose years of two digits come first.
    note, question : as `ColumnFormat` has them.
    """

    day_first: Mapping[str, bool]
    year_first: frozenset[str] = frozenset()
    note: str = ""
    question: str | None = None

    @property
    def answer(self) -> str | None:
        """ "day-first" or "month-first", where all dates are in one order."""
        orders = set(self.day_first.values())
        if len(orders) != 1 or self.year_first:
            return None
        return f"{_name(orders.pop())}-first"

    def format_of(self, form: TimeForm) -> str:
        """The strptime format that reads the form in this order."""
        if not form.open:
            return form.formats[0]
        if form.short_year and form.separator in self.year_first:
            return form.formats[2]
        return form.formats[0 if self.day_first[form.separator] else 1]


def date_order(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    forms: Sequence[TimeForm],
    preparation: Preparation,
    texts: Iterable[str],
    name: str,
    answer: str | None,
) -> DateOrder:
    """The order of the numbers in the dates of a staged column of texts.

    Parameters
    ----------
    forms : in which the dates are written; those that are not `open` have one order only.
    texts : of a fair sample of the column.
    answer : "day-first" or "month-first", where a person said so; it holds where the values do not tell.

    What only fits one order decides, in the sample or, where that fits both, in all rows. If all fit both, the day comes
    first, unless a clock of twelve hours suggests America, and `question` says so; dates with points always have the day first.
    """
    separators = list(dict.fromkeys(form.separator for form in forms if form.open))
    years, doubtful = _year_first(texts, forms, preparation)
    day_first, notes, open_to_question = {}, [], set(doubtful)
    for separator in separators:
        alike = [form for form in forms if form.open and form.separator == separator]
        if separator in years and all(form.short_year for form in alike):
            day_first[separator] = False
            notes.append("dates were read with the year first")
            continue
        first, certain, note = _day_first(connection, table, column, alike, preparation, answer)
        day_first[separator] = first
        notes.append(note)
        open_to_question |= set() if certain else {separator}
    if len(set(notes)) > 1:
        found = zip(separators, notes, strict=True)
        notes = [f"{note} ({separator or 'blank'} between)" for separator, note in found if note]
    order = DateOrder(day_first, years, "; ".join(dict.fromkeys(filter(None, notes))))
    if not open_to_question:
        return order
    question = _question(order, forms, preparation, texts, name, open_to_question)
    return DateOrder(order.day_first, order.year_first, order.note, question)


def _day_first(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    forms: Sequence[TimeForm],
    preparation: Preparation,
    answer: str | None,
) -> tuple[bool, bool, str]:
    """Whether the day comes first, whether that is certain, and the note about it."""
    for rows in dict.fromkeys((sampled_rows(connection, table), table)):
        days, months = _fitting_one(connection, rows, column, forms, preparation)
        if bool(days) != bool(months):
            break
    if answer and bool(days) == bool(months):
        return answer == "day-first", True, f"dates were read with the {answer.split('-')[0]} first"
    if days or months:
        against = min(days, months)
        left = f"; dates that only fit the other order ({against:,}) were not read" if against else ""
        return days >= months, not against, f"dates were read with the {_name(days >= months)} first{left}"
    if forms[0].separator == ".":
        return True, True, "dates were read with the day first, as is usual with points"
    first = not any("%p" in form.formats[0] for form in forms)
    return first, False, ""


def _name(day_first: bool) -> str:
    return "day" if day_first else "month"


def _fitting_one(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    forms: Sequence[TimeForm],
    preparation: Preparation,
) -> tuple[int, int]:
    """The numbers of times that can only have the day first, and only the month."""
    days, months = (
        f"try_strptime(ready, [{', '.join(quoted(form.formats[which]) for form in forms)}]) IS NOT NULL"
        for which in (0, 1)
    )
    texts = with_texts(table, {"time": column}, {column: pa.string()})
    counts: tuple[int, int] = connection.execute(f"""
        SELECT count(*) FILTER ({days} AND NOT ({months})), count(*) FILTER ({months} AND NOT ({days}))
        FROM (SELECT {preparation.sql("time_text")} AS ready FROM {texts})
    """).fetchall()[0]
    return counts


def _year_first(
    texts: Iterable[str], forms: Sequence[TimeForm], preparation: Preparation
) -> tuple[frozenset[str], set[str]]:
    """Separators whose two-digit years come first, and those for which that is in doubt.

    What no day can be, beyond 31, is a year; else the years are the numbers that lie closer together.
    """
    if not any(form.short_year for form in forms):
        return frozenset(), set()
    found: dict[str, list[tuple[int, int, int]]] = {}
    for text in texts:
        if match := _SHORT_YEARS.fullmatch(preparation.apply(text)):
            first, separator, second, third = match.groups()
            found.setdefault(separator.strip(), []).append((int(first), int(second), int(third)))
    years, doubtful = set(), set()
    for separator, dates in found.items():
        spans = [max(numbers) - min(numbers) for numbers in zip(*dates, strict=True)]
        can_lead = all(second <= 12 and third <= 31 for _, second, third in dates)
        can_trail = all(min(first, second) <= 12 and max(first, second) <= 31 for first, second, _ in dates)
        if separator in (".", "") or not can_lead:
            continue
        if not can_trail or spans[0] < spans[2]:
            years.add(separator)
        if can_trail and separator == "-" and abs(spans[0] - spans[2]) < 5:
            doubtful.add(separator)
    return frozenset(years), doubtful


def _question(
    order: DateOrder,
    forms: Sequence[TimeForm],
    preparation: Preparation,
    texts: Iterable[str],
    name: str,
    separators: set[str],
) -> str:
    example, form = next(
        (text, form)
        for text in texts
        if (form := form_of(preparation.apply(text))) and form.open and form.separator in separators
    )
    if form.short_year and order.format_of(form) == form.formats[2]:
        return f"{example} was read with the year first. If that is wrong, write years with four digits."
    taken, other = _name(order.day_first[form.separator]), _name(not order.day_first[form.separator])
    return (
        f"{example} could have the day or the month first; it was read with the {taken} first. If that is wrong:"
        f" {option('dates', name, f'{other}-first')}."
    )
