from __future__ import annotations

import numpy as np

from engine.catalogue.traffic import Traffic


def test_head_holds_four_fifths_and_tail_the_last_twentieth():
    # 1,000 interactions: 600 + 200 reach 80 %, 100 + 50 reach 95 %, the rest is the last 5 %.
    traffic = Traffic.of([600, 200, 100, 50, 20, 20, 10, 0, 0])
    levels = [traffic.level(count) for count in (600, 200, 100, 50, 20, 10, 0)]
    assert levels == ["head", "head", "middle", "middle", "tail", "tail", "none"]
    assert traffic.median == 20.0


def test_fewer_than_five_interactions_are_long_tail_whatever_share_they_hold():
    traffic = Traffic.of([200] + [4] * 3 + [5] * 2)
    assert [traffic.level(count) for count in (200, 5, 4)] == ["head", "middle", "tail"]


def test_products_with_the_same_count_have_the_same_level():
    traffic = Traffic.of([5] * 10)
    assert {traffic.level(5)} == {"head"}
    assert traffic.level(4) == "tail"


def test_a_shop_without_interactions_has_no_traffic_anywhere():
    traffic = Traffic.of(np.zeros(4, dtype=np.int64))
    assert traffic.level(0) == "none"
    assert traffic.is_long_tail(np.zeros(4)).all()


def test_products_without_interactions_belong_to_the_long_tail():
    traffic = Traffic.of([60, 20, 10, 5, 2, 2, 1, 0, 0])
    assert traffic.is_long_tail([60, 5, 4, 0]).tolist() == [False, False, True, True]
