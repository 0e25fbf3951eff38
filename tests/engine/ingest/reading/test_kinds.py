from __future__ import annotations

import random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ingest.reading.kinds import Inferred, as_kind, infer_kind

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
        (["22 LB", "16 LB", "8 lb"], "number"),
        (["$12.99", "$1,299.00"], "number"),
        (["15 %", "20 %"], "number"),
        (["500 g", "1 kg", "2 kg"], "category"),
        (["ja", "nein", "ja"], "category"),
        (["S/M", "L/XL", "S/M"], "category"),
        (["Bags / Totes", "Bags / Clutches", "Shoes / Boots", "Shoes / Pumps"], "multi"),
        (["['a', 'b']", "['c']", "['b']"], "multi"),
        ([["A sentence about the product and its use"], ["Another one about how it is made"]], "text"),
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
        (["January 5, 2019", "May 12, 2020"], "dates"),
        (["5. Januar 2019", "12. Mai 2020"], "dates"),
        (["Mon, 01 Jan 2024 10:00:00 +0000"], "dates"),
        (["20240101154500", "20240102154500"], "dates"),
        (["https://a.example/1.jpg", "https://a.example/2.jpg"], "web addresses"),
        ([f"EAN{n:06}" for n in range(30)], "a code of its own for every product"),
    ],
)
def test_what_says_nothing_about_a_product_is_left_out(values: list[object], reason: str) -> None:
    inferred = infer_kind(values)
    assert (inferred.kind, inferred.reason) == (None, reason)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["red", "12", "a|b", "b|c", "a", "a b c d e f g h i j", "0"]), max_size=40), st.integers()
)
def test_the_kind_does_not_depend_on_the_order(values: list[str], seed: int) -> None:
    shuffled = values.copy()
    random.Random(seed).shuffle(shuffled)
    assert infer_kind(shuffled) == infer_kind(values) == infer_kind(list(values))


def test_values_that_are_no_numbers_are_marked() -> None:
    numbers, wrong = as_kind(pd.Series(["1", "x", None], dtype=object), "number", Inferred("number"))
    assert numbers.isna().tolist() == [False, True, True]
    assert wrong.tolist() == [False, True, False]


def test_whole_numbers_as_categories_lose_their_point() -> None:
    texts, _ = as_kind(pd.Series([1.0, 2.5, None], dtype=object), "category", Inferred("category"))
    assert texts.tolist()[:2] == ["1", "2.5"]
    assert texts.isna().tolist() == [False, False, True]
