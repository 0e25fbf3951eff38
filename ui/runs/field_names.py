"""What tables, fields and kinds of attributes are called on screen."""

from __future__ import annotations

from engine.ingest.columns import EVENT_FIELDS, ITEM_FIELDS, ITEM_TEXTS

__all__ = ["FIELD_NAMES", "KIND_NAMES", "TABLES", "lower", "offered_fields"]

TABLES = {"items": "Products", "interactions": "Clicks, orders or ratings"}
FIELD_NAMES = {
    "user_id": "Shopper ID",
    "visitor_id": "Visitor ID (not signed in)",
    "item_id": "Product ID",
    "title": "Title",
    "description": "Description",
    "brand": "Brand",
    "category": "Category",
    "price": "Price",
    "image": "Picture",
    "event": "Kind of event",
    "status": "State of the order",
    "cancelled_at": "Cancelled on",
    "rating": "Rating",
    "quantity": "Quantity",
    "value": "Value",
    "timestamp": "Time",
}
KIND_NAMES = {"category": "single choice", "number": "number", "text": "text", "multi": "multiple choice"}


def offered_fields(role: str, *, with_products: bool) -> list[str]:
    """Fields that a column of the table can be; events also describe products where these have no file of their own."""
    if role == "items":
        return list(ITEM_FIELDS)
    texts = () if with_products else ITEM_TEXTS
    return [*EVENT_FIELDS, *(name for name in texts if name not in EVENT_FIELDS)]


def lower(name: str) -> str:
    """A field's name within a sentence: shopper ID, price."""
    return name[0].lower() + name[1:]
