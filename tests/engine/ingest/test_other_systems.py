"""Exports of systems without a preset: their columns are recognised by names and values, and their variants folded."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from engine.ingest.mapping import parse_mapping
from engine.ingest.report import ProblemLog
from engine.ingest.sources import FileForm
from engine.ingest.tables import Tables, prepare_tables, stage_files

SQUARESPACE = """Product ID [Non Editable],Variant ID [Non Editable],Product Type [Non Editable],Title,Description,SKU,Price,Sale Price,Categories,Hosted Image URLs
5f1,a1,PHYSICAL,Blue mug,<p>Nice</p>,SQ1,12.00,0.00,/kitchen,https://images.example.com/a.jpg https://images.example.com/b.jpg
5f1,a2,PHYSICAL,,,SQ2,14.00,0.00,,
5f2,a3,PHYSICAL,Bowl,<p>Round</p>,SQ3,20.00,0.00,/kitchen,https://images.example.com/c.jpg
"""
WIX = """handleId,fieldType,name,description,productImageUrl,collection,sku,price,visible,brand
p_1,Product,Lamp,<p>Bright</p>,a1.jpg;a2.jpg,Lights,W1,49,true,Lumo
p_1,Variant,,,,,W1-R,,true,
p_2,Product,Chair,<p>Soft</p>,b1.jpg,Home,W2,99,true,Sitz
"""
SHOPWARE = """id;parent_id;product_number;active;stock;name;price_net;price_gross;manufacturer_name;cover_media_url;categories
a0;;SW1;1;10;Stuhl Eiche;83,19;99,00;Holz GmbH;https://e.com/media/stuhl.jpg;Möbel>Stühle
a1;a0;SW1.1;1;10;Stuhl Eiche rot;83,19;99,00;;;
a2;;SW2;1;3;Tisch;1.083,19;1.299,00;Holz GmbH;https://e.com/media/tisch.jpg;Möbel>Tische
"""
OPENCART = """product_id;name(en-gb);categories;model;manufacturer;image_name;price;quantity;date_added;status
42;Cinema 30;20,28;Product 15;Apple;catalog/demo/cinema_30.jpg;100.0000;990;2009-02-03 21:07:26;true
30;Camera 5D;20,33;Product 3;Canon;catalog/demo/camera_5d.jpg;100.0000;7;2009-02-03 16:59:00;true
"""
MATOMO = """idVisit,visitorId,serverTimePretty,type,productSku,productName
1,ab12,"May 1, 2024 10:00:00",ecommerceProductView,W1,Lamp
2,ab13,"May 1, 2024 10:05:00",ecommerceAddToCart,W2,Chair
"""
GERMAN_ORDERS = """Bestellnummer;Kundennummer;Artikelnummer;Bezeichnung;Menge;Einzelpreis;Bestelldatum;Status
1001;K7;SW1;Stuhl Eiche;1;99,00 €;01.05.2024 10:15;bezahlt
1002;K8;SW2;Tisch;2;1.299,00 €;13.05.2024 11:15;storniert
"""
LOG = "ts,uid,pid,act\n1714557600,u1,W1,VIEW\n1714557700,u2,W2,BUY\n"


def prepared(text: str, role: str, folder: Path) -> Tables:
    path = folder / "export.csv"
    path.write_text(text, encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        staged = {role: stage_files([path], folder, ProblemLog(), FileForm())}
        return prepare_tables(connection, staged, None, parse_mapping({}))


@pytest.mark.parametrize(
    ("text", "expected", "merged"),
    [
        (SQUARESPACE, {"item_id": "Product ID [Non Editable]", "title": "Title", "price": "Price", "category": "Categories", "image": "Hosted Image URLs"}, 1),
        (WIX, {"item_id": "handleId", "title": "name", "price": "price", "category": "collection", "image": "productImageUrl"}, 1),
        (SHOPWARE, {"item_id": "id", "title": "name", "price": "price_gross", "category": "categories", "image": "cover_media_url"}, 1),
        (OPENCART, {"item_id": "product_id", "title": "name(en-gb)", "price": "price", "category": "categories", "image": "image_name"}, 0),
    ],
)  # fmt: skip
def test_products_of_other_systems(text: str, expected: dict[str, str], merged: int, tmp_path: Path) -> None:
    tables = prepared(text, "items", tmp_path)
    assert {field: tables.item_columns.get(field) for field in expected} == expected
    assert sum("became part of" in note for note in tables.notes["items"]) == merged


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MATOMO, {"user_id": "visitorId", "item_id": "productSku", "event": "type", "timestamp": "serverTimePretty"}),
        (GERMAN_ORDERS, {"user_id": "Kundennummer", "item_id": "Artikelnummer", "quantity": "Menge", "status": "Status", "timestamp": "Bestelldatum"}),
        (LOG, {"user_id": "uid", "item_id": "pid", "event": "act", "timestamp": "ts"}),
    ],
)  # fmt: skip
def test_events_of_other_systems(text: str, expected: dict[str, str], tmp_path: Path) -> None:
    columns = prepared(text, "interactions", tmp_path).event_columns
    assert {field: columns.get(field) for field in expected} == expected
