from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.comparison.list_gains import ENOUGH_JUDGED, ComparedLists, Side, Tally
from engine.release.arm_search import ArmSearch
from engine.release.top_lists import NOBODY, TOP, TopLists

HEARTS, STARS = [1.0, 0.0], [0.0, 1.0]
SAME = {"a": "bc", "b": "ac", "c": "ab", "x": "yz", "y": "xz", "z": "xy"}  # each list holds its own kind


class Release:
    """Products of two kinds whose contents are at right angles, with lists of their ids; clicks in the order of the products."""

    def __init__(self, lists: dict[str, str], silent: str = "") -> None:
        self.items = pd.DataFrame({"item_id": list(lists), "interaction_count": [100, 50, 4, 2, 1, 0, 3][: len(lists)]})
        self._row = {item: row for row, item in enumerate(lists)}
        rows = np.full((len(lists), TOP), NOBODY, dtype=np.int32)
        for item, listed in lists.items():
            rows[self._row[item], : len(listed)] = [self._row[one] for one in listed]
        self._top = TopLists(rows, np.zeros(rows.shape, np.float32))
        kinds = [[0.0, 0.0] if item in silent else HEARTS if item in "abc" else STARS for item in lists]
        self.content = content_of(np.array(kinds, np.float32))

    def top_lists(self, arm: str) -> TopLists:
        return self._top

    def row(self, item: str) -> int:
        return self._row[item]

    def rows_of(self, items: list[str]) -> np.ndarray:
        return np.array([self._row.get(item, -1) for item in items], dtype=np.int64)

    def __contains__(self, item: str) -> bool:
        return item in self._row


def content_of(vectors: np.ndarray) -> ArmSearch:
    there = vectors.any(axis=1)
    return ArmSearch("content", vectors, 3 * vectors, there, np.flatnonzero(there), None, exact=True, search_k=0)


def gains_of(before: Release, after: Release, **more):
    return ComparedLists(Side(before, "hybrid"), Side(after, "hybrid"), 2).gains(**more)


def test_a_list_of_its_own_kind_is_better_than_one_of_strangers():
    gains = gains_of(Release({**SAME, "a": "xy", "b": "ax"}), Release({**SAME, "x": "ya"}))
    assert gains.measure == "likeness"
    assert gains.tally() == Tally(compared=6, changed=3, improved=2, worse=1)
    assert gains.gain[[0, 1, 3]] == pytest.approx([1.0, 0.5, -0.5])
    assert gains.best(6).tolist() == [0, 1]


def test_another_order_is_no_change_and_a_neighbour_that_left_the_shop_is_one():
    assert gains_of(Release(SAME), Release({**SAME, "a": "cb"})).tally().changed == 0
    left = {"a": "b", "b": "a", "x": "yz", "y": "xz", "z": "xy"}
    gains = gains_of(Release(SAME), Release(left))
    assert (gains.tally(), gains.came, gains.went) == (Tally(5, 2, 0, 0), 0, 1)


def test_a_first_list_and_content_that_says_nothing_are_no_gain():
    gains = gains_of(Release({**SAME, "a": ""}), Release(SAME))
    assert (gains.first_list, gains.tally()) == (1, Tally(6, 1, 0, 0))
    silent = gains_of(Release({**SAME, "a": "xy"}, silent="a"), Release(SAME, silent="a"))
    assert np.isnan(silent.gain[0])
    assert silent.best(6).size == 0


def test_groups_of_traffic_add_up_to_all():
    gains = gains_of(Release({**SAME, "a": "xy"}), Release(SAME))
    groups = gains.by_level()
    assert sum(tally.compared for tally in groups.values()) == 6
    assert groups["head"].improved == gains.tally().improved == 1
    assert groups["none"].compared == 1


def test_judgements_decide_once_enough_of_them_differ():
    many = {f"i{n}": "" for n in range(ENOUGH_JUDGED)}

    class Wide(Release):
        def __init__(self, other: int) -> None:
            ids = [*many, "bad", "good"]
            super().__init__(dict.fromkeys("abcxyz", ""))
            self.items = pd.DataFrame({"item_id": ids, "interaction_count": range(len(ids))})
            self._row = {item: row for row, item in enumerate(ids)}
            rows = np.full((len(ids), TOP), NOBODY, np.int32)
            rows[: len(many), 0] = self._row["good"]
            rows[:other, 0] = self._row["bad"]
            self._top = TopLists(rows, np.zeros(rows.shape, np.float32))
            kinds = np.ones((len(ids), 2), np.float32)
            self.content = content_of(kinds)

    out = {item: frozenset({"bad", "unknown"}) for item in many} | {"gone": frozenset({"bad"})}
    gains = gains_of(Wide(ENOUGH_JUDGED), Wide(0), out=out)
    assert (gains.measure, gains.tally().improved) == ("judgements", ENOUGH_JUDGED)
    assert gains_of(Wide(0), Wide(ENOUGH_JUDGED), out=out).tally().worse == ENOUGH_JUDGED
    assert gains_of(Wide(ENOUGH_JUDGED), Wide(1), out=out).measure == "likeness"


def test_lists_are_measured_once_however_often_somebody_judges():
    lists = ComparedLists(Side(Release(SAME), "hybrid"), Side(Release({**SAME, "a": "xy"}), "hybrid"), 2)
    before, after = lists.gains(), lists.gains({"a": frozenset("x")})
    assert before.measure == after.measure == "likeness"
    assert before.after is after.after
    assert before.random is after.random
