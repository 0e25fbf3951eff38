"""What stands around an amount: a sign, a currency, a unit, or a word such as "from"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.ingest.reading.currencies import SHARED_SIGNS, currency_named, signs_of

__all__ = ["Cell", "lower_end", "take_apart"]

# Words of prices that change nothing about the number, in the languages of shops.
_WORDS = (
    r"from|starting at|starting from|only|price|rrp|msrp|now|ab|nur|preis|uvp|statt|à partir de|a partir de|dès|prix"
    r"|seulement|desde|precio|solo|a partire da|da|prezzo|vanaf|prijs|fra|från|od|cena|ca|approx|about|circa|~|≈"
    r"|incl|incl\.? vat|inc\.? vat|excl\.? vat|ex\.? vat|vat incl|inkl\.? mwst|exkl\.? mwst|zzgl\.? mwst|zzgl\.? versand"
    r"|inkl\.? ust|netto|brutto|ttc|ht|iva incl|iva incluida|incl\.? btw|\+ ?tax|\*+"
)
_FIRST_WORD = re.compile(rf"^(?:{_WORDS})(?![^\W\d_])[.:]?", re.IGNORECASE)
_LAST_WORD = re.compile(rf"(?<![^\W\d_])(?:{_WORDS})\.?$", re.IGNORECASE)
# A dash in place of the cents: "12,-", "12.--", "99:-", "Rs. 100/-".
_DASH = re.compile(r"^(?:[.,:]-{1,2}|/-)")
_CELL = re.compile(
    r"(?P<before>[^0-9]*?)(?P<amount>(?:(?<![^\W\d_])[.,])?[0-9](?:[0-9.,' ]*[0-9])?(?:[.,](?=[^-0-9]|$))?(?:[eE][-+]?[0-9]{1,2}(?![0-9]))?)"
    r"(?P<after>[^0-9]*| ?/ ?(?:5|10|100)| (?:out of|von|sur|de|su|van) (?:5|10)(?: [^0-9 ]+)?)"
)
# "4.5/5", "4,5 von 5 Sternen"
_SCALE = re.compile(r"(?:/|out of|von|sur|de|su|van) ?(5|10|100)(?: [^0-9 ]+)?")
_UNIT = re.compile(r"[^\W\d_%°\"'µ²³][\w²³./ -]{0,14}|[%°\"'µ‰][^\W\d_]{0,3}")
# "k", "m" and "million" would change the number, "x" and "to" announce another.
_NO_UNITS = frozenset(
    {
        *("k", "tsd", "mio", "mill", "million", "millions", "mln", "mn", "mrd", "billion", "bn", "thousand", "lakh"),
        *("lakhs", "crore", "crores", "cr", "x", "to", "bis", "and", "und", "or", "oder", "st", "nd", "rd", "th", "e"),
        *("万", "萬", "億", "亿", "千", "만", "천", "тыс", "млн", "mil", "milhões", "millones", "mille"),
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
    first, last = _without_quotes(match["before"], match["after"])
    signed = _without_sign(first.strip(), _DASH.sub("", last).strip())
    if signed is None:
        return None
    (first, worded_before), (last, worded_after) = _without_words(signed[0]), _without_words(signed[1])
    last, per = _without_divisor(last)
    currency = _one_currency(first, last)
    rest = [part for part in (first, last) if part and not currency_named(part)]
    if currency == "" or (rest and (first in rest or len(rest) > 1 or not _is_unit(rest[0]))):
        return None
    unit = per or (rest[0].rstrip(".") if rest else None)
    if rest and currency:
        return None
    worded = worded_before or worded_after
    return Cell(match["before"], match["amount"], match["after"], signed[2], currency, unit, worded)


def lower_end(text: str) -> Cell | None:
    """The lower amount of a range of money ("$5.00 - $7.00"), or None for anything else."""
    parts = [take_apart(part.strip()) for part in text.split("-")]
    if len(parts) != 2 or parts[0] is None or parts[1] is None or parts[0].negative or parts[1].negative:
        return None
    currencies = {part.currency for part in parts if part and part.currency}
    units = any(part.unit for part in parts if part)
    return parts[0] if len(currencies) == 1 and not units else None


def _without_quotes(before: str, after: str) -> tuple[str, str]:
    """What stands around an amount without a spreadsheet's apostrophe, quotation marks, or ="..."."""
    if after.endswith('"') and before.startswith(('="', '"')):
        return before.removeprefix("=").removeprefix('"'), after[:-1]
    return before.removeprefix("'"), after


def _without_divisor(last: str) -> tuple[str, str | None]:
    """What follows an amount without what it is counted by, and that: ("€", "/kg") of "€ / kg", ("", "/5") of "/5"."""
    if scale := _SCALE.fullmatch(last):
        return "", f"/{scale[1]}"
    money, slash, unit = last.partition("/")
    if slash and currency_named(money) and _is_unit(unit.strip()):
        return money.strip(), f"/{unit.strip().rstrip('.')}"
    return last, None


def _one_currency(*parts: str) -> str | None:
    """The currency beside an amount, None for none and "" for several; "$" beside "USD" is one."""
    found = {currency for part in parts if part and (currency := currency_named(part))}
    codes = {currency for currency in found if currency not in SHARED_SIGNS}
    if len(found) == 2 and len(codes) == 1 and (found - codes).pop() in signs_of(*codes):
        return codes.pop()
    return next(iter(found)) if len(found) == 1 else "" if found else None


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
    """The part without words such as "from", and whether it had any; "CA$" is not circa."""
    if currency_named(part):
        return part, False
    plain = _LAST_WORD.sub("", _FIRST_WORD.sub("", part).strip()).strip()
    return plain, plain != part


def _is_unit(text: str) -> bool:
    if text in _LARGE or text.rstrip(".").lower() in _NO_UNITS:
        return False
    return _UNIT.fullmatch(text) is not None and not text[0].isnumeric()
