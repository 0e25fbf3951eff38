"""Names of the map's regions: the words that set their products apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.maps.regions import regions_of, words_of

PATTERNS = ("Floral", "Stripes", "Checked", "Plain")


def shop(n: int = 240) -> tuple[pd.DataFrame, np.ndarray]:
    """Four blobs on the map, one of each pattern; every title says "dress", and one product in fifty something rare."""
    rng = np.random.default_rng(0)
    group = np.arange(n) % 4
    items = pd.DataFrame(
        {
            "title": [f"Dress with sleeves {'Unicorn' if row % 50 == 0 else ''}" for row in range(n)],
            "category": ["Dresses"] * n,
            "pattern": [PATTERNS[one] for one in group],
        }
    )
    middle = np.array([(-0.7, -0.7), (-0.7, 0.7), (0.7, -0.7), (0.7, 0.7)])[group]
    return items, (middle + 0.05 * rng.normal(size=(n, 2))).astype(np.float32)


def test_a_region_is_called_what_sets_it_apart_and_not_what_all_have() -> None:
    items, points = shop()
    found = regions_of(points, words_of(items, ["pattern"]))
    assert {one.name for one in found} == set(PATTERNS)
    for one in found:
        own = points[items["pattern"] == one.name]
        assert np.abs(own.mean(axis=0) - (one.x, one.y)).max() < 0.2
        assert one.y - 0.2 < one.top < one.y + 0.3
    assert found == regions_of(points, words_of(items, ["pattern"]))
    assert [one.size for one in found if one.level == 0] == sorted(
        (one.size for one in found if one.level == 0), reverse=True
    )


def test_where_products_are_mixed_a_region_has_no_name() -> None:
    items, points = shop()
    mixed = points[np.random.default_rng(1).permutation(len(points))]
    found = [one for one in regions_of(mixed, words_of(items, ["pattern"])) if one.level == 0]
    assert found
    assert sum(one.name is not None for one in found) <= len(found) / 4


def test_titles_name_regions_where_there_is_nothing_else_and_products_without_a_place_are_left_out() -> None:
    items, points = shop()
    items["title"] = items["pattern"] + " frock with " + items["pattern"].str.upper() * 5
    points[:4] = np.nan
    found = regions_of(points, words_of(items[["title"]], []))
    assert {one.name for one in found} == set(PATTERNS)
    assert sum(one.size for one in found if one.level == 0) <= len(items) - 4


def test_a_second_word_tells_something_of_another_kind() -> None:
    items, points = shop()
    items["length"] = np.where(items["pattern"] == "Floral", "Maxi", "Mini")
    items["other"] = items["pattern"].str.lower() + " print"
    names = {one.name for one in regions_of(points, words_of(items, ["pattern", "length", "other"]))}
    assert "Floral · Maxi" in names
    assert not any("print" in str(name) for name in names)


def test_a_handful_of_products_has_no_regions() -> None:
    items, points = shop(8)
    assert regions_of(points, words_of(items, ["pattern"])) == []
