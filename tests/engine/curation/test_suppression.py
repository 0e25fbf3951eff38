"""Ruled-out neighbours: who decides, in which direction, and that it holds at once and can be taken back."""

from __future__ import annotations

import numpy as np
import pytest

from engine.access.people import People
from engine.access.roles import Role
from engine.curation import suppression
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


def test_what_is_worked_out_piece_by_piece_is_what_all_of_it_says(store, judge, monkeypatch):
    monkeypatch.setattr(suppression, "MOST_CHANGED", 3)
    people, rng = People(store.database), np.random.default_rng(0)
    suppressed = Suppressed(store)
    for step in range(25):
        store.add(
            [
                judge(f"a{rng.integers(5)}", f"n{rng.integers(3)}", verdict, rater=f"Rater {rng.integers(4)}")
                for verdict in rng.choice(
                    ["irrelevant", "irrelevant", "relevant", "withdrawn"], size=rng.integers(1, 6)
                )
            ]
        )
        if step in (10, 20):
            people.set_role("Rater 1", Role.LEAD if step == 10 else Role.CURATOR)
        assert suppressed.all() == ruled_out(store.current(), people.leads())


def test_products_that_nobody_judged_since_are_not_looked_at_again(store, judge, monkeypatch):
    suppressed, asked = Suppressed(store), []
    store.add([judge(f"a{number}", "n", "irrelevant") for number in range(9)])
    assert len(suppressed.all()) == 9
    monkeypatch.setattr(
        store, "current", lambda *anchors, whole=store.current: asked.append(anchors) or whole(*anchors)
    )
    store.add([judge("a3", "m", "irrelevant")])
    assert suppressed.of("a3") == {"n", "m"}
    assert suppressed.of("a4") == {"n"}
    assert asked == [("a3",)]
