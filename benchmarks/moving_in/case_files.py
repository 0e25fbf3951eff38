"""The shared cases, files as shops really have them: how each is loaded, without a hand's help, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from engine.catalogue.snapshot import Shop
from engine.ingest.report import IngestReport

__all__ = ["CASES", "Loaded"]


@dataclass(frozen=True)
class Loaded:
    """A loaded shop: `items` by id, `events` as stored."""

    shop: Shop
    items: pd.DataFrame
    events: pd.DataFrame
    report: IngestReport

    @property
    def said(self) -> str:
        """Everything that the report says in sentences."""
        return " ".join(part for file in self.report.files for part in [file.recognised, *file.notes, *file.unused])

    def kinds(self) -> dict[str, int]:
        """Kind of event -> how many."""
        return {str(kind): int(count) for kind, count in self.events["event"].value_counts().items()}

    def timed(self) -> bool:
        return bool(self.events["timestamp"].notna().all())

    def pictures(self) -> int:
        """Different pictures that products have."""
        return int(self.items["image"].nunique())


Check = Callable[[Loaded], bool]
Load = tuple[dict[str, str | list[str]], dict[str, Check]]
"""Role -> file below the case's folder, or what a file holds after "="; and what must hold, in words -> how it is checked."""


def shopify() -> Iterator[Load]:
    files = {"items": "products_export.csv", "interactions": "events.csv", "images": "pictures"}
    yield (
        files,
        {
            "one product a handle": lambda one: len(one.items) == 12,
            "price of the first variant": lambda one: one.items["price"].iloc[:3].tolist() == [12.5, 13.5, 14.5],
            "text without tags": lambda one: not one.items["description"].str.contains("<|&amp;").any(),
            "the first picture": lambda one: one.pictures() == 12,
            "times read": lambda one: one.timed() and one.events["timestamp"].iloc[0] == 1785560400,
        },
    )


def shopify_orders() -> Iterator[Load]:
    yield (
        {"interactions": "orders_export.csv"},
        {
            "shoppers as hashes": lambda one: not one.events["user_id"].str.contains("@").any(),
            "twelve shoppers": lambda one: one.report.n_users == 12,
            "half are purchases": lambda one: one.kinds().get("purchase") == 24,
            "refunded and voided are told": lambda one: (
                "refunded" in one.said and "voided" in one.said and "12" in one.said
            ),
            "times read": lambda one: one.timed(),
        },
    )


def woocommerce() -> Iterator[Load]:
    facts: dict[str, Check] = {
        "variations folded": lambda one: len(one.items) == 24,
        "categories": lambda one: one.items["category"].iloc[0] == "Hoodies",
        "every price": lambda one: bool(one.items["price"].notna().all()) and one.items["price"].iloc[1] == 21,
        "all events": lambda one: len(one.events) == 96,
    }
    files = {"items": "wc-product-export.csv", "interactions": "events.csv"}
    yield files | {"images": "uploads"}, facts | {"own pictures": lambda one: one.pictures() == 12}
    # In the second folder all first pictures are one, and all gallery pictures another.
    yield files | {"images": "uploads2"}, {"the first picture": lambda one: one.pictures() == 1}
    yield (
        files | {"interactions": "events_by_sku.csv"},
        facts | {"how they match is told": lambda one: "SKU" in one.said},
    )


def prestashop() -> Iterator[Load]:
    yield (
        {"items": "product_export.csv", "interactions": "order_detail.csv"},
        {
            "prices": lambda one: one.items["price"].iloc[:4].tolist() == [9.9, 1300.0, 26.5, 1052.95],
            "all events": lambda one: len(one.events) == 96 and not one.report.problem_counts,
            "categories": lambda one: one.items["category"].iloc[0] == "Kitchen",
        },
    )
    yield (
        {"items": "preisliste.csv", "interactions": "ev2.csv"},
        {
            "1.299 € is 1299": lambda one: one.items["price"].iloc[:4].tolist() == [1299.0, 24.5, 1049.95, 9.9],
            "times read": lambda one: one.timed() and one.events["timestamp"].iloc[0] == 1735653900,
        },
    )


def ga4() -> Iterator[Load]:
    facts: dict[str, Check] = {
        "kinds of events": lambda one: {"view", "list_view", "cart", "checkout", "purchase"} <= set(one.kinds()),
        "microseconds": lambda one: one.timed() and one.events["timestamp"].iloc[0] == 1714557600,
        "all rows": lambda one: len(one.events) == 196,
        "shoppers": lambda one: one.report.n_users >= 39,
    }
    yield {"interactions": "flattened.csv"}, facts
    yield {"interactions": "events_20240501.jsonl", "items": "items.csv"}, facts


def retailrocket() -> Iterator[Load]:
    yield (
        {"items": "item_properties_part1.csv", "interactions": "events.csv"},
        {
            "a row a product": lambda one: len(one.items) == 30,
            "latest values": lambda one: (
                one.items["price"].iloc[0] == 3600.0 and one.items["category"].iloc[0] == "1000"
            ),
            "all events": lambda one: len(one.events) == 300 and one.timed(),
        },
    )


