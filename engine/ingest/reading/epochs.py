"""Times written as numbers: seconds to nanoseconds since 1970, Excel's day numbers, dates as digits, and counted days."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

__all__ = ["LATEST", "Epochs", "are_dates", "epochs_of"]

# 2200-01-01: nobody bought anything after it, or in 1970 or before.
LATEST = 7_258_118_400
_DAY = 86_400
_EXCEL_EPOCH = 25_569
# Days since 1970 from 2000 to 2052, and Excel's from 1982 to 2119.
_DAYS_SINCE_1970, _EXCEL = (10_957, 30_000), (30_000, 80_000)
_ENOUGH = 0.95
_LOOKED_AT = 2_000
_WEEK = re.compile(r"week|woche|semaine|semana|settimana|kw$|wk", re.IGNORECASE)
_COUNT = re.compile(r"day|tag$|jour|week|woche|step|index|order|turn", re.IGNORECASE)
_YEARS = range(1980, 2050)
# Ticks of .NET count tenths of a microsecond since the year 1, those of Windows files since 1601.
_TICKS, _FILE_TIMES = (6.2e17, 6.6e17), (1.25e17, 1.6e17)
_SINCE_1970 = f"""CASE
    WHEN {{n}} BETWEEN {_TICKS[0]} AND {_TICKS[1]} THEN {{n}} / 1e7 - 62135596800
    WHEN {{n}} BETWEEN {_FILE_TIMES[0]} AND {_FILE_TIMES[1]} THEN {{n}} / 1e7 - 11644473600
    WHEN {{n}} >= 1e17 THEN {{n}} / 1e9
    WHEN {{n}} >= 1e14 THEN {{n}} / 1e6
    WHEN {{n}} >= 1e11 THEN {{n}} / 1e3
    ELSE {{n}} END"""
# strptime format -> the number of digits it takes.
_DIGITS = {
    "%Y%m%d%H%M%S": 14,
    "%Y%m%d%H%M": 12,
    "%Y%m%d%H": 10,
    "%y%m%d%H%M%S": 12,
    "%y%m%d%H%M": 10,
    "%Y%m%d": 8,
    "%Y%m": 6,
    "%y%m%d": 6,
}
_UNITS = {11: "milliseconds", 14: "microseconds", 17: "nanoseconds"}


@dataclass(frozen=True)
class Epochs:
    """What the numbers of a column of times mean: `sql` with `{n}` for the number gives DOUBLE seconds since 1970."""

    sql: str
    note: str = ""

    def seconds(self, number: str) -> str:
        """SQL for DOUBLE seconds since 1970, null for what is no number."""
        return f"CASE WHEN NOT isnan({number}) AND NOT isinf({number}) THEN {self.sql.replace('{n}', number)} END"


def epochs_of(numbers: Mapping[float, int], name: str) -> Epochs:
    """What the numbers in a column of times called `name` mean; `numbers` counts each (or those of a fair sample).

    What nearly all of them can be is what they are: dates written as digits before times since 1970 before Excel's day
    numbers. Numbers that are too small for all of these count days, weeks or events, whose order is kept.
    """
    positive = {number: count for number, count in numbers.items() if number > 0}
    if not positive:
        return Epochs(_SINCE_1970)
    few = dict(islice(positive.items(), _LOOKED_AT))
    for form, digits in _DIGITS.items():
        if _share(few, partial(_is_date, form=form, digits=digits)) >= _ENOUGH:
            shape = (
                f"{{n}} = floor({{n}}) AND {{n}} >= 1e{digits - 1} AND {{n}} < 1e{digits}"
                if digits > 6
                else "{n} = floor({n})"
            )
            padded = f"lpad({{n}}::BIGINT::VARCHAR, {digits}, '0')"
            date = f"CASE WHEN {shape} THEN epoch(try_strptime({padded}, '{form}')) END"
            return Epochs(f"coalesce({date}, CASE WHEN {{n}} > 1e8 THEN {_SINCE_1970} END)")
    if _share(positive, lambda number: number >= 1e8) >= _ENOUGH:
        return Epochs(_SINCE_1970, _unit_note(positive))
    if _share(positive, lambda number: _DAYS_SINCE_1970[0] <= number < _DAYS_SINCE_1970[1]) >= _ENOUGH:
        return Epochs(f"{{n}} * {_DAY}", "days since 1970")
    if _share(positive, lambda number: _EXCEL[0] <= number < _EXCEL[1]) >= _ENOUGH:
        # A second is no round fraction of a day.
        return Epochs(
            f"round(({{n}} - {_EXCEL_EPOCH}) * {_DAY}, 3)", "day numbers of Excel, e.g. 45292 for 1 January 2024"
        )
    return _counted(numbers, name)


def are_dates(numbers: Mapping[float, int], *, named: bool) -> bool:
    """Whether numbers are dates written as digits, or, in a column `named` like a time, times since 1970 or Excel's."""
    digits = [(form, digits) for form, digits in _DIGITS.items() if digits >= 8 and digits != 10]
    if any(_share(numbers, partial(_is_date, form=form, digits=digits)) >= _ENOUGH for form, digits in digits):
        return True
    return named and _share(numbers, lambda number: number >= 1e8 or _EXCEL[0] <= number < _EXCEL[1]) >= _ENOUGH


def _counted(numbers: Mapping[float, int], name: str) -> Epochs:
    if not _COUNT.search(name) and _share(numbers, lambda number: number in _YEARS) == 1:
        return Epochs("epoch(try_strptime({n}::BIGINT::VARCHAR, '%Y'))", "years; each event counts as its 1 January")
    if max(numbers) >= _DAYS_SINCE_1970[0]:
        return Epochs("{n} + 1", "too small for times since 1970; only their order is used")
    unit, days = ("weeks", 7) if _WEEK.search(name) else ("days", 1)
    from_zero = 1 if min(numbers) == 0 else 0
    return Epochs(f"({{n}} + {from_zero}) * {days * _DAY}", f"counted {unit}, not dates; their order is used")


def _share(numbers: Mapping[float, int], fits: Callable[[float], bool]) -> float:
    return sum(count for number, count in numbers.items() if fits(number)) / sum(numbers.values())


def _is_date(number: float, *, form: str, digits: int) -> bool:
    text = str(int(number)).zfill(digits)
    if not number.is_integer() or len(text) != digits:
        return False
    if digits == 10 and number < 2e9:
        # As seconds since 1970 these are no time to come.
        return False
    try:
        return 1970 <= datetime.strptime(text, form).year < 2100
    except ValueError:
        return False


def _unit_note(numbers: Iterable[float]) -> str:
    largest = max(numbers)
    for (least, most), ticks in ((_TICKS, "ticks of .NET"), (_FILE_TIMES, "file times of Windows")):
        if least <= largest <= most:
            return ticks
    power = len(str(int(largest))) - 1
    unit = next((word for least, word in sorted(_UNITS.items(), reverse=True) if power >= least), "")
    return f"{unit} since 1970" if unit else ""
