"""Products listed twice are found, and variants are told apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.overview import duplicates
from engine.overview.duplicates import near_duplicates

KINDS = {"colour": "category", "length_cm": "number", "occasions": "multi"}


def catalogue(**columns: list) -> tuple[pd.DataFrame, np.ndarray]:
    """Six products of which the first two are one by default; content is alike in pairs (0, 1), (2, 3), (4, 5)."""
    told = {
        "title": ["Red silk dress", "red  Silk-dress", "Hat", "Cap", None, "Scarf"],
        "brand": ["x", None, "x", "x", "x", "x"],
        "colour": ["red", "red", None, None, None, None],
        "length_cm": [90.0, None, None, None, None, None],
        "occasions": [["party"], ["office"], None, None, None, None],
        "interaction_count": [1, 5, 0, 0, 0, 0],
    }
    content = np.repeat(np.eye(3, 8, dtype=np.float32), 2, axis=0)
    return pd.DataFrame(told | columns), content


def found(items: pd.DataFrame, content: np.ndarray, nearest: np.ndarray | None = None) -> list[list[int]]:
    return [group.tolist() for group in near_duplicates(items, content, KINDS, nearest)]


def test_the_same_words_and_content_are_one_product_the_busier_listing_first():
    assert found(*catalogue()) == [[1, 0]]


@pytest.mark.parametrize(
    "told",
    [
        {"brand": ["x", "y", "x", "x", "x", "x"]},
        {"colour": ["red", "blue", None, None, None, None]},
        {"length_cm": [90.0, 120.0, None, None, None, None]},
        {"title": ["Red silk dress 38", "Red silk dress 40", None, None, None, None]},
        {"title": ["Red silk dress", "Blue wool coat", None, None, None, None]},
    ],
)
def test_a_brand_an_attribute_a_number_or_another_title_tells_products_apart(told):
    items, content = catalogue(**told)
    near = np.array([[1], [0], [3], [2], [5], [4]], dtype=np.int32)
    assert found(items, content, near) == []


def test_other_content_tells_products_apart():
    items, content = catalogue()
    content[1] = content[2]
    assert found(items, content) == []


def test_a_title_with_a_word_more_is_found_among_the_neighbours():
    items, content = catalogue(
        title=["Red silk evening dress by Ada", "Red silk evening dress Ada", None, None, None, None]
    )
    near = np.array([[1], [0], [3], [2], [5], [4]], dtype=np.int32)
    assert found(items, content) == []
    assert found(items, content, near) == [[1, 0]]


def test_three_listings_are_one_group_and_busy_groups_come_first():
    items, content = catalogue(
        title=["A b", "A b", "A b", "C d", "C d", None], brand=[None] * 6, interaction_count=[1, 2, 3, 50, 0, 0],
        colour=[None] * 6, length_cm=[None] * 6,
    )  # fmt: skip
    content[:3], content[3:5] = content[0], content[4]
    assert found(items, content) == [[3, 4], [2, 1, 0]]


def test_a_title_that_very_many_share_is_not_compared_all_with_all(monkeypatch):
    monkeypatch.setattr(duplicates, "MOST_IN_BLOCK", 1)
    assert found(*catalogue()) == []


def test_a_catalogue_without_titles_or_content_has_none():
    items, content = catalogue(title=[None] * 6)
    assert found(items, np.zeros_like(content)) == []


def test_products_are_one_group_however_long_the_way_between_them():
    rng = np.random.default_rng(0)
    for _ in range(20):
        n = int(rng.integers(2, 60))
        way = rng.permutation(n)
        pairs = np.stack([way[:-1], way[1:]], axis=1)
        cut = int(rng.integers(0, len(pairs)))
        assert (duplicates._connected(pairs, n) == 0).all()
        apart = duplicates._connected(np.delete(pairs, cut, axis=0), n)
        assert len(set(apart[way[: cut + 1]])) == len(set(apart[way[cut + 1 :]])) == 1
        assert len(set(apart)) == 2