def yoochoose() -> Iterator[Load]:
    for name in ("yoochoose-clicks.dat", "yoochoose-clicks.csv"):
        yield (
            {"interactions": name},
            {
                "the first row is data": lambda one: one.events["item_id"].iloc[0] == "214530016",
                "shopper and time": lambda one: one.events["user_id"].iloc[0] == "1" and one.timed(),
            },
        )


def movielens() -> Iterator[Load]:
    facts: dict[str, Check] = {
        "titles": lambda one: one.items["title"].iloc[0] == "Café Lumière (1990)",
        "genres": lambda one: "Comedy" in str(one.items.iloc[0].tolist()),
        "ratings": lambda one: one.shop.info["value_kind"] == "rating" and one.timed(),
    }
    yield {"items": "movies.dat", "interactions": "ratings.dat"}, facts
    yield (
        {"items": "movies_renamed.csv", "interactions": "ratings_renamed.csv"},
        {
            "titles": lambda one: one.items["title"].iloc[0] == "Café Lumière (1990)",
            "times read": lambda one: one.timed(),
        },
    )


def rees46() -> Iterator[Load]:
    yield (
        {"interactions": "2019-Oct.csv"},
        {
            "category from the code": lambda one: "electronics.smartphone" in set(one.items["category"]),
            "brand and price": lambda one: (
                one.items["price"].iloc[0] == 100.0 and one.items["brand"].iloc[0] == "samsung"
            ),
            "products from events, told": lambda one: "made from the events" in one.said,
            "times read": lambda one: one.timed(),
        },
    )


def online_retail() -> Iterator[Load]:
    for name in ("kaggle/data.csv", "ii/online_retail_II.csv", "uci/Online Retail.xlsx"):
        yield (
            {"interactions": name},
            {
                "one preset": lambda one: one.shop.info["preset"] == "uci_online_retail",
                "products with titles": lambda one: len(one.items) == 23 and bool(one.items["title"].notna().all()),
                "shoppers and times": lambda one: one.report.n_users == 15 and one.timed(),
            },
        )


def book_crossing() -> Iterator[Load]:
    yield (
        {"items": "BX-Books.csv", "interactions": "BX-Book-Ratings.csv"},
        {
            "titles": lambda one: one.items["title"].iloc[0] == 'The "Good" Book 0; a story & more',
            "authors": lambda one: one.items["brand"].iloc[0] == "Áuthor 0",
            "0 is a view": lambda one: one.kinds() == {"view": 90, "rating": 120},
            "1 to 10 is the scale": lambda one: "runs from 1 to 10" in one.said,
        },
    )


def segment() -> Iterator[Load]:
    def fair(one: Loaded) -> bool:
        return {"view", "cart", "purchase", "remove_from_cart", "refund"} <= set(one.kinds())

    yield (
        {"interactions": "tracks.csv"},
        {
            "kinds": fair,
            "anonymous where there is no user": lambda one: bool(one.events["user_id"].str.startswith("a").any()),
        },
    )
    yield {"interactions": "tracks_all_users.csv"}, {"kinds": fair}


def ids() -> Iterator[Load]:
    yield (
        {"items": "items.csv", "interactions": "events.csv"},
        {
            "events match": lambda one: len(one.events) >= 20,
            "one rule, told": lambda one: "matched that way" in one.said,
        },
    )
    yield {"items": "hm_items.csv", "interactions": "hm_events.csv"}, {"all match": lambda one: len(one.events) == 90}
    yield (
        {"items": "items.csv", "interactions": "events_users.csv"},
        {
            "placeholders are nobody": lambda one: (
                not {"NA", "-1", "(not set)", "undefined"} & set(one.events["user_id"])
            ),
            "42.0 is 42 and 00042 is not": lambda one: {"42", "00042"} <= set(one.events["user_id"]),
        },
    )


def encodings() -> Iterator[Load]:
    for name in ("cr_only.csv", "nul.csv", "sep_line.csv", "utf16.csv", "utf8sig_crlf.csv"):
        yield (
            {"items": name, "interactions": "events.csv"},
            {
                "entities decoded": lambda one: one.items["title"].iloc[0] == "Men's T-Shirt & Shorts",
                "letters": lambda one: one.items["title"].iloc[1] == 'Café "Noir" – 5€',
                "prices": lambda one: one.items["price"].iloc[:2].tolist() == [1.0, 2.0],
                "all events": lambda one: not one.report.problem_counts.get("unknown_item"),
            },
        )


def ratings() -> Iterator[Load]:
    def low_is_none(one: Loaded) -> bool:
        return one.shop.info["min_rating"] is not None and one.shop.info["min_rating"] > 1

    for name in ("reviews.csv", "reviews_array.json", "stars.csv"):
        yield {"interactions": name}, {"one star is no interest, told": low_is_none}
    yield {"interactions": "thumbs.csv"}, {"thumbs down is none": lambda one: (one.shop.info["min_rating"] or 0) > -1}
    yield (
        {"items": "products.json", "interactions": "=user_id,item_id\nu,0\nv,1\n"},
        {
            "objects of an array": lambda one: len(one.items) > 2 and one.items["title"].iloc[0] == "P 0",
            "what shoppers rated is no content": lambda one: "reviews" not in one.items.columns,
        },
    )


