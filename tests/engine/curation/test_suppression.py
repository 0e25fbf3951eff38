"""Ruled-out neighbours: who decides, in which direction, and that it holds at once and can be taken back."""

from __future__ import annotations

import pytest

from engine.core.workspace import Workspace
from engine.curation.suppression import Suppressed, ruled_out
from engine.recommend.recommender import Recommender
from tests.support.tiny_release import build_tiny_release


@pytest.mark.parametrize(
    ("said", "leads", "out"),
    [
        ({"Ann": "irrelevant"}, (), True),
        ({"Ann": "irrelevant", "Bo": "relevant"}, (), False),
        ({"Ann": "irrelevant", "Bo": "irrelevant", "Cy": "relevant"}, (), True),
        ({"Ann": "irrelevant"}, ("Lea",), False),
        ({"Ann": "irrelevant", "Bo": "irrelevant"}, ("Lea",), True),
        ({"Ann": "irrelevant", "Bo": "irrelevant", "Lea": "relevant"}, ("Lea",), False),
        ({"Ann": "relevant", "Bo": "relevant", "Lea": "irrelevant"}, ("Lea",), True),
        ({"Ann": "unsure"}, (), False),
    ],
)
def test_most_votes_decide_and_a_leads_word_more(store, judge, said, leads, out):
    store.add([judge("a", "n", verdict, rater=rater) for rater, verdict in said.items()])
    assert ruled_out(store.current(), leads) == ({"a": frozenset({"n"})} if out else {})


def test_a_decided_dispute_decides(store, judge):
    store.add([judge("a", "n", "irrelevant", rater=rater) for rater in ("Ann", "Bo")])
    store.add([judge("a", "n", "relevant", rater="Cy", source="adjudication")])
    assert ruled_out(store.current(), ("Lea",)) == {}


def test_samples_rule_nothing_out(store, judge):
    store.add([judge("a", "n", source="demo", rater="Demo curator")])
    assert ruled_out(store.current()) == {}


def test_what_is_ruled_out_is_gone_from_the_served_list_at_once_in_that_direction_alone(store, judge, tmp_path):
    facade = Recommender.open(build_tiny_release(Workspace(tmp_path / "shop"), 72).workspace)
    facade.left_out = Suppressed(store).of
    before = facade.neighbours("f1-02", "hybrid", 11)
    first = before[0].item_id
    flag = judge("f1-02", first, "irrelevant")
    store.add([flag])
    served = facade.served("f1-02", "hybrid", 10)
    assert [one.item_id for one in served] == [one.item_id for one in before[1:]]
    assert [one.rank for one in served] == list(range(1, 11))
    assert facade.neighbours("f1-02", "hybrid", 11) == before  # what is measured stays what the model returns
    assert facade.served(first, "hybrid", 10) == facade.neighbours(first, "hybrid", 10)
    table = facade.served_all("hybrid", 10)
    assert table.loc[table["item_id"] == "f1-02", "neighbour_id"].tolist() == [one.item_id for one in served]
    others = facade.neighbours_all("hybrid", 10)
    assert (
        table[table["item_id"] != "f1-02"]
        .reset_index(drop=True)
        .equals(others[others["item_id"] != "f1-02"].reset_index(drop=True))
    )
    store.add([judge("f1-02", first, "withdrawn")])
    assert facade.served("f1-02", "hybrid", 11) == before
