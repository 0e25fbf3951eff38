"""Babel writes numbers and dates in many languages; the reader must get them back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pytest
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

from engine.ingest.reading.numbers import number_format
from engine.ingest.reading.time_words import languages_of
from engine.ingest.reading.times import TimeFormat, time_format
from engine.ingest.staged_sql import with_texts

MONEY = {
    **{"en_US": "USD", "en_GB": "GBP", "en_IN": "INR", "en_ZA": "ZAR", "de_DE": "EUR", "de_CH": "CHF", "fr_FR": "EUR"},
    **{"fr_CA": "CAD", "es_ES": "EUR", "es_MX": "MXN", "it_IT": "EUR", "nl_NL": "EUR", "pt_BR": "BRL", "sv_SE": "SEK"},
    **{"da_DK": "DKK", "nb_NO": "NOK", "pl_PL": "PLN", "cs_CZ": "CZK", "hi_IN": "INR", "ar_EG": "EGP", "ru_RU": "RUB"},
}
LANGUAGES = [
    *(
        "en_US",
        "en_GB",
        "de_DE",
        "fr_FR",
        "fr_CA",
        "es_ES",
        "it_IT",
        "nl_NL",
        "pt_BR",
        "sv_SE",
        "da_DK",
        "nb_NO",
        "fi_FI",
    ),
    *("pl_PL", "cs_CZ", "hu_HU", "ro_RO", "hr_HR", "el_GR", "tr_TR", "ru_RU", "uk_UA", "ja_JP"),
]
MOMENTS = [
    datetime(2020 + month % 5, month, 28 - 2 * month, 2 * month - 1, 30 + month, tzinfo=UTC) for month in range(1, 13)
]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


@pytest.mark.parametrize("locale", MONEY)
def test_prices_of_many_countries_are_read(locale: str) -> None:
    amounts = [9.9, 1299.0, -24.5, 1_234_567.89, 0.5]
    for style in ("standard", "accounting"):
        texts = [format_currency(amount, MONEY[locale], locale=locale, format_type=style) for amount in amounts]
        form = number_format(Counter(texts), "price")
        assert [form.number(text) for text in texts] == amounts


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("style", ["short", "medium", "long", "full"])
def test_dates_of_many_languages_are_read(connection: duckdb.DuckDBPyConnection, locale: str, style: str) -> None:
    days = [moment.replace(hour=0, minute=0) for moment in MOMENTS]
    assert seconds(connection, [format_date(day, style, locale=locale) for day in days]) == stamps(days)
    if style in ("short", "medium"):
        texts = [format_datetime(moment, style, locale=locale, tzinfo=UTC) for moment in MOMENTS]
        assert seconds(connection, texts) == stamps(MOMENTS)


def test_a_month_is_named_in_the_language_of_the_column() -> None:
    assert languages_of(["11 listopada 2020", "3 stycznia 2021"]) == ["pl"]
    assert languages_of(["11. listopada 2020.", "3. siječnja 2021."]) == ["hr"]
    assert languages_of(["5 May 2020", "5. Dezember 2020", "6 May 2021"]) == ["en", "de"]
    assert languages_of(["31.12.2024", "Dress"]) == []


def seconds(connection: duckdb.DuckDBPyConnection, texts: list[str]) -> list[int | None]:
    kind = pa.string()
    connection.register("given", pa.table({"c0": pa.array(texts, kind), "turn": range(len(texts))}))
    form = time_format(connection, "given", "c0", kind)
    rows = connection.execute(f"""
        SELECT {TimeFormat.whole("seconds")} FROM (
            SELECT turn, {form.seconds} AS seconds FROM (
                SELECT turn, time_text, {form.number} AS time_number FROM {with_texts("given", {"time": "c0"}, {"c0": kind})}
            )
        ) ORDER BY turn
    """).fetchall()
    return [row[0] for row in rows]


def stamps(moments: list[datetime]) -> list[int]:
    return [int(moment.timestamp()) for moment in moments]
