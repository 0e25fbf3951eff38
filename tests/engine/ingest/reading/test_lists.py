from __future__ import annotations

import pytest

from engine.ingest.reading.lists import list_format, list_values, split_values


@pytest.mark.parametrize(
    ("value", "values"),
    [
        ('["a", "b"]', ["a", "b"]),
        ("['a', 'b']", ["a", "b"]),
        ("('a', 'b')", ["a", "b"]),
        ('{a,"b, c"}', ["a", "b, c"]),
        (["a"], ["a"]),
        ("[]", []),
        ("[not a list", None),
        ("[open](link)", None),
        ('{"a": 1}', None),
        ("a, b", None),
        ("[" * 5_000 + "]" * 5_000, None),
    ],
)
def test_lists_of_programs_are_recognised(value: object, values: list[str] | None) -> None:
    assert list_values(value) == values


@pytest.mark.parametrize(
    ("texts", "narrowest"),
    [
        (["Home > Kitchen > Mugs", "Home > Bath"], ["Mugs", "Bath"]),
        (["A > B, C > D", "C > D", "A > B"], ["B", "D", "B"]),
        (["A;A/B", "C;C/D"], ["B", "D"]),
        (["Default/Gear,Default/Gear/Bags", "Default/Gear"], ["Bags", "Gear"]),
        (["Apparel > Shoes, Socks & More > Boots", "Apparel > Hats"], ["Boots", "Hats"]),
        (['["A", "B"]', '["C"]'], ["B", "C"]),
        (["Home, Garden & Tools", "Toys"], ["Home, Garden & Tools", "Toys"]),
        (["Rock/Pop", "Jazz"], ["Rock/Pop", "Jazz"]),
        (["Mugs", "Plates"], ["Mugs", "Plates"]),
        (["Clothing > Hoodies", "Clothing", "Mugs"], ["Hoodies", "Clothing", "Mugs"]),
    ],
)
def test_the_narrowest_category_is_told_from_the_whole_column(texts: list[str], narrowest: list[str]) -> None:
    form = list_format(texts, paths=True)
    assert [form.narrowest(text) for text in texts] == narrowest


def test_all_levels_of_all_paths_are_values_of_an_attribute() -> None:
    form = list_format(["A > B, C > D", "C > D", "A > B"])
    assert form.parts("A > B, C > D") == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    ("texts", "separator"),
    [
        (["red|blue", "blue|green", "red"], "|"),
        (["red; blue", "blue; green", "red; green"], ";"),
        (["red, blue", "blue", "red, green", "green, blue"], ","),
        (["Dress, red with flowers", "Blue top, long"], ""),
        ([], ""),
    ],
)
def test_a_separator_must_cut_pieces_that_recur(texts: list[str], separator: str) -> None:
    assert list_format(texts).separator == separator


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("a | b|a", ["a", "b"]),
        ('["a", "b"]', ["a", "b"]),
        (["a", None, " "], ["a"]),
        ("a;b", ["a", "b"]),
        ("", None),
        (None, None),
    ],
)
def test_one_value_is_taken_apart_by_the_separator_in_it(value: object, parts: list[str] | None) -> None:
    assert split_values(value) == parts
