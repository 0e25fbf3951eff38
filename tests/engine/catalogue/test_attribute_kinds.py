from __future__ import annotations

import random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalogue.attribute_kinds import as_kind, infer_kind, parse_number, split_values

SENTENCES = [f"A long and flowing dress number {n} for warm summer evenings" for n in range(30)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["red", "blue", "red"], "category"),
        (["1", "2.5", "-3"], "number"),
        ([1, 2.5, 3], "number"),
        ([0, 1, 1, 0], "category"),
        ([True, False], "category"),
        (["yes", "no", "yes"], "category"),
        (["007", "008"], "category"),
        (["Drama|Comedy", "Drama", "Comedy|Horror", "Horror"], "multi"),
        (["red, blue", "blue", "red, green", "green, blue"], "multi"),
        (['["a","b"]', '["c"]'], "multi"),
        ([["a"], ["b", "c"]], "multi"),
        (SENTENCES, "text"),
        (["Dress, red with flowers", "Blue top, long"], "category"),
    ],
)
def test_kinds_are_told_from_the_values(values: list[object], kind: str) -> None:
    assert infer_kind(values).kind == kind


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "empty"),
        (["2024-01-01", "2024-02-01 10:00"], "dates"),
        (["https://a.example/1.jpg", "https://a.example/2.jpg"], "web addresses"),
        ([f"EAN{n:06}" for n in range(30)], "a code of its own for every product"),
    ],
)
def test_what_says_nothing_about_a_product_is_left_out(values: list[object], reason: str) -> None:
    inferred = infer_kind(values)
    assert (inferred.kind, inferred.reason) == (None, reason)


@given(
    st.lists(st.sampled_from(["red", "12", "a|b", "b|c", "a", "a b c d e f g h i j", "0"]), max_size=40), st.integers()
)
def test_the_kind_does_not_depend_on_the_order(values: list[str], seed: int) -> None:
    shuffled = values.copy()
    random.Random(seed).shuffle(shuffled)
    assert infer_kind(shuffled) == infer_kind(values) == infer_kind(list(values))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.99", 12.99),
        ("£1,299.00", 1299.0),
        ("12,99 €", 12.99),
        ("1.299,00", 1299.0),
        ("USD 5.00", 5.0),
        ("-3", -3.0),
        ("1e3", 1000.0),
        (7, 7.0),
        ("12.99 - 15.99", None),
        ("on request", None),
        ("3 pieces", None),
        ("", None),
        ("inf", None),
        (float("inf"), None),
        (None, None),
        (["1"], None),
    ],
)
def test_numbers_are_read_as_shops_write_them(text: object, number: float | None) -> None:
    assert parse_number(text) == number


@given(st.text(max_size=30))
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    number = parse_number(text)
    assert number is None or abs(number) < float("inf")


@pytest.mark.parametrize(
    ("value", "separator", "parts"),
    [
        ("a | b|a", "|", ["a", "b"]),
        ('["a", "b"]', None, ["a", "b"]),
        (["a", None, " "], None, ["a"]),
        ("[not json", "json", ["[not json"]),
        ("a;b", None, ["a", "b"]),
        ("", "|", None),
        (None, "|", None),
        (float("nan"), "|", None),
    ],
)
def test_several_values_are_taken_apart(value: object, separator: str | None, parts: list[str] | None) -> None:
    assert split_values(value, separator) == parts


def test_values_that_are_no_numbers_are_marked() -> None:
    numbers, wrong = as_kind(pd.Series(["1", "x", None], dtype=object), "number")
    assert numbers.isna().tolist() == [False, True, True]
    assert wrong.tolist() == [False, True, False]


def test_whole_numbers_as_categories_lose_their_point() -> None:
    texts, _ = as_kind(pd.Series([1.0, 2.5, None], dtype=object), "category")
    assert texts.tolist()[:2] == ["1", "2.5"]
    assert texts.isna().tolist() == [False, False, True]
