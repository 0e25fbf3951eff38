from __future__ import annotations

import pytest

from engine.jobs.step_plan import share_done, step_key, typical_seconds


def test_the_share_done_follows_the_seconds_of_the_steps() -> None:
    seconds = {"A": 10.0, "B": 20.0, "C": 70.0}
    assert share_done([], seconds) == 0.0
    assert share_done([("A", 1.0), ("B", 0.5)], seconds) == pytest.approx(0.2)
    assert share_done([("A", 1.0), ("B", 1.0), ("C", 1.0)], seconds) == 1.0


def test_a_step_that_is_skipped_counts_as_done_and_an_unknown_one_for_nothing() -> None:
    seconds = {"A": 10.0, "B": 20.0, "C": 70.0}
    assert share_done([("A", 1.0), ("C", 0.0)], seconds) == pytest.approx(0.3)
    assert share_done([("A", 1.0), ("Something else", 0.5)], seconds) == pytest.approx(0.1)


@pytest.mark.parametrize(("kind", "trains"), [("demo", True), ("ingest", True), ("ingest", False), ("train", False)])
def test_the_bar_only_grows_through_every_step_of_a_run(kind: str, trains: bool) -> None:
    seconds = typical_seconds(kind, trains=trains)
    begun: list[tuple[str, float]] = []
    seen = [0.0]
    for name in seconds:
        begun.append((name, 0.0))
        for share in (0.0, 0.4, 1.0):
            begun[-1] = (name, share)
            seen.append(share_done(begun, seconds))
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


def test_numbers_and_the_word_for_interactions_do_not_change_a_step() -> None:
    assert step_key("Drawing 2,000 dresses") == "Drawing dresses"
    assert step_key("Learning from 190,835 clicks") == step_key("Learning from 12 buyers") == "Learning from"
    assert step_key("Learning from judgements") == "Learning from judgements"
