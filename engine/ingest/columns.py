"""Which column holds what: the names that shops really use, and the columns of behaviour that content must not contain."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["EVENT_FIELDS", "ITEM_FIELDS", "ITEM_TEXTS", "behaviour_column", "guess_columns", "suggest"]

# Earlier names win where a file has several.
ITEM_FIELDS: dict[str, tuple[str, ...]] = {
    "item_id": (
        *("item_id", "product_id", "parent_asin", "asin", "sku", "stock_code", "article_id", "movie_id", "variant_id"),
        *("style_id", "item", "product", "article", "id", "isbn", "handle", "product_code", "item_code", "code"),
    ),
    "title": ("title", "product_title", "product_name", "item_name", "prod_name", "product_display_name", "name"),
    "description": (
        *("description", "product_description", "long_description", "detail_desc", "item_description", "body_html"),
        *("body", "summary", "about", "desc"),
    ),
    "brand": ("brand", "brand_name", "manufacturer", "vendor", "designer", "label", "store"),
    "category": (
        *("category", "category_name", "product_category", "product_type", "product_type_name", "article_type"),
        *("department", "main_category", "type"),
    ),
    "price": ("price", "unit_price", "sale_price", "current_price", "list_price", "retail_price", "price_amount"),
    "image": (
        *("image", "image_path", "image_file", "image_name", "picture", "photo", "img", "filename", "file_name"),
        "image_url",
    ),
}
EVENT_FIELDS: dict[str, tuple[str, ...]] = {
    "user_id": (
        *("user_id", "customer_id", "shopper_id", "visitor_id", "client_id", "buyer_id", "reviewer_id", "account_id"),
        *("user", "customer", "shopper", "visitor"),
    ),
    "visitor_id": (
        *("user_pseudo_id", "anonymous_id", "visitor_id", "session_id", "user_session", "session", "client_id"),
        *("device_id", "cookie_id"),
    ),
    "item_id": ITEM_FIELDS["item_id"],
    "event": (
        "event",
        "event_type",
        "event_name",
        "action",
        "interaction",
        "interaction_type",
        "behavior",
        "behaviour",
    ),
    "status": ("financial_status", "order_status", "payment_status", "status", "state", "current_state"),
    "cancelled_at": ("cancelled_at", "canceled_at", "cancelled", "canceled"),
    "rating": ("rating", "stars", "score", "overall"),
    "quantity": ("quantity", "qty", "units", "count"),
    "value": ("value",),
    "timestamp": (
        *("timestamp", "event_time", "time", "datetime", "date", "ts", "created_at", "order_date", "purchase_date"),
        *("invoice_date", "t_dat", "unix_time", "unix_review_time", "review_date"),
    ),
    "price": ITEM_FIELDS["price"],
}
# Fields by which a table of events may describe its products.
ITEM_TEXTS = ("title", "description", "brand", "category", "image")
_BEHAVIOUR_NAMES = frozenset(
    {
        *("rating", "ratings", "stars", "reviews", "sales", "sold", "orders", "purchases", "views", "clicks", "buyers"),
        *("popularity", "popularityscore", "likes", "favorites", "favourites", "votes", "voteaverage", "votecount"),
        *("salesrank", "salesranking", "bestsellersrank", "bestseller", "isbestseller", "trending", "conversionrate"),
        *("ctr", "clickthroughrate", "firstsold", "lastsold", "firstsale", "lastsale", "datefirstsold", "datelastsold"),
        *("boughttogether", "alsobought", "alsoviewed", "alsobuy", "alsoview", "helpfulvote", "helpfulvotes"),
        *("interactioncount", "interactions", "impressions", "revenue", "customerreviews", "unitssold", "qtysold"),
    }
)
_SIGNALS = r"(rating|review|buyer|customer|user|view|click|sale|order|purchase|vote|like|cart|wishlist|return|sold|event|interaction)s?"
_BEHAVIOUR_PATTERN = re.compile(
    rf"((n|no|num|nb|nr|number|count|total|sum|avg|average|mean|median)_(of_)?{_SIGNALS}"
    rf"|{_SIGNALS}_(n|num|number|count|counts|total|avg|average|mean|rate|score|rank))"
)


def behaviour_column(name: str) -> bool:
    """Whether a column counts buyers, ratings or sales: behaviour, which content must not know."""
    words = _words(name)
    return words.replace("_", "") in _BEHAVIOUR_NAMES or _BEHAVIOUR_PATTERN.fullmatch(words) is not None


def guess_columns(
    columns: Sequence[str], fields: Mapping[str, tuple[str, ...]], given: Mapping[str, str]
) -> dict[str, str]:
    """field -> column for every field whose column has a known name; `given` comes first, and no column serves twice.

    Case, blanks and underscores do not matter: "Stock Code", "StockCode" and "stock_code" are one name.
    """
    found = dict(given)
    free = {_words(name).replace("_", ""): name for name in reversed(columns) if name not in found.values()}
    for field, names in fields.items():
        if field in found:
            continue
        known = next((key for name in names if (key := name.replace("_", "")) in free), None)
        if known is not None:
            found[field] = free.pop(known)
    return found


def suggest(name: str, names: Iterable[str]) -> str:
    """The end of an error message: "Did you mean ...? The columns are: ..." """
    known = [column for column in names if column]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    listed = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return f"{hint}The columns are: {listed}."


def _words(name: str) -> str:
    """snake_case of a column's name: "numReviews" and "Num reviews" are num_reviews."""
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")
