"""Currencies as people write them beside a price: ISO 4217 codes (from Babel, which has CLDR's) and signs."""

from __future__ import annotations

from functools import cache

from babel.core import get_global

__all__ = ["SHARED_SIGNS", "currency_decimals", "currency_named", "signs_of"]

# Signs and short names -> code; a sign that several countries use stays a sign.
_SIGNS = {
    **{"€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "us$": "USD", "$us": "USD", "u$s": "USD", "usd$": "USD"},
    **{"$": "$", "dollar": "$", "dollars": "$", "kr": "kr", "¥": "¥", "₹": "INR", "rs": "Rs", "₨": "Rs", "re": "Rs"},
    **{"r$": "BRL", "a$": "AUD", "au$": "AUD", "c$": "CAD", "ca$": "CAD", "cad$": "CAD", "nz$": "NZD", "hk$": "HKD"},
    **{"nt$": "TWD", "s$": "SGD", "mx$": "MXN", "ar$": "ARS", "cl$": "CLP", "col$": "COP", "r": "ZAR", "rp": "IDR"},
    **{"rm": "MYR", "s/": "PEN", "s/.": "PEN", "fr": "CHF", "sfr": "CHF", "kč": "CZK", "kc": "CZK", "zł": "PLN"},
    **{"zl": "PLN", "ft": "HUF", "lei": "RON", "лв": "BGN", "₽": "RUB", "руб": "RUB", "₴": "UAH", "грн": "UAH"},
    **{"₺": "TRY", "tl": "TRY", "₪": "ILS", "฿": "THB", "₫": "VND", "đ": "VND", "₩": "KRW", "원": "KRW", "円": "JPY"},
    **{"元": "CNY", "cn¥": "CNY", "rmb": "CNY", "₱": "PHP", "₦": "NGN", "₵": "GHS", "gh₵": "GHS", "ksh": "KES"},
    **{"₡": "CRC", "₲": "PYG", "₸": "KZT", "₾": "GEL", "₼": "AZN", "৳": "BDT", "₮": "MNT", "د.إ": "AED"},
    **{"ر.س": "SAR", "ج.م": "EGP", "д.е": "AED", "dh": "MAD", "dhs": "AED", "qr": "QAR", "sr": "SAR", "pln": "PLN"},
    **{"֏": "AMD", "ብር": "ETB", "៛": "KHR", "ریال": "IRR", "﷼": "IRR", "नेरू": "NPR", "රු": "LKR", "₭": "LAK", "؋": "AFN"},
}
SHARED_SIGNS = {
    "$": frozenset(
        [
            "USD",
            "CAD",
            "AUD",
            "NZD",
            "HKD",
            "TWD",
            "SGD",
            "MXN",
            "ARS",
            "CLP",
            "COP",
            "UYU",
            "BBD",
            "BSD",
            "BZD",
            "FJD",
            "JMD",
            "TTD",
            "XCD",
        ]
    ),
    "kr": frozenset(("SEK", "NOK", "DKK", "ISK")),
    "¥": frozenset(("JPY", "CNY")),
    "Rs": frozenset(("INR", "PKR", "LKR", "NPR", "MUR")),
}
"""Sign that several countries use -> the codes that it stands for."""
_COMMON = frozenset(
    {"eur", "usd", "gbp", "chf", "jpy", "cny", "inr", "aud", "cad", "sek", "nok", "dkk", "czk", "huf", "brl"}
)


def currency_named(text: str) -> str | None:
    """The ISO code that "€", "EUR", "kr." or "Rs." stands for, the sign itself where several countries use it, or None."""
    short = text.strip().rstrip(".").strip()
    if short.lower() in _SIGNS:
        return _SIGNS[short.lower()]
    # In small letters, "cup", "gel" and "kgs" are no money.
    known = short in _codes() or short.lower() in _COMMON
    return short.upper() if known else None


def signs_of(code: str) -> list[str]:
    """The shared signs that a currency is written with: "$" of AUD."""
    return [sign for sign, codes in SHARED_SIGNS.items() if code in codes]


def currency_decimals(currency: str | None) -> int:
    """The decimals of a currency's smallest coin that is in use: 2 for the euro, 0 for the yen, 3 for Kuwait's dinar."""
    return int(get_global("currency_fractions").get(currency or "", (2, 0, 2, 0))[0])


@cache
def _codes() -> frozenset[str]:
    """Codes of all money that is or was legal tender."""
    return frozenset(get_global("all_currencies"))
