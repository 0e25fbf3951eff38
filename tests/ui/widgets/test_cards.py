from __future__ import annotations

import numpy as np
import pandas as pd

from engine.catalogue.traffic import Traffic
from ui.products.facts import meaning
from ui.widgets.cards import CardMaker, product_href

ITEMS = pd.DataFrame(
    {
        "item_id": ["A 1&b", "B"],
        "title": ["<b>Dress</b>", None],
        "brand": ["Aster", None],
        "price": [12.5, np.nan],
        "image": ["f" * 64, None],
        "category": ["Dresses", None],
        "colour": ["navy", None],
        "occasions": [("party", "office"), None],
        "length_cm": [96.0, np.nan],
        "interaction_count": [40, 0],
    }
)
TRAFFIC = Traffic(head_from=100, tail_below=12, median=41.0)


def test_a_card_says_what_there_is():
    card = CardMaker(ITEMS, TRAFFIC, "clicks", "GBP").card(0, rank=3)
    assert (card.title, card.brand, card.price, card.count, card.level, card.rank) == (
        "<b>Dress</b>", "Aster", "£12.50", "40 clicks", "middle", 3
    )  # fmt: skip
    assert card.image == f"/thumb/{'f' * 64}"
    assert card.large == f"/picture/{'f' * 64}"


def test_a_card_of_a_bare_product_is_named_by_its_id():
    card = CardMaker(ITEMS, TRAFFIC, "clicks", "GBP").card(1)
    assert (card.title, card.brand, card.price, card.count, card.image) == ("B", "", "", "no clicks", None)


def test_what_is_known_of_a_product_stands_where_a_picture_would():
    maker = CardMaker(ITEMS, TRAFFIC, "clicks", "GBP")
    assert maker.card(0).facts == ["Dresses", "navy", "party, office", "length cm 96"]
    assert maker.card(1).facts == []


def test_addresses_escape_what_stands_in_ids():
    assert product_href("A 1&b") == "./similar_items?item=A+1%26b"


def test_counts_are_explained_against_the_median_product():
    assert meaning(3, TRAFFIC, "clicks") == "3 clicks: too few for behaviour alone; the median product has 41."
    assert meaning(5, TRAFFIC, "clicks") == "5 clicks: too few for behaviour to help; the median product has 41."
    assert meaning(900, TRAFFIC, "clicks") == "900 clicks: plenty for behaviour; the median product has 41."
    assert "too few for behaviour alone" in meaning(1, Traffic(1, 1, 1.0), "clicks")
    assert meaning(0, TRAFFIC, "clicks") == "No clicks: nothing for behaviour to use; the median product has 41."
