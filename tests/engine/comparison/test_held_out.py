from __future__ import annotations

import pytest

from engine.catalogue.traffic import Traffic
from engine.comparison.held_out import held_out_tallies
from engine.comparison.list_gains import ENOUGH_JUDGED, NOTICEABLE, Tally

TRAFFIC = Traffic(head_from=100, tail_below=5, median=3.0)
KEPT = [0] * ENOUGH_JUDGED + [3, 3, 50]


def figures(ndcg: list[float], kept: list[int] = KEPT, targets: str = "same") -> dict[str, object]:
    return {"by_target": {"targets": targets, "ndcg": ndcg, "kept": kept}}


BEFORE = [0.5] * len(KEPT)


def test_hidden_products_count_for_the_group_that_their_history_was_cut_down_to():
    after = [0.5 + NOTICEABLE] * ENOUGH_JUDGED + [0.4, 0.5 + NOTICEABLE / 2, 0.5]
    assert held_out_tallies(figures(BEFORE), figures(after), TRAFFIC) == {
        "none": Tally(ENOUGH_JUDGED, ENOUGH_JUDGED, ENOUGH_JUDGED, 0),
        "tail": Tally(2, 2, 0, 1),
        "middle": Tally(1, 0, 0, 0),
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, figures([0.9] * len(KEPT))),
        (figures(BEFORE), {}),
        (figures(BEFORE, targets="others"), figures([0.9] * len(KEPT))),
        (figures(BEFORE), figures([0.9] * (ENOUGH_JUDGED - 1) + [0.5] * 4)),
    ],
    ids=["nothing before", "nothing after", "other products", "too few differ"],
)
def test_what_was_not_hidden_alike_says_nothing(before, after):
    assert held_out_tallies(before, after, TRAFFIC) is None
