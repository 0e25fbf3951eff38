"""Decides how the times of a column are written: as numbers or dates, in which order of day and month, in which zone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import duckdb
import pyarrow as pa

from engine.ingest.reading.characters import odd_characters
from engine.ingest.reading.date_orders import date_order
from engine.ingest.reading.epochs import are_dates, epochs_of
from engine.ingest.reading.number_format import PLAIN
from engine.ingest.reading.placeholders import PLACEHOLDERS
from engine.ingest.reading.samples import sampled_texts
from engine.ingest.reading.time_format import NO_TIMES, Preparation, TimeFormat
from engine.ingest.reading.time_forms import TimeForm, form_of
from engine.ingest.reading.time_words import HALVES, SHORT_MONTHS, languages_of, month_words, weekday_words

__all__ = ["NO_TIMES", "TimeFormat", "are_times", "share_of_times", "time_format"]

_MOST_FORMATS = 24
# Languages whose weekdays may stand beside a date of numbers alone.
_WITHOUT_MONTHS = ("en", "de", "fr", "es", "it", "nl", "pt", "ja", "zh", "ko")
_ENOUGH = 0.95
_LOOKED_AT = 50
_SOME = 0.1
_LONGEST = 64
_TIME_NAME = re.compile(
    r"date|datum|time|zeit|created|updated|modified|published|launch|(^|_)at$|fecha|data_", re.IGNORECASE
)
_ISO = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:\d{2})?| [A-Z][A-Za-z]+/[A-Z][A-Za-z_]+)?)?",
    re.ASCII,
)
_YEAR_FIRST = re.compile(r"[0-9]{4}[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9])")
_NUMBER = re.compile(rf"{PLAIN}|[0-9]+,[0-9]+")
_ZERO = re.compile(r"0000-00-00.*|00[/.]00[/.]0000.*")
_WORD = re.compile(r"[^\W\d_]+")
_ORDINAL = (r"(^|[^0-9])([0-9]{1,2})(?:st|nd|rd|th|er|º|ª|\.º)", r"\1\2")
_HALF = (r"([aApP])\. ?[mM]\.?", r"\1m")
_FORWARD = (f"({'|'.join(HALVES)}) ?([0-9]{{1,2}}:[0-9:]+)", r"\2 \1")
_FRACTION = (r"([0-9]:[0-9]{2}:[0-9]{2})(?:[.][0-9]{7,9}|,[0-9]{1,9})", r"\1")
# Spreadsheets mark texts with an apostrophe or ="...".
_OPENED, _CLOSED = (r"^(?:=?\"|')", ""), (r"\"$", "")
_WEEK = (r"(?i)^([0-9]{4}-?w[0-9]{2})$", r"\1-1")
_REMARK = (r" *(?:\[[^\]]*\]|\([^)]*\))$", "")


def time_format(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    kind: pa.DataType,
    name: str = "",
    answer: str | None = None,
) -> TimeFormat:
    """How the times in a staged column of `table` are written.

    Parameters
    ----------
    connection : its time zone must be UTC.
    column, kind : the staged column and its type.
    name : the column's own name, a hint where numbers could be counted days or weeks, and part of a question.
    answer : "day-first" or "month-first", where a person said so.

    The forms are found in a fair sample; `date_order` decides whether the day or the month comes first. Times without a zone
    are UTC.
    """
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return TimeFormat(typed=f"epoch({column}::TIMESTAMPTZ)", timestamps=True)
    texts = sampled_texts(connection, table, column, kind)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        epochs = epochs_of(_numbers(texts), name)
        return TimeFormat(typed=f"{column}::DOUBLE", epochs=epochs, note=epochs.note)
    return _of_texts(connection, table, column, texts, name, answer)


def _numbers(texts: Mapping[str, int]) -> dict[float, int]:
    return {float(text.replace(",", ".")): count for text, count in texts.items() if _NUMBER.fullmatch(text)}


def _of_texts(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    texts: Mapping[str, int],
    name: str,
    answer: str | None,
) -> TimeFormat:
    missing = {lower for text in texts if (lower := text.lower()) in PLACEHOLDERS or _ZERO.fullmatch(lower)}
    dates = {
        text: count for text, count in texts.items() if not _NUMBER.fullmatch(text) and text.lower() not in missing
    }
    preparation = _preparation(dates)
    day_second = _day_before_month(dates, preparation)
    forms, iso = _forms(dates, preparation, day_second=day_second)
    order = date_order(connection, table, column, forms, preparation, dates, name, answer)
    chosen = dict.fromkeys((form.ahead, order.format_of(form)) for form in forms)
    epochs = epochs_of(_numbers(texts), name)
    zones = sorted({form.zone.upper() for form in forms if form.zone})
    notes = [
        "dates like 2024-31-12 were read as year, day, month" if day_second else "",
        order.note,
        epochs.note,
        f"clocks of {', '.join(zones)} were turned to UTC" if zones else "",
    ]
    return TimeFormat(
        note="; ".join(filter(None, notes)),
        question=order.question,
        epochs=epochs,
        preparation=preparation,
        iso=iso,
        # DuckDB takes 24 for a year of four digits, so formats with two come first.
        formats=tuple(sorted(chosen, key=lambda one: "%y" not in one[1])),
        missing=tuple(sorted(missing)),
        order=order.answer,
    )


def _day_before_month(texts: Iterable[str], preparation: Preparation) -> bool:
    """Whether dates that begin with the year can only have the day before the month."""
    parts = [match for text in texts if (match := _YEAR_FIRST.match(preparation.apply(text)))]
    return any(int(match[1]) > 12 for match in parts) and all(int(match[2]) <= 12 for match in parts)


def _forms(texts: Mapping[str, int], preparation: Preparation, *, day_second: bool) -> tuple[list[TimeForm], bool]:
    """The forms of the texts, the most frequent first, and whether some are ISO 8601.

    With `day_second`, dates that begin with the year have the day before the month.
    """
    shapes: dict[str, tuple[str, int]] = {}
    for text, count in texts.items():
        example, known = shapes.get(shape := _shape(text), (text, 0))
        shapes[shape] = (example, known + count)
    found: Counter[TimeForm] = Counter()
    iso = False
    for example, count in shapes.values():
        prepared = preparation.apply(example)
        if _ISO.fullmatch(prepared) and not day_second:
            iso = True
        elif form := form_of(prepared):
            found[form.with_day_second() if day_second else form] += count
    return [form for form, _ in found.most_common(_MOST_FORMATS)], iso


def _shape(text: str) -> str:
    return re.sub("[0-9]", "0", text)


def _preparation(texts: Iterable[str]) -> Preparation:
    """What the texts need replaced: only what occurs in them."""
    texts = list({_shape(text): text for text in texts}.values())
    languages = languages_of(texts)
    months = {word: number for language in reversed(languages) for word, number in month_words(language).items()}
    seen = {word for text in texts for word in _WORD.findall(text.lower())}
    named = {word: SHORT_MONTHS[months[word] - 1] for word in seen & months.keys()}
    halves = {word: half for word, half in HALVES.items() if any(word in text for text in texts)}
    words = halves if all(word == month for word, month in named.items()) else halves | named
    known = (*_weekdays(texts, languages), _OPENED, _CLOSED, _WEEK, _REMARK, _ORDINAL, _HALF, _FORWARD, _FRACTION)
    return Preparation(
        odd_characters(texts),
        tuple(each for each in known if any(re.search(each[0], text) for text in texts)),
        {word: words[word] for word in sorted(words, key=lambda word: (-len(word), word))},
    )


def _weekdays(texts: Sequence[str], languages: Sequence[str]) -> list[tuple[str, str]]:
    """Patterns that take the weekdays' names out: before the date, or behind it."""
    if not any(_WORD.search(text) for text in texts):
        return []
    spoken = languages or _WITHOUT_MONTHS
    days = {word for language in spoken for word in weekday_words(language)}
    months = {word for language in languages for word in month_words(language)}
    # "mar" behind a number is March, not Martes.
    before, behind = _alternatives(days), _alternatives(days - months)
    return [
        (rf"(?i)^(?:{before})(?:[.,]+ *| +)(?:den )?", ""),
        (rf"(?i)[,(]* +(?:{behind})[.)]?(,| |$)", r"\1"),
        (rf"([日일]) ?(?:{behind})", r"\1"),
    ]


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


