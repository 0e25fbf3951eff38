from __future__ import annotations

import pytest

from engine.ingest.reading.currencies import currency_decimals, currency_named


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("€", "EUR"),
        ("eur", "EUR"),
        ("SEK", "SEK"),
        ("kr.", "kr"),
        ("Rs.", "Rs"),
        ("$", "$"),
        ("US$", "USD"),
        ("cup", None),
        ("kg", None),
        ("", None),
    ],
)
def test_currencies_are_known_by_code_and_sign(text: str, currency: str | None) -> None:
    assert currency_named(text) == currency


def test_currencies_have_their_own_decimals() -> None:
    assert [currency_decimals(code) for code in ("EUR", "JPY", "KWD", None)] == [2, 0, 3, 2]
