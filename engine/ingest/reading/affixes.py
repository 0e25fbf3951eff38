"""What stands around an amount: a sign, a currency, a unit, or a word such as "from"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.ingest.reading.currencies import currency_named

__all__ = ["Cell", "take_apart"]

# Words of prices that change nothing about the number, in the languages of shops.
_WORDS = (
    r"from|starting at|starting from|only|price|rrp|msrp|now|ab|nur|preis|uvp|statt|à partir de|a partir de|dès|prix"
    r"|seulement|desde|precio|solo|a partire da|da|prezzo|vanaf|prijs|fra|från|od|cena|ca|approx|about|circa|~|≈"
    r"|incl|incl\.? vat|inc\.? vat|excl\.? vat|ex\.? vat|vat incl|inkl\.? mwst|exkl\.? mwst|zzgl\.? mwst|zzgl\.? versand"
    r"|inkl\.? ust|netto|brutto|ttc|ht|iva incl|iva incluida|incl\.? btw|\+ ?tax|\*+"
)
_FIRST_WORD = re.compile(rf"^(?:{_WORDS})(?![^\W\d_])[.:]?", re.IGNORECASE)
_LAST_WORD = re.compile(rf"(?<![^\W\d_])(?:{_WORDS})\.?$", re.IGNORECASE)
# A dash in place of the cents: "12,-", "12.--", "Rs. 100/-".
_DASH = re.compile(r"^(?:[.,]-{1,2}|/-)")
_CELL = re.compile(
    r"(?P<before>[^0-9]*?)(?P<amount>(?:(?<![^\W\d_])[.,])?[0-9](?:[0-9.,' ]*[0-9])?(?:[.,](?=[^-0-9]|$))?(?:[eE][-+]?[0-9]{1,3}(?![0-9]))?)"
    r"(?P<after>[^0-9]*)"
)
_UNIT = re.compile(r"[^\W\d_%°\"'µ²³][\w²³./ -]{0,14}|[%°\"'µ‰][^\W\d_]{0,3}")
# "k", "m" and "million" would change the number, "x" and "to" announce another.
_NO_UNITS = frozenset(
    {
        *("k", "tsd", "mio", "mill", "million", "millions", "mln", "mn", "mrd", "billion", "bn", "thousand", "lakh"),
        *("lakhs", "crore", "crores", "cr", "x", "to", "bis", "and", "und", "or", "oder", "st", "nd", "rd", "th", "e"),
    }
)
_LARGE = frozenset({"K", "M", "B"})


@dataclass(frozen=True)
class Cell:
    """A text with one amount in it, taken apart.

    Attributes
    ----------
    before, after : what stands around the amount, as written.
    negative : whether a minus sign, brackets or a trailing minus make it negative.
    currency, unit : what stands beside it, None for none.
    word : whether a word such as "from" stands beside it.
    """

    before: str
    amount: str
    after: str
    negative: bool
    currency: str | None = None
    unit: str | None = None
    word: bool = False


def take_apart(text: str) -> Cell | None:
    """The parts of a text with one amount, or None for what holds none, several, or anything unknown."""
    match = _CELL.fullmatch(text)
    if match is None:
        return None
    before, amount, after = match["before"], match["amount"], match["after"]
    # Spreadsheets mark texts with an apostrophe.
    first, last = before.removeprefix("'").strip(), _DASH.sub("", after).strip()
    signed = _without_sign(first, last)
    if signed is None:
        return None
    first, last, negative = signed
    first, worded_before = _without_words(first)
    last, worded_after = _without_words(last)
    currencies = {currency for part in (first, last) if part and (currency := currency_named(part))}
    rest = [part for part in (first, last) if part and not currency_named(part)]
    if len(currencies) > 1 or len(rest) > 1 or (rest and (rest[0] == first or not _is_unit(rest[0]))):
        return None
    unit = rest[0].rstrip(".") if rest else None
    if unit and currencies:
        return None
    return Cell(before, amount, after, negative, next(iter(currencies), None), unit, worded_before or worded_after)


def _without_sign(first: str, last: str) -> tuple[str, str, bool] | None:
    """What stands around an amount without its sign, and whether that makes it negative; None where signs disagree."""
    brackets = "(" in first and last.endswith(")")
    if brackets:
        first, last = first.replace("(", "", 1).strip(), last[:-1].strip()
    signs = first.count("-") + first.count("+")
    trailing = last.endswith("-") or last.startswith("- ")
    if signs + trailing + brackets > 1 or (signs and not (first[0] in "-+" or first[-1] in "-+")):
        return None
    negative = brackets or trailing or "-" in first
    return (
        first.replace("-", "").replace("+", "").strip(),
        (last[1:] if last.startswith("- ") else last.rstrip("-")).strip(),
        negative,
    )


def _without_words(part: str) -> tuple[str, bool]:
    """The part without words such as "from", and whether it had any."""
    plain = _LAST_WORD.sub("", _FIRST_WORD.sub("", part).strip()).strip()
    return plain, plain != part


def _is_unit(text: str) -> bool:
    if text in _LARGE or text.rstrip(".").lower() in _NO_UNITS:
        return False
    return _UNIT.fullmatch(text) is not None
