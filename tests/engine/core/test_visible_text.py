from __future__ import annotations

import unicodedata

import pytest

from engine.core.visible_text import printable, visible

FAMILY, ENGLAND = "👨‍👩‍👧‍👦", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
HEBREW, ARABIC, PERSIAN = "שמלה אדומה", "فستان أحمر", "می‌خواهم"


@pytest.mark.parametrize(
    "text",
    ["Linen dress, 49.90 €", "Ångström", "Cafe\u0301", "ドレス", "हिन्दी क्‍ष", "ราคา", "❤️ ✌🏽", FAMILY, ENGLAND, "🇩🇪", "葛\U000e0100", "→ ≥ —", "bo\u2019s"],
)  # fmt: skip
def test_what_writing_needs_is_kept(text):
    assert visible(text) == text


@pytest.mark.parametrize("text", [HEBREW, ARABIC, PERSIAN, f"{HEBREW} Levi's 501", "\u200fשמלה"])
def test_what_is_written_from_right_to_left_is_whole_and_isolated(text):
    assert visible(text) == f"\u2068{text}\u2069"
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cod.\u202eexe\u202c!", "cod.exe!"),
        ("a\u202ab\u202bc\u202dd\u2066e\u2067f\u2068g\u2069h", "abcdefgh"),
        ("ze\u200bro\u2060wid\ufeffth", "zerowidth"),
        ("soft\u00adhyphen", "softhyphen"),
        ("a\u200db\u200cc", "abc"),
        ("hid\U000e0068\U000e0069den", "hidden"),
        ("x" + "\ufe01" * 9, "x\ufe01"),
        ("a\x00b\x1b[31mc\x7fd\x9b31me", "ab[31mcd31me"),
        ("one\r\n\ttwo\u2028three\x85four", "one two three four"),
        ("half \ud800 a character", "half \ufffd a character"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 6),
        ("blank\u3164\u2800\u115fs", "blanks"),
        ("\u200b \u2060", ""),
        ("\ufff9anno\ufffatation\ufffb", "annotation"),
    ],
)
def test_what_hides_or_reorders_is_taken_away(text, shown):
    assert visible(text) == shown


def test_no_character_at_all_is_left_that_changes_the_order_of_others_beyond_the_text():
    every = "".join(chr(code) for code in (*range(0x3000), *range(0xD000, 0x11000), *range(0xE0000, 0xE0200)))
    directions = [unicodedata.bidirectional(char) for char in visible(every)]
    assert [directions[0], directions[-1]] == ["FSI", "PDI"]
    assert not {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"} & set(directions[1:-1])
    visible(every).encode("utf-8")


def test_other_values_are_shown_as_python_writes_them():
    assert [visible(value) for value in (5, 4.5, None)] == ["5", "4.5", "None"]


def test_a_terminal_gets_lines_and_blanks_but_no_commands():
    assert printable("a   b\n\x1b]0;title\x07c\u202e\n") == "a   b\n]0;titlec\n"
