from __future__ import annotations

import pytest

from engine.comparison.moves import Move, moves


@pytest.mark.parametrize(
    ("before", "after", "gone", "expected"),
    [
        ("ab", "ab", [], [Move("a", "same"), Move("b", "same")]),
        ("abcd", "dax", ["b", "c"], [Move("d", "up", 3), Move("a", "down", 1), Move("x", "new")]),
        ("", "a", [], [Move("a", "new")]),
        ("a", "", ["a"], []),
    ],
    ids=["nothing moves", "up, down and new", "no list before", "no list after"],
)
def test_what_moved_is_told_by_rank(before, after, gone, expected):
    left, right = moves(list(before), list(after))
    assert right == expected
    assert [move.item_id for move in left] == list(before)
    assert [move.item_id for move in left if move.kind == "gone"] == gone