def amazon() -> Iterator[Load]:
    yield (
        {"items": "meta_Sports_and_Outdoors.jsonl", "interactions": "Sports_and_Outdoors.jsonl"},
        {
            "lists as text": lambda one: "[" not in str(one.items.get("features", pd.Series(["["])).iloc[0]),
            "a date is no list": lambda one: one.shop.attribute_kinds.get("Date First Available") != "multi",
            "prices": lambda one: one.items["price"].iloc[0] == 12.99,
        },
    )


def picture_names() -> Iterator[Load]:
    yield (
        {"items": "items.csv", "interactions": "events.csv", "images": "pictures"},
        {"by id": lambda one: one.pictures() == 17},
    )
    for name in ("items_paths.csv", "items_ext.csv", "items_urls.csv"):
        yield (
            {"items": name, "interactions": "events_s.csv", "images": "shoes"},
            {"each its own": lambda one: one.pictures() == 8},
        )
    yield (
        {"items": "items_many.csv", "interactions": "events_s.csv", "images": "flat"},
        {"the first of several": lambda one: one.pictures() == 8},
    )


def event_money() -> Iterator[Load]:
    yield (
        {"interactions": "events.csv"},
        {
            "events stand": lambda one: len(one.events) == 90,
            "prices": lambda one: set(one.items["price"]) <= {1299.0, 12.99},
        },
    )
    yield (
        {"interactions": "events_iso.csv"},
        {
            "events stand": lambda one: len(one.events) == 90,
            "2,000 is two thousand": lambda one: set(one.events["value"]) == {1.0, 2000.0},
        },
    )


def hetrec_recbole() -> Iterator[Load]:
    for end in ("dat", "tsv"):
        yield (
            {"items": f"artists.{end}", "interactions": f"user_artists.{end}"},
            {
                "plays are the value": lambda one: (
                    one.events["value"].max() == 13883 or one.events["value"].max() > 1000
                ),
                "names": lambda one: one.items["title"].iloc[0] == "Artist 0",
            },
        )
    for name in ("ml.inter", "ml_inter.tsv"):
        yield {"interactions": name}, {"ratings": lambda one: one.shop.info["value_kind"] == "rating" and one.timed()}


def pandas_parquet() -> Iterator[Load]:
    yield (
        {"items": "items.parquet", "interactions": "events.parquet"},
        {
            "right but for missing shoppers": lambda one: one.report.problem_counts == {"missing_shopper": 40},
            "lists": lambda one: one.shop.attribute_kinds["tags"] == "multi",
        },
    )


def dunnhumby() -> Iterator[Load]:
    yield (
        {"items": "product.csv", "interactions": "transaction_data.csv"},
        {
            "titles from the commodity": lambda one: one.items["title"].iloc[0] == "FRZN ICE",
            "days give the order": lambda one: one.timed() and one.events["timestamp"].nunique() > 1,
        },
    )


def bigcommerce() -> Iterator[Load]:
    yield (
        {"items": "products.csv", "interactions": "events.csv", "images": "product_images"},
        {
            "products": lambda one: len(one.items) == 20 and not one.report.problem_counts,
            "pictures": lambda one: bool(one.items["image"].notna().all()),
            "text": lambda one: one.items["description"].iloc[0] == "Good & plain.",
            "categories": lambda one: one.items["category"].iloc[0] == "Kitchen",
            "times read": lambda one: one.timed(),
        },
    )


def instacart() -> Iterator[Load]:
    lines = ["order_products__prior.csv", "orders.csv"]
    yield (
        {"items": "products.csv", "interactions": lines},
        {
            "joined": lambda one: len(one.events) == 240 and one.report.n_users == 12,
        },
    )


CASES: dict[str, Callable[[], Iterator[Load]]] = {
    "01-shopify-products": shopify,
    "02-shopify-orders": shopify_orders,
    "03-woocommerce": woocommerce,
    "05-prestashop-german": prestashop,
    "06-ga4-bigquery": ga4,
    "07-retailrocket": retailrocket,
    "08-yoochoose": yoochoose,
    "10-movielens-1m": movielens,
    "12-rees46-multi-category": rees46,
    "13-online-retail-published": online_retail,
    "15-book-crossing": book_crossing,
    "16-segment-ecommerce": segment,
    "17-ids": ids,
    "19-encodings-texts": encodings,
    "20-ratings-dislike": ratings,
    "21-amazon-2023-odd": amazon,
    "22-picture-names": picture_names,
    "25-event-money": event_money,
    "26-hetrec-recbole": hetrec_recbole,
    "28-pandas-parquet": pandas_parquet,
    "29-dunnhumby": dunnhumby,
    "30-bigcommerce": bigcommerce,
    "31-instacart": instacart,
}
