from __future__ import annotations

import pytest

from engine.core.errors import InputError
from engine.ingest.columns import EVENT_FIELDS, ITEM_FIELDS, behaviour_column, guess_columns, suggest
from engine.ingest.mapping import parse_mapping


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            ["StockCode", "Description", "Unit Price"],
            {"item_id": "StockCode", "description": "Description", "price": "Unit Price"},
        ),
        (["asin", "parent_asin", "title", "store"], {"item_id": "parent_asin", "title": "title", "brand": "store"}),
        (["SKU", "Product Name", "img"], {"item_id": "SKU", "title": "Product Name", "image": "img"}),
        (["id", "name", "colour"], {"item_id": "id", "title": "name"}),
        (["Артикул", "Наименование", "Цена"], {"item_id": "Артикул", "title": "Наименование", "price": "Цена"}),
        (["商品番号", "商品名", "価格"], {"item_id": "商品番号", "title": "商品名", "price": "価格"}),
        (["商品编号", "商品名称", "价格"], {"item_id": "商品编号", "title": "商品名称", "price": "价格"}),
        (["Kod produktu", "Nazwa", "Cena"], {"item_id": "Kod produktu", "title": "Nazwa", "price": "Cena"}),
        (["Article no.", "Name", "VK brutto"], {"item_id": "Article no.", "title": "Name", "price": "VK brutto"}),
        (["ID", "Nom", "Prix (HT)", "Prix (TTC)"], {"item_id": "ID", "title": "Nom", "price": "Prix (TTC)"}),
        (["listing-id", "seller-sku", "item-name"], {"item_id": "seller-sku", "title": "item-name"}),
    ],
)
def test_columns_of_products_are_known_by_common_names(columns: list[str], expected: dict[str, str]) -> None:
    assert guess_columns(columns, ITEM_FIELDS, {}) == expected


def test_columns_of_events_are_known_by_common_names() -> None:
    columns = ["CustomerID", "product_id", "event_type", "qty", "InvoiceDate", "country"]
    assert guess_columns(columns, EVENT_FIELDS, {}) == {
        "user_id": "CustomerID",
        "item_id": "product_id",
        "event": "event_type",
        "quantity": "qty",
        "timestamp": "InvoiceDate",
    }


def test_the_type_and_the_name_of_a_product_are_no_kind_of_event() -> None:
    columns = ["customer", "product_id", "Product Type", "Lineitem name", "Product Name"]
    assert guess_columns(columns, EVENT_FIELDS, {}) == {"user_id": "customer", "item_id": "product_id"}


def test_what_a_person_said_comes_first_and_serves_once() -> None:
    found = guess_columns(["item_id", "sku", "title"], ITEM_FIELDS, {"item_id": "sku", "title": "item_id"})
    assert found == {"item_id": "sku", "title": "item_id"}


@pytest.mark.parametrize(
    "name",
    [
        *("rating_number", "average_rating", "num_reviews", "numReviews", "first_sold", "Units Sold", "sales_rank"),
        *(
            "bought_together",
            "n_buyers",
            "reviews_count",
            "click count",
            "avgRating",
            "interaction_count",
            "number of orders",
        ),
    ],
)
def test_columns_that_count_what_shoppers_did_are_behaviour(name: str) -> None:
    assert behaviour_column(name)


@pytest.mark.parametrize(
    "name", ["colour", "number_of_pockets", "sleeve", "order_type", "view", "rating_agency", "weight", "user_guide"]
)
def test_columns_about_the_product_are_content(name: str) -> None:
    assert not behaviour_column(name)


def test_a_wrong_name_gets_the_closest_one_as_a_hint() -> None:
    assert suggest("colur", ["title", "colour"]) == "Did you mean 'colour'? The columns are: title, colour."


def test_formats_of_numbers_and_dates_are_taken_for_all_columns_or_one() -> None:
    corrections = parse_mapping({"dates": "day-first", "numbers.Price": "comma"})
    assert corrections.formats == {"dates": "day-first", "numbers.Price": "comma"}
    with pytest.raises(InputError, match="it is day-first or month-first, not 'us'"):
        parse_mapping({"dates": "us"})
