"""Small exports of shop systems, as these write them, with what anybody would expect to see once they are loaded."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

__all__ = ["EXPORTS", "Export"]

N = 12
NAMES = ["Willow mug", "Cedar bowl", "Fern plate", "Stone coaster"]


@dataclass(frozen=True)
class Export:
    """Files by role and name, and what they hold.

    Attributes
    ----------
    looks_like : what the page must say that the files look like.
    n_products, n_events : what must be loaded.
    first : fields of the product `item_id` among them.
    """

    files: dict[str, tuple[str, bytes]]
    looks_like: str
    n_products: int
    n_events: int
    first: dict[str, Any]

    def write(self, folder: Path) -> dict[str, Path]:
        """Role -> the file, written to a folder."""
        paths = {role: folder / name for role, (name, _) in self.files.items()}
        for role, (_, content) in self.files.items():
            paths[role].write_bytes(content)
        return paths


def _csv(rows: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


def _name(number: int) -> str:
    return f"{NAMES[number % len(NAMES)]} no. {number}"


def _shopify() -> Export:
    """Products with a row a variant; orders as events, of which one was refunded."""
    products, orders = [], []
    for number in range(N):
        for size in ("S", "M"):
            first = size == "S"
            products.append(
                {
                    "Handle": f"thing-{number}",
                    "Title": _name(number) if first else "",
                    "Body (HTML)": "<p>Made by <b>hand</b> &amp; fired once.</p>" if first else "",
                    "Vendor": "Nordly" if first else "",
                    "Type": "Kitchen" if first else "",
                    "Tags": "new, gift" if first else "",
                    "Published": "true" if first else "",
                    "Option1 Name": "Size" if first else "",
                    "Option1 Value": size,
                    "Variant SKU": f"NB-{number:03d}-{size}",
                    "Variant Price": f"{20 + number}.50",
                    "Image Src": "https://cdn.example.com/a.jpg" if first else "",
                    "Status": "active" if first else "",
                }
            )
    for number in range(4 * N):
        orders.append(
            {
                "Name": f"#{1000 + number}",
                "Email": f"buyer{number % 9}@example.com",
                "Financial Status": "refunded" if number == 5 else "paid",
                "Created at": f"2026-08-{number % 28 + 1:02d} 03:24:22 +0500",
                "Lineitem quantity": 1,
                "Lineitem name": f"{_name(number % N)} - S",
                "Lineitem price": "20.50",
                "Lineitem sku": f"NB-{number % N:03d}-S",
                "Vendor": "Nordly",
                "Cancelled at": "",
            }
        )
    expected = {"item_id": "thing-0", "title": _name(0), "price": 20.5, "brand": "Nordly", "category": "Kitchen"}
    files = {"items": ("products_export.csv", _csv(products)), "interactions": ("orders_export.csv", _csv(orders))}
    return Export(files, "Shopify", N, 4 * N, expected)


def _woocommerce() -> Export:
    """A product without a sale price, nested categories, several pictures, a picture file called like the first."""
    products = [
        {
            "ID": 44 + number,
            "Type": "simple",
            "SKU": f"woo-{number:02d}",
            "Name": _name(number),
            "Published": 1,
            "Description": "Long text about it with words enough to be a description.",
            "Sale price": "18" if number % 2 else "",
            "Regular price": "25",
            "Categories": "Home > Kitchen, Gifts",
            "Images": f"https://shop.example.com/uploads/main-{number}.jpg, https://shop.example.com/uploads/alt-{number}.jpg",
        }
        for number in range(N)
    ]
    events = _events("sku", [f"woo-{number:02d}" for number in range(N)])
    pictures = io.BytesIO()
    with zipfile.ZipFile(pictures, "w") as archive:
        for number in range(N):
            for kind, shade in (("main", 40), ("alt", 200)):
                picture = io.BytesIO()
                Image.new("RGB", (32, 32), (shade, 10 * number, 90)).save(picture, "JPEG")
                archive.writestr(f"uploads/{kind}-{number}.jpg", picture.getvalue())
    files = {
        "items": ("wc-product-export.csv", _csv(products)),
        "interactions": ("events.csv", events),
        "images": ("uploads.zip", pictures.getvalue()),
    }
    return Export(files, "WooCommerce", N, 4 * N, {"item_id": "44", "title": _name(0), "price": 25.0})


def _prestashop() -> Export:
    """Semicolons, German prices, a thousand with a point."""
    products = [
        {
            "Product ID": number + 1,
            "Image": f"https://shop.example.com/{number + 1}-home_default/x.jpg",
            "Name": _name(number),
            "Reference": f"demo_{number}",
            "Category": "Küche",
            "Price (tax excl.)": f"{1300 + number},000000",
            "Price (tax incl.)": f"1.{300 + number},00 €",
            "Quantity": 3,
            "Status": 1,
            "Manufacturer": "Nordly",
        }
        for number in range(N)
    ]
    orders = [
        {
            "customer_id": number % 9,
            "product_id": number % N + 1,
            "date_add": f"2024-05-{number % 28 + 1:02d} 10:00:00",
            "unit_price": "9,90 €",
            "quantity": 1,
        }
        for number in range(4 * N)
    ]
    files = {
        "items": ("product_export.csv", _csv(products, ";")),
        "interactions": ("order_detail.csv", _csv(orders, ";")),
    }
    return Export(files, "PrestaShop", N, 4 * N, {"item_id": "1", "title": _name(0), "price": 1300.0})


def _bigcommerce() -> Export:
    """Indented rows of variants and rules below each product."""
    products: list[dict[str, Any]] = []
    for number in range(N):
        products += [
            {
                "Item Type": "Product",
                "Product ID": 77 + number,
                "Product Name": _name(number),
                "Product Type": "P",
                "Product Code/SKU": f"BC{number:03d}",
                "Brand Name": "Nordly",
                "Product Description": "<p>Good &amp; plain.</p>",
                "Price": f"{20 + number}.5000",
                "Category": "Shop All;Shop All/Kitchen",
                "Product Image File - 1": f"a/000/item{number}__000.jpg",
            },
            {"Item Type": "  SKU", "Product ID": 77 + number, "Product Name": "[S]Size=L", "Product Code/SKU": "L"},
        ]
    files = {
        "items": ("products.csv", _csv(products)),
        "interactions": ("events.csv", _events("product_id", [str(77 + number) for number in range(N)])),
    }
    return Export(
        files, "BigCommerce", N, 4 * N, {"item_id": "77", "title": _name(0), "price": 20.5, "brand": "Nordly"}
    )


def _analytics() -> Export:
    """Google Analytics 4 from BigQuery, nested: products of an event in a list, times in microseconds."""
    products = [
        {"item_id": f"GGO{number:03d}", "title": _name(number), "category": "Kitchen", "price": 12.5 + number}
        for number in range(N)
    ]
    events = [
        {
            "event_date": "20240501",
            "event_timestamp": str(1_714_557_600_000_000 + number),
            "event_name": "view_item",
            "user_pseudo_id": f"1000000{number % 9}.1700000",
            "event_params": [{"key": "page", "value": {"string_value": "x"}}],
            "items": [{"item_id": f"GGO{number % N:03d}", "item_name": _name(number % N), "price": 12.5}],
        }
        for number in range(4 * N)
    ]
    lines = "\n".join(map(json.dumps, events)).encode()
    files = {"items": ("catalogue.csv", _csv(products)), "interactions": ("events_20240501.jsonl", lines)}
    return Export(files, "Google Analytics", N, 4 * N, {"item_id": "GGO000", "title": _name(0), "price": 12.5})


def _events(column: str, ids: list[str]) -> bytes:
    return _csv(
        [
            {
                "user_id": f"u{number % 9}",
                column: ids[number % len(ids)],
                "event": "purchase",
                "timestamp": f"2024-05-{number % 28 + 1:02d}T10:00:00Z",
            }
            for number in range(4 * N)
        ]
    )


EXPORTS = {
    "Shopify": _shopify(),
    "WooCommerce": _woocommerce(),
    "PrestaShop": _prestashop(),
    "BigCommerce": _bigcommerce(),
    "Google Analytics 4": _analytics(),
}
