from __future__ import annotations

import pandas as pd

from ui.review.warm_up import answered_lists


def votes(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["anchor_id", "neighbour_id", "verdict"])


def a_list(anchor: str, irrelevant: int, relevant: int) -> list[tuple[str, str, str]]:
    verdicts = ["irrelevant"] * irrelevant + ["relevant"] * relevant
    return [(anchor, f"n{number}", verdict) for number, verdict in enumerate(verdicts)]


def test_a_list_that_was_judged_to_the_end_and_shows_both_is_an_example():
    lists = answered_lists(votes(*a_list("a", 4, 6)))
    assert list(lists) == ["a"]
    assert lists["a"] == {f"n{number}": "irrelevant" if number < 4 else "relevant" for number in range(10)}


def test_lists_that_are_short_or_one_sided_are_none():
    assert answered_lists(votes(*a_list("short", 4, 5), *a_list("good", 2, 8), *a_list("bad", 8, 2))) == {}
    assert answered_lists(votes()) == {}


def test_where_people_disagree_or_cannot_tell_any_answer_is_right_and_such_lists_come_last():
    disputed = [*a_list("a", 4, 6), ("a", "n0", "relevant"), ("a", "n9", "unsure")]
    lists = answered_lists(votes(*disputed, *a_list("b", 5, 5)))
    assert list(lists) == ["b", "a"]
    assert (lists["a"]["n0"], lists["a"]["n9"], lists["a"]["n1"]) == ("any", "any", "irrelevant")
