"""Names of months and weekdays in the languages of shops (from Babel, which has CLDR's), and the zones clocks are named after."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache

from babel import Locale

__all__ = ["HALVES", "SHORT_MONTHS", "ZONES", "languages_of", "month_words", "weekday_words"]

SHORT_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# The languages that are tried, the first of equally fitting ones.
_LANGUAGES = (
    *(
        "en",
        "de",
        "fr",
        "es",
        "it",
        "nl",
        "pt",
        "sv",
        "da",
        "nb",
        "fi",
        "pl",
        "cs",
        "sk",
        "hu",
        "ro",
        "hr",
        "sl",
        "et",
        "lv",
        "lt",
    ),
    *("el", "tr", "ru", "uk", "bg", "ca", "id", "fr_CA", "de_AT", "es_MX", "ja", "zh", "zh_Hant", "ko"),
)
# What people also write.
_MORE = {
    "en": {"sept": 9},
    "de": {"mrz": 3, "maerz": 3, "jän": 1, "jänner": 1},
    "fr": {"fev": 2, "fevr": 2, "fevrier": 2, "aout": 8, "decembre": 12, "juill": 7},
    "es": {"set": 9, "sept": 9},
    "nb": {"des": 12},
}
# A column is seldom written in more languages.
_MOST_LANGUAGES = 3
_WORD = re.compile(r"[^\W\d_]+")
HALVES = {
    "오전": "am",
    "오후": "pm",
    "上午": "am",
    "下午": "pm",
    "午前": "am",
    "午後": "pm",
    "π.μ.": "am",
    "μ.μ.": "pm",
}
"""The two halves of a day where they are not am and pm."""
_HOURS = {
    **{
        "z": 0,
        "utc": 0,
        "gmt": 0,
        "ut": 0,
        "wet": 0,
        "cet": 1,
        "mez": 1,
        "bst": 1,
        "west": 1,
        "cest": 2,
        "mesz": 2,
        "eet": 2,
    },
    **{"eest": 3, "msk": 3, "est": -5, "edt": -4, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "akst": -9},
    **{"akdt": -8, "hst": -10, "jst": 9, "kst": 9, "aest": 10, "aedt": 11, "sgt": 8, "hkt": 8, "nzst": 12, "nzdt": 13},
    **{"brt": -3, "art": -3, "wib": 7, "pkt": 5, "sast": 2, "ist": 5.5, "cst": -6},
}
ZONES = {name: int(hours * 3600) for name, hours in _HOURS.items()}
"""Abbreviation in lower case -> seconds ahead of UTC; IST is India's and CST America's."""


def languages_of(texts: Iterable[str]) -> list[str]:
    """The languages in which the texts name their months, the one of most texts first; a month is named in one of them only.

    Listopad is October in Croatian and November in Polish, so a language is chosen for the column and not for a word.
    """
    left = [set(_WORD.findall(text.lower())) for text in texts]
    left = [words for words in left if words]
    chosen: list[str] = []
    while left and len(chosen) < _MOST_LANGUAGES:
        named = Counter({language: _naming(language, left) for language in _LANGUAGES if language not in chosen})
        language, count = max(named.items(), key=lambda one: one[1])
        if not count:
            break
        chosen.append(language)
        if count == len(left):
            break
        left = [words for words in left if words.isdisjoint(month_words(language))]
    return chosen


def _naming(language: str, texts: Collection[set[str]]) -> int:
    months = month_words(language).keys()
    return sum(not words.isdisjoint(months) for words in texts)


@cache
def month_words(language: str) -> dict[str, int]:
    """Name or abbreviation of a month in lower case, without a point -> 1-12."""
    names = {
        name.lower().rstrip("."): number
        for widths in Locale.parse(language).months.values()
        for width in ("wide", "abbreviated")
        for number, name in widths[width].items()
    }
    return {name: number for name, number in names.items() if _WORD.fullmatch(name)} | _MORE.get(language, {})


@cache
def weekday_words(language: str) -> frozenset[str]:
    """Names and abbreviations of weekdays in lower case, without points."""
    days = Locale.parse(language).days.values()
    names = (name for widths in days for width in ("wide", "abbreviated", "short") for name in widths[width].values())
    return frozenset(name.lower().rstrip(".").replace("\u02bc", "'") for name in names)
