"""How traffic is spread over a catalogue."""

from __future__ import annotations

import numpy as np
import pytest

from engine.catalogue.traffic import LEVELS, Traffic
from engine.overview.concentration import products_carrying, traffic_groups


@pytest.mark.parametrize(
    ("counts", "carrying"),
    [([80, 10, 10], 1), ([79, 11, 10], 2), ([1, 1, 1, 1, 1], 4), ([0, 0, 7], 1), ([0, 0], 0), ([], 0)],
)
def test_the_fewest_products_that_have_four_fifths_of_the_traffic_are_counted(counts, carrying):
    assert products_carrying(counts) == carrying


def test_every_product_is_in_the_group_of_its_level():
    counts = np.array([0, 0, 1, 2, 3, 9, 40, 100, 1_000])
    traffic = Traffic.of(counts)
    assert [LEVELS[place] for place in traffic.levels(counts)] == [traffic.level(int(one)) for one in counts]
    groups = {one.level: one for one in traffic_groups(counts, traffic)}
    assert list(groups) == list(LEVELS)
    assert sum(one.products for one in groups.values()) == len(counts)
    assert sum(one.interactions for one in groups.values()) == counts.sum()
    assert (groups["none"].products, groups["none"].interactions) == (2, 0)
    assert groups["head"].interactions == 1_000


def test_a_shop_without_any_traffic_has_one_group():
    assert [one.products for one in traffic_groups([0, 0, 0], Traffic.of([0, 0, 0]))] == [0, 0, 0, 3]
