"""The form of one written time: which strptime format reads it, and where its zone is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from engine.ingest.reading.time_words import SHORT_MONTHS, ZONES

__all__ = ["TimeForm", "form_of"]

_MONTH = rf"(?P<b>(?:{'|'.join(SHORT_MONTHS)})(?![^\W\d_]))\.?"
_DAY = r"(?P<d>[0-9]{1,2})"
_YEAR = r"(?:(?P<Y>[0-9]{4})|(?P<y>[0-9]{2}))"
_CLOCK = (
    r"(?P<H>[0-9]{1,2})(?:(?P<mark>[:.])(?P<M>[0-9]{2})(?:(?P=mark)(?P<S>[0-9]{2})(?:[.](?P<f>[0-9]{1,6}))?)?| ?h ?(?P<M2>[0-9]{2})(?: min(?: (?P<S2>[0-9]{2}) s)?)?)"
    r"(?: ?(?P<p>[ap]m))?(?: ?(?:uhr|h|hrs))?"
)
_HOUR = r"(?P<H>[0-9]{1,2}) ?(?P<p>[ap]m)"
_ZONE = r"(?: ?(?P<name>[a-z]{1,4}))??(?: ?(?P<z>[+-][0-9]{2}(?::?[0-9]{2})?))?"
_JOIN = r"(?: ?t ?|[ ,:_-]+|,? +(?:at|um|à|a las|alle|alle ore|om|kl\.?|klo|@) +| ?@ ?)"
_DATES = (
    r"(?P<Y>[0-9]{4})(?P<s>[-/._ ]|\. )(?P<m>[0-9]{1,2})(?P=s)(?P<d>[0-9]{1,2})\.?",
    r"(?P<y>[0-9]{2})\. (?P<m>[0-9]{1,2})\. (?P<d>[0-9]{1,2})\.",
    r"(?P<first>[0-9]{1,2})(?P<s>[-/._ ]|\. )(?P<second>[0-9]{1,2})(?P=s)(?P<Y>[0-9]{4})\.?",
    r"(?P<first>[0-9]{1,2})(?P<s>[-/.]|\. )(?P<second>[0-9]{1,2})(?P=s)(?P<y>[0-9]{2})\.?",
    r"(?P<Y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})",
    rf"{_DAY}\.?[ /-]*(?:(?:de|of) )?{_MONTH},?[ /-]*(?:(?:de|del|of) )?{_YEAR}(?:\.| [гр]\.?)?",
    rf"{_MONTH}[ /-]*{_DAY}(?:,? +|[/-]){_YEAR}",
    rf"(?P<Y>[0-9]{{4}})\.?,?[ /-]?{_MONTH}[ /-]?{_DAY}\.?",
    rf"{_MONTH}[ ,/-]+(?:de )?(?P<Y>[0-9]{{4}})",
    r"(?P<Y>[0-9]{4})[-/.](?P<m>[0-9]{2})",
    r"(?P<m>[0-9]{2})[-/.](?P<Y>[0-9]{4})",
    r"(?P<G>[0-9]{4})-?w(?P<V>[0-9]{2})-?(?P<u>[1-7])",
    r"(?P<Y>[0-9]{4}) ?[年년] ?(?P<m>[0-9]{1,2}) ?[月월] ?(?P<d>[0-9]{1,2}) ?[日일]",
)
_WHOLE = (
    *(
        rf"{date}(?:{_JOIN}(?:{_CLOCK}|{_HOUR.replace('<H>', '<H2>').replace('<p>', '<p2>')}){_ZONE})?"
        for date in _DATES
    ),
    *(rf"{_CLOCK}{_ZONE}[ ,:]+{date}" for date in _DATES),
    rf"(?P<Y>[0-9]{{4}})(?P<m>[0-9]{{2}})(?P<d>[0-9]{{2}})[t ]?(?P<H>[0-9]{{2}})(?P<M>[0-9]{{2}})(?P<S>[0-9]{{2}})?{_ZONE}",
    rf"{_MONTH} +{_DAY},? +{_CLOCK}{_ZONE} +(?P<Y>[0-9]{{4}})",
)
_COMPILED = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _WHOLE)
_ORDERS: tuple[dict[str, str], ...] = (
    {"first": "d", "second": "m"},
    {"first": "m", "second": "d"},
    {"first": "y", "second": "m", "y": "d"},
)


@dataclass(frozen=True)
class TimeForm:
    """How a time is written.

    Attributes
    ----------
    formats : strptime formats: one, or one with the day first and one with the month first, and for years of two digits
        one with the year first.
    ahead : seconds by which the named zone in the text is ahead of UTC.
    zone : the abbreviation of a zone other than UTC, "" for none.
    separator : what stands between the numbers of a date that may have the day or the month first.
    """

    formats: tuple[str, ...]
    ahead: int = 0
    zone: str = ""
    separator: str = ""

    @property
    def open(self) -> bool:
        """Whether day and month could be either way round."""
        return len(self.formats) > 1

    @property
    def short_year(self) -> bool:
        """Whether the year has two digits and could come first."""
        return len(self.formats) > 2

    def with_day_second(self) -> TimeForm:
        """The same form, with the day before the month where the year comes first."""
        formats = tuple(re.sub("^(%Y.*)%m(.*)%d", r"\1%d\2%m", each) for each in self.formats)
        return replace(self, formats=formats)


def form_of(text: str) -> TimeForm | None:
    """The form of a time as DuckDB's strptime reads it, or None where it is none.

    Month names are expected as English abbreviations, without weekdays, ordinals and remarks in brackets.
    """
    for pattern in _COMPILED:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        found = {key: value for key, value in match.groupdict().items() if value}
        name = found.get("name", "").lower()
        if name and name not in ZONES:
            continue
        orders = _ORDERS[: 3 if "y" in found else 2] if "first" in found else ({},)
        formats = tuple(_format(match, "p" in found or "p2" in found, order) for order in orders)
        ahead = 0 if "z" in found else ZONES.get(name, 0)
        return TimeForm(formats, ahead, name if ahead else "", found.get("s", "").strip() if "first" in found else "")
    return None


def _format(match: re.Match[str], halves: bool, order: dict[str, str]) -> str:
    """The strptime format: every group that was found becomes its directive, and everything else stays as it is."""
    names = {name: order.get(name, name.rstrip("2")) for name in match.groupdict() if name not in ("s", "mark", "name")}
    spans = sorted((match.span(name), directive) for name, directive in names.items() if match[name] is not None)
    parts, done = [], 0
    for (start, end), directive in spans:
        parts.append(match.string[done:start].replace("%", "%%"))
        parts.append("%" + ("I" if directive == "H" and halves else directive))
        done = end
    return "".join(parts) + match.string[done:].replace("%", "%%")
