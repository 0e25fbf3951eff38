from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from ui.widgets.formatting import (
    count_phrase,
    day_phrase,
    duration_phrase,
    html_text,
    plain,
    plural,
    price_phrase,
    singular,
    text_or_none,
    visible_cells,
)

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "word", "phrase"),
    [
        (0, "clicks", "no clicks"),
        (1, "clicks", "1 click"),
        (1204, "buyers", "1,204 buyers"),
        (1, "purchases", "1 purchase"),
        (1, "interest", "1 interest"),
    ],
)
def test_counts_are_said_in_the_shops_own_word(count, word, phrase):
    assert count_phrase(count, word) == phrase


def test_a_word_that_ends_in_double_s_is_left_alone():
    assert singular("access") == "access"


def test_plural_takes_an_irregular_form():
    assert plural(2, "person", "people") == "2 people"


@pytest.mark.parametrize(
    ("price", "currency", "phrase"),
    [
        (1234.5, "GBP", "£1,234.50"),
        (59, "SEK", "59.00 SEK"),
        (3.0, "£", "£3.00"),
        (3.0, None, "3.00"),
        (float("nan"), "GBP", ""),
        (None, "GBP", ""),
    ],
)
def test_prices_carry_their_currency_and_missing_ones_are_nothing(price, currency, phrase):
    assert price_phrase(price, currency) == phrase


@pytest.mark.parametrize(
    ("ago", "phrase"),
    [
        (timedelta(hours=1), "today 11:00"),
        (timedelta(hours=13), "yesterday 23:00"),
        (timedelta(days=3), "2 March 2026"),
    ],
)
def test_days_are_said_as_people_say_them(ago, phrase):
    assert day_phrase(NOON - ago, now=NOON, zone=UTC) == phrase


@pytest.mark.parametrize(
    ("seconds", "phrase"), [(2, "a few seconds"), (42, "40 s"), (119, "2 min"), (3600 * 1.5, "1 h 30 min")]
)
def test_durations_are_rounded(seconds, phrase):
    assert duration_phrase(seconds) == phrase


@pytest.mark.parametrize("missing", [None, float("nan"), "", "  "])
def test_missing_cells_are_no_text(missing):
    assert text_or_none(missing) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dress-1.jpg: it is damaged. 49.90, 50 %", "dress-1.jpg: it is damaged. 49.90, 50 %"),
        ("[a](http://x.y) ![i](z)", "\\[a\\]\\(http\u2060\\://x.y\\) \\!\\[i\\]\\(z\\)"),
        ("*b* _i_ `c` <b> $x$ &amp;", "\\*b\\* \\_i\\_ \\`c\\` \\<b\\> \\$x\\$ \\&amp;"),
        (":material/home: :red[x]", "\u2060\\:\u2060material/home: \\:red\\[x\\]"),
        ("# h\n\n1. x", "\\# h 1. x"),
        ("1. x", "1\\. x"),
        ("- x", "\\- x"),
        ("www.x.y a@b.c", "www\u2060.x.y a\u2060@b.c"),
        ("שמלה 👗 “q”", "\u2068שמלה 👗 “q”\u2069"),
        ("2026. Spring", "2026\\. Spring"),
        ("a -> b <- c <-> d -- e >= f <= g ~= h", "a -⁠\\> b \\<⁠- c \\<⁠-\\> d -⁠- e \\>⁠= f \\<⁠= g \\~⁠= h"),
        ("x -- y--z", "x -⁠- y--z"),
        ("a\u202eb\u200bc\x1b", "abc"),
    ],
)
def test_strangers_text_is_plain_within_markdown(text, shown):
    assert plain(text) == shown


def test_strangers_text_is_text_between_our_tags():
    assert html_text('<b title="x">\u202e&\n') == "&lt;b title=&quot;x&quot;&gt;&amp;"


def test_cells_of_a_table_are_visible_and_other_values_stay():
    table = pd.DataFrame({"text": ["a\u202eb", None], "mixed": [1, "c\x00"], "number": [0.5, 1.5]})
    shown = visible_cells(table)
    assert shown["text"].tolist()[0] == "ab"
    assert shown["text"].isna().tolist() == [False, True]
    assert shown["mixed"].tolist() == [1, "c"]
    assert shown["number"].equals(table["number"])
    assert table["text"][0] == "a\u202eb"
