"""By what the map is coloured."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.catalogue.traffic import LEVELS, Traffic
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.maps import colours
from engine.maps.colours import by_fact, by_irrelevance, by_traffic
from engine.maps.places import MapPlaces, places_of
from engine.serving.served_shop import ServedShop
from tests.support.tiny_release import build_tiny_release


@pytest.fixture
def places(workspace: Workspace) -> MapPlaces:
    build_tiny_release(workspace)
    shop = ServedShop.open(workspace, Settings())
    return places_of(shop.release, shop.drafts)


def group(found: colours.Colouring, places: MapPlaces, item_id: str, panel: int = 1) -> str:
    return found.labels[found.codes[places.row(item_id), panel]]


def test_traffic_is_the_level_of_each_count(places: MapPlaces) -> None:
    counts = places.release.items["interaction_count"]
    traffic = Traffic.of(counts)
    found = by_traffic(places, traffic, LEVELS)
    assert [found.labels[code] for code in found.codes[:, 0]] == [traffic.level(count) for count in counts]
    assert [sum(panel) for panel in found.counts()] == [60, 60]


def test_frequent_values_have_their_own_group_and_the_others_share_one(
    places: MapPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = by_fact(places, "colour", number=False, number_label=str)
    assert len(whole.labels) == places.release.items["colour"].nunique()
    assert (whole.kind, whole.unknown) == ("values", None)
    monkeypatch.setattr(colours, "MOST_VALUES", 2)
    few = by_fact(places, "colour", number=False, number_label=str)
    assert few.labels[2] == f"{len(whole.labels) - 2} others"
    assert few.counts()[0][:2] == whole.counts()[0][:2]
    assert sum(few.counts()[0]) == 60


def test_what_is_not_known_is_a_group_of_its_own_and_of_several_values_the_first_counts(places: MapPlaces) -> None:
    care = by_fact(places, "care", number=False, number_label=str)
    assert care.labels[care.unknown] == "Not known"
    missing = places.release.items["care"].isna()
    assert ((care.codes[:, 0] == care.unknown) == missing.to_numpy()).all()
    occasions = by_fact(places, "occasions", number=False, number_label=str)
    assert group(occasions, places, "f1-03") == places.release.product("f1-03").attributes["occasions"][0]


def test_numbers_are_ranges_with_as_many_products_each_in_their_order(places: MapPlaces) -> None:
    found = by_fact(places, "price", number=True, number_label=lambda value: f"{value:.0f}")
    prices = places.release.items["price"]
    assert (found.kind, found.labels[found.unknown]) == ("ramp", "Not known")
    assert found.counts()[0][found.unknown] == prices.isna().sum() == 1
    means = prices.groupby(found.codes[:, 0]).mean().dropna()
    assert list(means) == sorted(means)
    assert max(found.counts()[0][:6]) - min(found.counts()[0][:6]) <= 2


def test_a_number_that_is_everywhere_the_same_is_one_group(places: MapPlaces) -> None:
    items = places.release.items.assign(price=9.0)
    flat = MapPlaces(
        places.release.with_rows(items, {}, "flat", np.arange(len(items))), places.drafts, places.points, "flat"
    )
    found = by_fact(flat, "price", number=True, number_label=lambda value: f"{value:.0f}")
    assert (list(found.labels), found.unknown, set(found.codes.ravel().tolist())) == (["9"], None, {0})


def test_irrelevance_is_the_share_of_judged_neighbours_in_each_arms_list(places: MapPlaces) -> None:
    pairs = [("f0-00", "f0-01"), ("f0-00", "f0-02"), ("f0-00", "f0-03"), ("f1-00", "f1-01")]
    votes = pd.DataFrame(pairs, columns=["anchor_id", "neighbour_id"]).assign(
        verdict=["irrelevant", "relevant", "irrelevant", "unsure"]
    )
    lists = pd.DataFrame(
        [("als", *pairs[0]), ("als", *pairs[2]), ("hybrid", *pairs[0]), ("hybrid", *pairs[1]), ("als", *pairs[3])],
        columns=["arm", "anchor_id", "neighbour_id"],
    )
    found = by_irrelevance(places, votes, lists)
    assert group(found, places, "f0-00", 0) == "More than half"
    assert group(found, places, "f0-00", 1) == "Up to half"
    assert group(found, places, "f1-00", 0) == "Not judged"
    none = by_irrelevance(places, votes.iloc[:0], lists.iloc[:0])
    assert set(none.codes.ravel().tolist()) == {none.unknown}
