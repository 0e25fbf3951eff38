from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.catalogue.traffic import Traffic
from engine.search.catalogue import SearchCatalogue
from engine.search.search import Search, search
from ui.products.browse import random_long_tail

ITEMS = pd.DataFrame(
    {
        "item_id": ["A1", "A2", "B1", "B2", "C1"],
        "title": ["Red floral dress", "Blue dress", "red hat", None, "Coat (wool)"],
        "description": [None, None, None, None, "Tailored"],
        "brand": ["Aster", "Lune", None, "Aster", "Lune"],
        "category": ["dress", "dress", "hat", "hat", "coat"],
        "price": [50.0, 20.0, np.nan, 10.0, 99.5],
        "interaction_count": [80, 15, 4, 1, 0],
    }
)
TRAFFIC = Traffic.of(ITEMS["interaction_count"])
CATALOGUE = SearchCatalogue(ITEMS, {})


def found(among=None, **wanted) -> list[str]:
    rows = search(CATALOGUE, TRAFFIC, Search(**wanted), among).rows
    return [CATALOGUE.item_ids[row] for row in rows]


def test_without_a_wish_everything_comes_by_traffic():
    assert found() == ["A1", "A2", "B1", "B2", "C1"]


def test_words_put_the_best_match_first_unless_another_order_is_asked_for():
    assert found(text="RED") == ["B1", "A1"]  # of two words, not three
    assert found(text="red", order="most") == ["A1", "B1"]
    assert found(text="dress red") == ["A1"]


def test_a_search_is_words_and_no_pattern():
    assert found(text="(wool)") == ["C1"]
    assert found(text=".*") == []


def test_filters_narrow_together():
    assert found(values={"category": ("dress", "hat"), "brand": ("Aster",)}) == ["A1", "B2"]
    assert found(levels=("none",)) == ["C1"]
    assert found(values={"category": ("never heard of",)}) == []
    assert found(values={"no such field": ("x",)}) == []
    assert found(among=np.array([True, False, False, False, True])) == ["A1", "C1"]


def test_a_price_filter_leaves_out_products_without_a_price():
    assert found(ranges={"price": (0.0, None)}) == ["A1", "A2", "B2", "C1"]
    assert found(ranges={"price": (20.0, 50.0)}) == ["A1", "A2"]


def test_counts_are_of_what_would_be_found_if_a_value_were_chosen():
    narrowed = search(CATALOGUE, TRAFFIC, Search(text="red", values={"category": ("dress",)}))
    assert narrowed.counts("category") == {"dress": 1, "hat": 1, "coat": 0}  # its own filter does not count
    assert narrowed.counts("brand") == {"Aster": 1, "Lune": 0}
    assert narrowed.counts("traffic")["head"] == 1
    assert narrowed.bounds("price") == (50.0, 50.0)


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("least", ["C1", "B2", "B1", "A2", "A1"]),
        ("cheap", ["B2", "A2", "A1", "C1", "B1"]),
        ("dear", ["C1", "A1", "A2", "B2", "B1"]),
        ("title", ["A2", "C1", "A1", "B1", "B2"]),
    ],
)
def test_orders_put_what_is_missing_last(order, ids):
    assert found(order=order) == ids


def test_a_random_long_tail_product_was_clicked_at_least_once():
    rng = np.random.default_rng(0)
    drawn = {random_long_tail(ITEMS, TRAFFIC, rng) for _ in range(40)}
    assert drawn == {"B1", "B2"}
