from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.comparison.changed_lists import ChangedLists, changed_lists
from engine.release.top_lists import NOBODY, TOP, TopLists


class Release:
    """Products in an order, with lists of their ids."""

    def __init__(self, lists: dict[str, str]) -> None:
        self.items = pd.DataFrame({"item_id": list(lists)})
        rows = np.full((len(lists), TOP), NOBODY, dtype=np.int32)
        self._row = {item: row for row, item in enumerate(lists)}
        for item, listed in lists.items():
            rows[self._row[item], : len(listed)] = [self._row[one] for one in listed]
        self._top = TopLists(rows, np.zeros(rows.shape, np.float32))

    def top_lists(self, arm: str) -> TopLists:
        assert arm == "hybrid"
        return self._top

    def row(self, item: str) -> int:
        return self._row[item]

    def rows_of(self, items: list[str]) -> np.ndarray:
        return np.array([self._row.get(item, -1) for item in items], dtype=np.int64)

    def __contains__(self, item: str) -> bool:
        return item in self._row


BEFORE = {"a": "bcd", "b": "acd", "c": "abd", "d": "abc"}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (BEFORE, ChangedLists(4, 0, 0.0, 0, 0)),
        ({"d": "cba", "c": "dab", "b": "dca", "a": "cbd"}, ChangedLists(4, 0, 0.0, 0, 0)),
        (BEFORE | {"e": "abc", "a": "bce", "b": "aec"}, ChangedLists(4, 2, 1.0, 1, 0)),
        ({"a": "bc", "b": "ac", "c": "ab"}, ChangedLists(3, 3, 1.0, 0, 1)),
        ({**BEFORE, "a": ""}, ChangedLists(4, 1, 3.0, 0, 0)),
        ({"x": "y", "y": "x"}, ChangedLists(0, 0, 0.0, 2, 4)),
    ],
    ids=["same", "another order", "a newcomer", "one went", "a list is gone", "another shop"],
)
def test_lists_that_hold_others_are_counted(after, expected):
    assert changed_lists(Release(BEFORE), Release(after), k=3) == expected


def test_only_the_first_k_count():
    later = Release({**BEFORE, "a": "dcb"})
    assert changed_lists(Release(BEFORE), later, k=3).changed == 0
    assert changed_lists(Release(BEFORE), later, k=1) == ChangedLists(4, 1, 1.0, 0, 0)
