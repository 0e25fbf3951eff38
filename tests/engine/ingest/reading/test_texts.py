from __future__ import annotations

import pandas as pd
import pytest

from engine.ingest.reading.texts import plain_values, text_format, texts_within


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Soft<br>wool</p><ul><li>warm</li><li>light</li></ul>", "Soft wool warm light"),
        ("<b>bold</b>ish", "boldish"),
        ("Salt &amp; pepper", "Salt & pepper"),
        ("Salt &amp;amp; pepper", "Salt & pepper"),
        ("It&#39;s&nbsp;new", "It's new"),
        ("&lt;p&gt;Soft&lt;/p&gt;", "Soft"),
        ("<script>alert(1)</script>Soft<style>p{}</style>", "Soft"),
        ("Soft <!-- not shown -->wool", "Soft wool"),
        ("Wool <p class='a", "Wool <p class='a"),
        ("a < b and 3 > 2, I <3 it", "a < b and 3 > 2, I <3 it"),
        ("AT&T; R&D", "AT&T; R&D"),
        ("plain  text", "plain  text"),
    ],
)
def test_texts_are_what_a_reader_of_the_page_would_see(text: str, plain: str) -> None:
    assert text_format([text]).plain(text) == plain


def test_a_column_without_html_is_left_as_it_is() -> None:
    form = text_format(["Salt & pepper", "a < b"])
    assert (form.tags, form.entities, form.note) == (False, False, "")


def test_what_was_done_is_said() -> None:
    assert text_format(["<p>a &amp; b</p>"]).note == "HTML tags and entities became plain text"


def test_lists_keep_their_form_until_their_parts_are_made_plain() -> None:
    written = '["Pots &quot;5&quot;", "<b>Beds</b>"]'
    values = pd.Series([written, "a &amp; b", None], dtype=object)
    assert plain_values(values, text_format(texts_within(values))).tolist() == [written, "a & b", None]
    assert list(texts_within([["a", 1], "b", None])) == ["a", "b"]
