from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from engine.catalogue.snapshot import read_shop
from engine.core.workspace import Workspace
from engine.ingest.pipeline import ingest
from engine.ingest.report import IngestReport

SHOPIFY = """Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src
red-tea,Red tea,Leaves,Hill,Tea,Size,S,RT-S,4.50,https://cdn.example.com/red-tea.jpg
red-tea,,,,,,L,RT-L,8.00,https://cdn.example.com/red-tea-back.jpg
mint,Mint,Herbs,Hill,Tea,Title,Default Title,MI-1,3.00,https://cdn.example.com/mint.jpg
"""
WOO = """ID,Type,SKU,Name,Regular price,Sale price,Categories,Images,Parent,Attribute 1 name,Attribute 1 value(s)
7,variation,cap-red,Cap - red,12,,,,id:5,Colour,Red
5,variable,cap,Cap,,,Hats,https://e.com/cap.jpg,,Colour,"Red, Blue"
8,variation,cap-blue,Cap - blue,12,,,,cap,Colour,Blue
6,simple,scarf,Scarf,20,15,Scarves,https://e.com/scarf.jpg,,,
"""
MAGENTO = """sku,attribute_set_code,product_type,name,price,categories,configurable_variations
bag-s,Default,simple,Bag S,30,Default/Bags,
bag,Default,configurable,Bag,,Default/Bags,"sku=bag-s,size=S|sku=bag-l,size=L"
bag-l,Default,simple,Bag L,32,Default/Bags,
belt,Default,simple,Belt,9,Default/Belts,
"""
BIGCOMMERCE = """Item Type,Product ID,Product Name,Product Code/SKU,Brand Name,Price,Category
Product,77,Mug,MG,Nordly,20.5000,Kitchen
  SKU,,[S]Size=L,MG-L,,,
  Rule,,,MG-L,,[FIXED]25,
Product,78,Bowl,BO,Haus,21.5000,Kitchen
"""
Load = Callable[[str, list[str]], tuple[pd.DataFrame, IngestReport]]


@pytest.fixture
def load(workspace: Workspace, tmp_path: Path) -> Load:
    """Loads a products file with one view of each id, and gives the products by id."""

    def loaded(products: str, viewed: list[str]) -> tuple[pd.DataFrame, IngestReport]:
        (tmp_path / "products.csv").write_text(products)
        (tmp_path / "events.csv").write_text("user_id,item_id\n" + "".join(f"u,{item}\n" for item in viewed))
        report = ingest(workspace, items=tmp_path / "products.csv", interactions=tmp_path / "events.csv")
        return read_shop(workspace).items.set_index("item_id"), report

    return loaded


def test_variants_and_pictures_of_a_handle_are_one_product_with_the_first_price(load: Load) -> None:
    items, report = load(SHOPIFY, ["red-tea", "mint"])
    assert items["price"].to_dict() == {"red-tea": 4.5, "mint": 3.0}
    assert items.loc["red-tea", "image"] is None or pd.isna(items.loc["red-tea", "image"])
    assert items.loc["red-tea", "Size"] == ["S", "L"]
    assert "Title" not in items.columns, "the option of a product without options is no attribute"
    assert (report.files[0].read, report.files[0].kept, report.files[0].rejected) == (3, 2, 0)
    assert "rows of variants and further pictures that became part of their product: 1" in report.files[0].notes


def test_a_variation_becomes_part_of_the_product_that_it_names_by_id_or_sku(load: Load) -> None:
    items, _ = load(WOO, ["5", "6"])
    assert items["title"].to_dict() == {"5": "Cap", "6": "Scarf"}
    assert items["price"].to_dict() == {"5": 12.0, "6": 15.0}
    assert sorted(items.loc["5", "Colour"]) == ["Blue", "Red"]


def test_simple_products_that_a_configurable_one_lists_become_part_of_it(load: Load) -> None:
    items, _ = load(MAGENTO, ["bag", "belt"])
    assert items["title"].to_dict() == {"bag": "Bag", "belt": "Belt"}
    assert items["price"].to_dict() == {"bag": 30.0, "belt": 9.0}


def test_rows_below_a_product_belong_to_it(load: Load) -> None:
    items, _ = load(BIGCOMMERCE, ["77", "78"])
    assert items["title"].to_dict() == {"77": "Mug", "78": "Bowl"}
    assert items["price"].to_dict() == {"77": 20.5, "78": 21.5}


def test_rows_without_a_title_that_repeat_an_id_are_folded_in_any_file(load: Load) -> None:
    items, report = load("sku,title,photo\na,Apple,a.jpg\na,,b.jpg\nb,Beet,c.jpg\n", ["a", "b"])
    assert items["title"].to_dict() == {"a": "Apple", "b": "Beet"}
    assert report.problem_counts == {}


def test_different_products_with_one_id_are_not_folded(load: Load) -> None:
    items, report = load("sku,title\na,Apple\na,Apricot\nb,Beet\n", ["a", "b"])
    assert items["title"].to_dict() == {"a": "Apple", "b": "Beet"}
    assert report.problem_counts == {"duplicate_id": 1}
