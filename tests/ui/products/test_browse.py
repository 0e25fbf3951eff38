from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.catalogue.traffic import Traffic
from ui.products.browse import Search, find, random_long_tail

ITEMS = pd.DataFrame(
    {
        "item_id": ["A1", "A2", "B1", "B2", "C1"],
        "title": ["Red floral dress", "Blue dress", "red hat", None, "Coat (wool)"],
        "brand": ["Aster", "Lune", None, "Aster", "Lune"],
        "category": ["dress", "dress", "hat", "hat", "coat"],
        "price": [50.0, 20.0, np.nan, 10.0, 99.5],
        "interaction_count": [80, 15, 4, 1, 0],
    }
)
TRAFFIC = Traffic.of(ITEMS["interaction_count"])


def found(**search) -> list[str]:
    return ITEMS["item_id"].iloc[find(ITEMS, TRAFFIC, Search(**search))].tolist()


def test_without_a_wish_everything_comes_by_traffic():
    assert found() == ["A1", "A2", "B1", "B2", "C1"]


def test_every_word_must_be_in_the_title_whatever_its_capitals():
    assert found(text="RED") == ["A1", "B1"]
    assert found(text="dress red") == ["A1"]


def test_an_id_is_found_by_its_beginning():
    assert found(text="b") == ["A2", "B1", "B2"]  # "Blue" has a b too
    assert found(text="B2") == ["B2"]


def test_a_search_is_words_and_no_pattern():
    assert found(text="(wool)") == ["C1"]
    assert found(text=".*") == []


def test_filters_narrow_together():
    assert found(categories=("dress", "hat"), brands=("Aster",)) == ["A1", "B2"]
    assert found(levels=("none",)) == ["C1"]


def test_a_price_filter_leaves_out_products_without_a_price():
    assert found(low=0.0) == ["A1", "A2", "B2", "C1"]
    assert found(low=20.0, high=50.0) == ["A1", "A2"]


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
