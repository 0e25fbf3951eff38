from __future__ import annotations

import pytest

from engine.ingest.columns import EVENT_FIELDS, ITEM_FIELDS, guess_columns
from engine.ingest.profiles import fits, names_events, profile
from engine.ingest.unnamed import guess_unnamed


@pytest.mark.parametrize(
    ("values", "looks"),
    [
        (["12.50", "1.299", "-3"], "number"),
        (["9,90 €", "1.299 €", "24"], "money"),
        (["USD 5", "7.50 USD"], "money"),
        (["GGO000", "GGO001"], "words"),
        (["2024-05-01", "2024-05-02T10:00:00Z"], "time"),
        (["January 5, 2019", "March 12, 2020"], "time"),
        (["31.12.2024 14:05", "1.1.2025 8:00"], "time"),
        (["a/b/main.jpg", "https://e.com/x.PNG?v=1"], "picture"),
        (["https://e.com/a", "https://e.com/b"], "address"),
        (["ann@example.com", "ben@example.org"], "e-mail"),
        (["simple", "variable", "variation"], "product kind"),
        (["true", "false"], "flag"),
        (['[{"a": 1}]', "{}"], "nested"),
        (["Red dress", "Blue mug"], "words"),
        (["A long text about a product that has many more words than a title has"], "text"),
        (["", "NULL"], "empty"),
    ],
)
def test_a_column_looks_like_what_nine_of_ten_values_are(values: list[str], looks: str) -> None:
    assert profile(values).looks == looks


def test_a_kind_of_product_is_no_category_and_a_price_is_none_either() -> None:
    assert not fits("category", profile(["simple", "variable"]))
    assert not fits("category", profile(["9,90 €", "12,00 €"]))
    assert fits("category", profile(["Kitchen", "Tableware"]))


def test_titles_of_baskets_are_no_kinds_of_event() -> None:
    assert names_events(profile(["view", "ADD_TO_CART", "purchase", "login"]))
    assert not names_events(profile(["Reed basket", "Cedar bowl", "Fern plate"]))


def guessed(columns: dict[str, list[str]], role: str = "items") -> dict[str, str]:
    profiles = {name: profile(values) for name, values in columns.items()}
    return guess_columns(list(columns), ITEM_FIELDS if role == "items" else EVENT_FIELDS, {}, profiles)


def test_a_column_called_type_with_kinds_of_products_yields_to_the_categories() -> None:
    found = guessed({"SKU": ["a", "b"], "Type": ["simple", "variable"], "Categories": ["Hats", "Scarves"]})
    assert found["category"] == "Categories"


def test_the_fuller_of_two_prices_is_the_price() -> None:
    columns = {"sku": ["a", "b", "c"], "unit price": ["", "", "3"], "regular price": ["1", "2", "3"]}
    assert guessed(columns)["price"] == "regular price"


@pytest.mark.parametrize(
    ("column", "field"),
    [("g:price", "price"), ("Lineitem sku", "item_id"), ("item_id:token", "item_id"), ("items.item_brand", "brand"), ("Catégorie", "category")],
)  # fmt: skip
def test_what_systems_put_around_names_is_taken_off(column: str, field: str) -> None:
    assert guess_columns([column], ITEM_FIELDS, {}) == {field: column}


def test_a_note_in_words_is_no_rating() -> None:
    assert "rating" not in guessed({"user_id": ["u"], "item_id": ["i"], "note": ["was on sale"]}, "events")


def test_columns_without_names_are_guessed_by_their_values() -> None:
    events = {"1": ["7", "8"], "2": ["2014-04-07T10:00:09.277Z", "2014-04-07T10:01:09.277Z"], "3": ["214530016", "21"]}
    profiles = {name: profile(values) for name, values in events.items()}
    assert guess_unnamed("interactions", profiles, {}) == {"timestamp": "2", "user_id": "1", "item_id": "3"}
    rated = {"1": ["1", "2"], "2": ["7", "8"], "3": ["5", "3"], "4": ["978300760", "978300761"]}
    profiles = {name: profile(values) for name, values in rated.items()}
    assert guess_unnamed("interactions", profiles, {}) == {
        "timestamp": "4", "user_id": "1", "item_id": "2", "rating": "3",
    }  # fmt: skip
