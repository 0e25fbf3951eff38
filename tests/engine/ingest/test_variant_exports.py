"""Exports of the known systems in other languages, versions and forms than their presets were first written for."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from engine.catalogue.snapshot import read_shop
from engine.core.errors import CatalogueError, InteractionsError
from engine.core.workspace import Workspace
from engine.ingest.pipeline import ingest

GERMAN = """ID,Typ,Artikelnummer,Name,Beschreibung,Angebotspreis,Regulärer Preis,Kategorien,Übergeordnet,Attribut 1 Name,Attribut 1 Wert(e)
10,simple,A-0,Stuhl,Schön,,"12,50",Möbel,,Farbe,Rot
11,simple,A-1,Tisch,Rund,"8,90","13,50",Möbel,,Farbe,Blau
30,variable,V-30,Hemd,Lang,,,Mode,,Farbe,"Rot, Blau"
31,variation,V-30-R,Hemd - Rot,,,"29,90",,V-30,Farbe,Rot
"""
FRENCH = """ID,Type,UGS,Nom,Tarif promo,Tarif régulier,Catégories,Parent,Nom de l’attribut 1,Valeur(s) de l’attribut 1
10,simple,U0,Lampe,,"1 200,00",Maison,,Couleur,Noir
11,simple,U1,Table,"9,90","31,00",Maison,,Couleur,Bleu
30,variable,U30,Chemise,,,Mode,,Couleur,"Noir, Bleu"
31,variation,U30-N,Chemise - Noir,,"29,90",,U30,Couleur,Noir
"""


def events(folder: Path, *ids: str) -> Path:
    path = folder / "seen.csv"
    path.write_text("user_id,item_id,event\n" + "".join(f"u{n},{name},view\n" for n, name in enumerate(ids)))
    return path


def loaded(workspace: Workspace, folder: Path, name: str, text: str, *ids: str) -> pd.DataFrame:
    (folder / name).write_text(text, encoding="utf-8")
    ingest(workspace, items=folder / name, interactions=events(folder, *ids))
    return read_shop(workspace).items.set_index("item_id")


def stored(workspace: Workspace) -> pd.DataFrame:
    return pd.read_parquet(workspace.current_snapshot() / "interactions.parquet")


@pytest.mark.parametrize(
    ("text", "prices", "attribute", "variant"),
    [(GERMAN, [12.5, 8.9, 29.9], "Farbe", "V-30-R"), (FRENCH, [1200.0, 9.9, 29.9], "Couleur", "U30-N")],
)
def test_woocommerce_is_known_in_the_language_of_the_shop(
    text: str, prices: list[float], attribute: str, variant: str, workspace: Workspace, tmp_path: Path
) -> None:
    items = loaded(workspace, tmp_path, "export.csv", text, variant, variant)
    assert items["price"].to_dict() == dict(zip(["10", "11", "30"], prices, strict=True))
    assert attribute in items.columns
    assert stored(workspace)["item_id"].tolist() == ["30", "30"]


def test_prestashop_in_french_has_its_prices_with_tax(workspace: Workspace, tmp_path: Path) -> None:
    text = "ID;Image;Nom;Référence;Catégorie;Prix (HT);Prix (TTC)\n" + "".join(
        f"{n};https://e.com/{n}.jpg;Tasse {n};R{n};Accueil;1{n},00 €;2{n},90 €\n" for n in range(3)
    )
    items = loaded(workspace, tmp_path, "products.csv", text, "0")
    assert items["price"].tolist() == [20.9, 21.9, 22.9]


def test_variants_and_pictures_of_bigcommerce_belong_to_the_product_above(workspace: Workspace, tmp_path: Path) -> None:
    text = "Item,ID,Name,Type,SKU,Price,Brand ID,Internal Image URL (Export)\n" + "".join(
        f"Product,{n},Mug {n},physical,M{n},1{n},3,\nVariant,5{n},,,M{n}-L,2{n},,\nImage,,,,,,,https://e.com/{n}.jpg\n"
        for n in range(3)
    )
    items = loaded(workspace, tmp_path, "products.csv", text, "M1-L", "M2-L")
    assert items["price"].to_dict() == {"0": 10.0, "1": 11.0, "2": 12.0}
    assert stored(workspace)["item_id"].tolist() == ["1", "2"]


def test_products_of_an_api_have_the_price_of_their_first_variant(workspace: Workspace, tmp_path: Path) -> None:
    products = [
        {"id": n, "title": f"Mug {n}", "brand": {"id": 3, "name": "Nord"}, "categories": [{"id": 9, "name": "Mugs"}],
         "variants": [{"id": 90 + n, "sku": f"S{n}", "price": f"1{n}.50"}, {"id": 80 + n, "sku": f"T{n}", "price": "99"}]}
        for n in range(3)
    ]  # fmt: skip
    text = json.dumps({"data": {"products": products}})
    items = loaded(workspace, tmp_path, "products.json", text, "80", "81", "81")
    assert items["price"].tolist() == [10.5, 11.5, 12.5]
    assert items["brand"].tolist() == ["Nord"] * 3
    assert items["category"].tolist() == ["Mugs"] * 3
    assert stored(workspace)["item_id"].tolist() == ["0", "1", "1"]


def test_nodes_of_a_graphql_answer_are_the_products(workspace: Workspace, tmp_path: Path) -> None:
    nodes = [{"node": {"id": f"gid://shopify/Product/{n}", "title": f"Mug {n}"}} for n in range(3)]
    text = json.dumps({"data": {"products": {"edges": nodes}}})
    items = loaded(workspace, tmp_path, "products.json", text, "gid://shopify/Product/1")
    assert items["title"].tolist() == ["Mug 0", "Mug 1", "Mug 2"]


def test_the_id_of_an_order_is_no_product_where_its_lines_name_some(workspace: Workspace, tmp_path: Path) -> None:
    orders = [
        {"id": n, "email": f"a{n}@e.com", "line_items": [{"product_id": "p"}, {"product_id": "q"}]} for n in range(3)
    ]
    (tmp_path / "orders.json").write_text(json.dumps({"orders": orders}))
    ingest(workspace, interactions=tmp_path / "orders.json")
    assert stored(workspace)["item_id"].tolist() == ["p", "q"] * 3


def test_an_id_that_never_repeats_is_the_events_own(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("id,customer,total\n" + "".join(f"{n},c{n % 2},9\n" for n in range(6)))
    with pytest.raises(InteractionsError, match="no column is known as the product"):
        ingest(workspace, interactions=tmp_path / "orders.csv")


def test_yoochoose_buys_are_purchases_though_half_their_quantities_are_zero(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "yoochoose-buys.dat"
    path.write_text("".join(f"{n},2014-04-06T18:4{n}:58.009Z,21453788{n % 3},{n % 2},{n % 2}\n" for n in range(6)))
    ingest(workspace, interactions=path)
    assert stored(workspace)["event"].tolist() == ["purchase"] * 6


def test_files_without_a_header_of_different_widths_are_no_one_table(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "clicks.dat").write_text("".join(f"{n},2014-04-06T18:4{n}:58Z,21453788{n},0\n" for n in range(6)))
    (tmp_path / "buys.dat").write_text("".join(f"{n},2014-04-06T18:4{n}:58Z,21453788{n},0,0\n" for n in range(6)))
    with pytest.raises(InteractionsError, match="with --append"):
        ingest(workspace, interactions=[tmp_path / "clicks.dat", tmp_path / "buys.dat"])


def test_kinds_of_events_are_known_without_a_header(workspace: Workspace, tmp_path: Path) -> None:
    kinds = ["pv", "cart", "fav", "buy"]
    (tmp_path / "log.csv").write_text(
        "".join(f"{n % 3},{500 + n % 5},{kinds[n % 4]},{1511544070 + n}\n" for n in range(12))
    )
    ingest(workspace, interactions=tmp_path / "log.csv")
    assert stored(workspace)["event"].tolist() == ["view", "cart", "wishlist", "purchase"] * 3


def test_baskets_without_a_header_name_no_shopper(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "baskets.csv").write_text("".join(f"P{n % 6},P{(n + 1) % 6},P{(n + 2) % 6}\n" for n in range(12)))
    with pytest.raises(InteractionsError, match="no column is known as the shopper"):
        ingest(workspace, interactions=tmp_path / "baskets.csv")


def test_tables_that_explain_codes_are_joined_to_the_products(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text("product_id,product_name,aisle_id\n1,Cookie,61\n2,Cake,62\n3,Tea,61\n")
    (tmp_path / "aisles.csv").write_text("aisle_id,aisle\n61,cookies\n62,cakes\n")
    both = [tmp_path / "products.csv", tmp_path / "aisles.csv"]
    ingest(workspace, items=both, interactions=events(tmp_path, "1", "2"))
    assert read_shop(workspace).items["aisle"].tolist() == ["cookies", "cakes", "cookies"]
    (tmp_path / "aisles.csv").write_text("shelf,words\n61,cookies\n62,cakes\n")
    with pytest.raises(CatalogueError, match=r"no column by which its rows belong to those of products\.csv"):
        ingest(workspace, items=both, interactions=events(tmp_path, "1", "2"))


def test_a_table_of_properties_is_turned_without_a_preset(workspace: Workspace, tmp_path: Path) -> None:
    text = "product_id,attribute,value\n" + "".join(
        f"p{n},title,Lamp {n}\np{n},price,2{n}.50\np{n},color,red\n" for n in range(4)
    )
    items = loaded(workspace, tmp_path, "attributes.csv", text, "p0", "p1")
    assert items["title"].tolist() == ["Lamp 0", "Lamp 1", "Lamp 2", "Lamp 3"]
    assert items["price"].tolist() == [20.5, 21.5, 22.5, 23.5]
    assert items["color"].tolist() == ["red"] * 4


def test_a_day_and_a_time_of_day_are_one_time(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,date,time\n" + "".join(f"u{n},p{n},2024-05-01,1{n}:30\n" for n in range(3)))
    report = ingest(workspace, interactions=path)
    assert stored(workspace)["timestamp"].tolist() == [1714559400, 1714563000, 1714566600]
    assert "'date' and 'time' were read as one time" in report.files[0].notes


def test_further_attributes_of_magento_become_attributes(workspace: Workspace, tmp_path: Path) -> None:
    text = "sku,attribute_set_code,product_type,name,price,additional_attributes\n" + "".join(
        f'm{n},Bag,simple,Bag {n},3{n}.0000,"color=Red,material=Nylon|Wool"\n' for n in range(4)
    )
    items = loaded(workspace, tmp_path, "catalog_product.csv", text, "m0")
    assert items["color"].tolist() == ["Red"] * 4
    assert [list(value) for value in items["material"]] == [["Nylon", "Wool"]] * 4


def test_events_called_name_are_known_by_their_words_and_names_of_products_are_not(
    workspace: Workspace, tmp_path: Path
) -> None:
    kinds = ["product_viewed", "product_added_to_cart", "checkout_completed"]
    path = tmp_path / "pixel.csv"
    path.write_text("clientId,name,productId\n" + "".join(f"c{n},{kinds[n % 3]},p{n % 2}\n" for n in range(6)))
    ingest(workspace, interactions=path)
    assert stored(workspace)["event"].tolist() == ["view", "cart", "purchase"] * 2
    path.write_text(
        "clientId,name,productId\n" + "".join(f"c{n},{'Cart cover' if n % 2 else 'Mug'},p{n % 2}\n" for n in range(6))
    )
    ingest(workspace, interactions=path)
    assert stored(workspace)["event"].isna().all()
    assert sorted(read_shop(workspace).items["title"]) == ["Cart cover", "Mug"]


@pytest.mark.parametrize(
    ("header", "states"),
    [("Stan", ["zrealizowane", "anulowane"]), ("Статус", ["доставлен", "отменён"]), ("状态", ["已完成", "已取消"])],
)
def test_states_of_orders_are_known_in_the_language_of_the_shop(
    header: str, states: list[str], workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"customer,sku,{header}\n" + "".join(f"c{n},p{n % 3},{states[n % 2]}\n" for n in range(6)), "utf-8")
    ingest(workspace, interactions=path)
    assert stored(workspace)["event"].tolist() == ["purchase", "void"] * 3


def test_a_column_whose_name_promises_what_its_values_do_not_hold_is_named_in_the_report(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "events.csv"
    path.write_text(
        "user_id,item_id,status,date\n" + "".join(f"u{n},p{n % 3},s{n % 4},day {'ab'[n % 2]}\n" for n in range(8))
    )
    (file,) = ingest(workspace, interactions=path).files
    assert file.unused == [
        "'date' looks like the time of the events and is not used: --map timestamp=date",
        "'status' looks like the state of the orders and is not used: --map status=status",
    ]


def test_titles_of_reviews_are_not_the_products(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text(
        "user_id,product_id,stars,title\n" + "".join(f"u{n},p{n % 3},{n % 5 + 1},Thought {n}\n" for n in range(12))
    )
    report = ingest(workspace, interactions=path)
    assert read_shop(workspace).items["title"].isna().all()
    assert any(note.startswith("'title' changes from event to event of one product") for note in report.files[0].notes)
    path.write_text(
        "user_id,product_id,stars,title\n" + "".join(f"u{n},p{n % 3},{n % 5 + 1},Mug {n % 3}\n" for n in range(12))
    )
    ingest(workspace, interactions=path)
    assert read_shop(workspace).items["title"].tolist() == ["Mug 0", "Mug 1", "Mug 2"]


def test_an_hour_is_not_preferred_to_a_whole_time(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "user_id,item_id,date,time\n" + "".join(f"u{n},p{n},2024-05-01T10:0{n}:00Z,{n + 9}\n" for n in range(3))
    )
    ingest(workspace, interactions=path)
    assert stored(workspace)["timestamp"].tolist() == [1714557600, 1714557660, 1714557720]
