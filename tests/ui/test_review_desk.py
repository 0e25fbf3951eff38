from __future__ import annotations

import threading

import numpy as np
import pytest

from engine.curation.judgements import JudgementStore
from engine.errors import InputError
from engine.serving.recommender import Recommender
from engine.workspace import Workspace
from tests.support.tiny_release import build_tiny_release
from ui.review_desk import LEASE_SECONDS, Desk, ReviewCard


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("desk")), 72)


@pytest.fixture(scope="module")
def facade(tiny) -> Recommender:
    return Recommender.open(tiny.workspace)


@pytest.fixture
def nothing(tmp_path):
    return JudgementStore(f"sqlite:///{tmp_path}/empty.db").current()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(facade, nothing, clock) -> Desk:
    return Desk(facade, nothing, clock=clock, seed=0)


def anchors(drawn) -> list[str]:
    return [card.anchor_id for card, _ in drawn]


def test_a_card_holds_ten_of_the_pool_each_as_likely_as_the_next(facade, nothing, clock):
    desk = Desk(facade, nothing, clock=clock, seed=1)
    (card, expires), *_ = desk.draw("Ada", 1)
    pool = facade.arms_returning(card.anchor_id, 10)
    assert dict(card.neighbours).items() <= pool.items()
    assert len(card.neighbours) == 10
    assert card.drawn == 10 / len(pool)
    assert card.anchor_count == facade.items["interaction_count"].iloc[facade.row(card.anchor_id)]
    assert expires == clock.now + LEASE_SECONDS
    seen: dict[str, int] = {}
    for seed in range(300):
        again = Desk(facade, nothing, clock=clock, seed=seed)._card(card.anchor_id, 10)
        for neighbour, _ in again.neighbours:
            seen[neighbour] = seen.get(neighbour, 0) + 1
    shares = np.array([seen[neighbour] / 300 for neighbour in pool])
    assert np.abs(shares - card.drawn).max() < 0.15  # five standard deviations


def test_the_order_on_the_card_says_nothing_about_ranks(desk):
    for card, _ in desk.draw("Ada", 5):
        ranks = [min(places.values()) for _, places in card.neighbours]
        assert ranks != sorted(ranks)


def test_groups_of_traffic_are_filled_evenly(desk, facade):
    counts = facade.items.set_index("item_id")["interaction_count"]
    groups = len({-1 if count == 0 else int(np.ceil(np.log2(count))) for count in counts})
    first = {-1 if counts[a] == 0 else int(np.ceil(np.log2(counts[a]))) for a in anchors(desk.draw("Ada", groups))}
    assert len(first) == groups


def test_nobody_gets_what_somebody_holds(desk):
    held: list[str] = []
    lock = threading.Lock()

    def curator(name: str) -> None:
        mine = anchors(desk.draw(name, 6))
        with lock:
            held.extend(mine)

    threads = [threading.Thread(target=curator, args=(f"c{number}",)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 60
    assert len(set(held)) == 60


def test_a_lease_that_ran_out_goes_to_the_next(desk, clock):
    everything = anchors(desk.draw("Ada", 100))
    assert desk.draw("Bo", 1) == []
    clock.now += LEASE_SECONDS + 1
    assert set(anchors(desk.draw("Bo", 100))) == set(everything)


def test_what_one_judged_one_does_not_get_again_but_a_second_person_may(desk):
    (card, _), *_ = desk.draw("Ada", 1)
    desk.judged(card.anchor_id, "Ada")
    assert desk.progress("Ada")["mine"] == 1
    assert card.anchor_id not in anchors(desk.draw("Ada", 100))
    desk.skipped(card.anchor_id, "Bo")
    assert card.anchor_id not in anchors(desk.draw("Bo", 100))
    assert card.anchor_id in {a for _ in range(60) for a in anchors(desk.draw("Cy", 1))}


def test_what_was_skipped_goes_to_somebody_else_and_what_was_undone_stays(desk):
    mine = anchors(desk.draw("Ada", 100))
    desk.skipped(mine[0], "Ada")
    assert anchors(desk.draw("Bo", 5)) == [mine[0]]
    desk.judged(mine[1], "Ada")
    desk.undone(mine[1], "Ada")
    assert desk.progress("Ada") == {"mine": 0, "done": 0, "target": desk.progress("Bo")["target"]}
    assert desk.draw("Cy", 5) == []


def test_a_card_survives_the_way_to_the_browser_and_back(desk):
    (card, _), *_ = desk.draw("Ada", 1)
    assert ReviewCard.from_content(card.to_content()) == card
    for wrong in ({}, {"neighbours": 3}, {**card.to_content(), "more": 1}, []):
        with pytest.raises(InputError, match="not of this version"):
            ReviewCard.from_content(wrong)