def are_times(texts: Mapping[str, int], name: str = "") -> bool:
    """Whether nearly all texts of a column are dates or times; numbers are only if they are dates written as digits, or if
    the column's name says so."""
    every = sum(texts.values())
    numbers = _numbers(texts)
    if numbers:
        named = _TIME_NAME.search(name) is not None
        return sum(numbers.values()) >= _ENOUGH * every and are_dates(numbers, named=named)
    return share_of_times(texts) >= _ENOUGH


def share_of_times(texts: Mapping[str, int]) -> float:
    """The share of a column's texts that are dates or times and no numbers; a column of which few of some fifty
    are is told by these."""
    few = {text: texts[text] for text in sorted(texts)[:: max(len(texts) // _LOOKED_AT, 1)]}
    share = _share_of_times(few)
    return _share_of_times(texts) if share >= _SOME and len(few) < len(texts) else share


def _share_of_times(texts: Mapping[str, int]) -> float:
    preparation = _preparation(texts)
    times = (text for text in texts if len(text) <= _LONGEST and _is_time(preparation.apply(text)))
    return sum(texts[text] for text in times) / max(sum(texts.values()), 1)


def _is_time(text: str) -> bool:
    if _ISO.fullmatch(text):
        return True
    form = form_of(text)
    return form is not None and any(_strptime(text, each) for each in form.formats)


def _strptime(text: str, form: str) -> bool:
    try:
        return datetime.strptime(text, form).year >= 1900
    except ValueError:
        return False
