"""Ruled-out neighbours: who decides, in which direction, and that it holds at once and can be taken back."""

from __future__ import annotations

import pytest

from engine.curation.suppression import Suppressed, ruled_out

ON_BOTH_DATABASES = True


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


def test_what_is_ruled_out_is_known_at_once_in_that_direction_alone_and_can_be_taken_back(store, judge):
    suppressed = Suppressed(store)
    assert suppressed.all() == {}
    store.add([judge("a", "n", "irrelevant")])
    assert (suppressed.of("a"), suppressed.of("n")) == ({"n"}, frozenset())
    store.add([judge("a", "n", "withdrawn")])
    assert suppressed.of("a") == frozenset()
