from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from engine.catalogue.interactions import read_interactions
from engine.catalogue.snapshot import read_shop
from engine.core.errors import InputError
from engine.core.settings import InteractionSettings
from engine.core.workspace import Workspace
from engine.ingest.pipeline import available_presets, ingest
from engine.ingest.presets import load_preset


def test_the_presets_are_listed_with_words_for_people() -> None:
    presets = available_presets()
    assert {"shopify", "woocommerce", "ga4", "movielens", "uci_online_retail"} <= {preset.name for preset in presets}
    assert all(preset.title and preset.description.endswith(".") and preset.files.interactions for preset in presets)
    assert all(preset.export for preset in presets)


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="Did you mean 'movielens'"):
        load_preset("movielense")


def test_a_folder_without_the_files_says_which_are_missing(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the folder contains no ratings\.csv or .*, which MovieLens needs"):
        ingest(workspace, preset="movielens", from_dir=tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        ingest(workspace, preset="movielens", from_dir=tmp_path / "nowhere")


def test_several_candidates_are_not_guessed_between(workspace: Workspace, tmp_path: Path) -> None:
    for name in ("meta_A.jsonl", "meta_B.jsonl", "A.jsonl"):
        (tmp_path / name).write_text('{"a": 1}\n')
    with pytest.raises(InputError, match=r"several files could be the items \(meta_A\.jsonl, meta_B\.jsonl\)"):
        ingest(workspace, preset="amazon_reviews", from_dir=tmp_path)


def test_the_raw_online_retail_table_gives_the_cleaned_one(workspace: Workspace, shared_data: Path) -> None:
    folder = shared_data / "online_retail"
    report = ingest(workspace, interactions=folder / "raw.parquet", preset="uci_online_retail")
    assert report.problem_counts == {"missing_shopper": 133_358, "not_a_product": 1_554, "no_price": 33}
    assert {problem.value for problem in report.problems if problem.kind == "not_a_product"} >= {"POST"}
    shop = read_shop(workspace)
    assert (shop.interaction_word, shop.currency) == ("buyers", "£")
    cleaned = pd.read_parquet(folder / "items.parquet").sort_values("item_id", ignore_index=True)
    mine = shop.items[["item_id", "title", "price"]].sort_values("item_id", ignore_index=True)
    assert mine["item_id"].tolist() == cleaned["item_id"].tolist()
    assert mine["title"].tolist() == cleaned["title"].str.strip().tolist()
    assert mine["price"].tolist() == pytest.approx(cleaned["price"].tolist())
    found = read_interactions(workspace, shop.items["item_id"].tolist(), InteractionSettings())
    assert (found.user_items.shape, found.user_items.nnz) == ((4_334, 3_659), 266_221)
    pairs = pd.read_parquet(folder / "interactions.parquet", columns=["user_id", "item_id"]).drop_duplicates()
    expected = pairs["item_id"].value_counts()
    assert dict(zip(shop.items["item_id"], found.counts.tolist(), strict=True)) == expected.to_dict()
    first = found.first_timestamps
    assert first is not None
    assert pd.Timestamp(first.min(), unit="s") == pd.Timestamp("2010-12-01 08:26")


def test_movielens_is_loaded_from_its_folder(workspace: Workspace, shared_data: Path) -> None:
    report = ingest(workspace, preset="movielens", from_dir=shared_data / "movielens")
    shop = read_shop(workspace)
    assert (report.n_items, report.n_events, report.n_users, report.problem_counts) == (9_125, 100_004, 671, {})
    assert shop.attribute_kinds == {"genres": "multi", "year": "number"}
    toy_story = shop.items.set_index("item_id").loc["1"]
    assert toy_story["genres"] == ["Adventure", "Animation", "Children", "Comedy", "Fantasy"]
    assert toy_story["year"] == 1995
    assert (shop.interaction_word, shop.info["min_rating"]) == ("ratings", 3.0)
    ratings = pd.read_csv(shared_data / "movielens" / "ratings.csv")
    found = read_interactions(workspace, shop.items["item_id"].tolist(), InteractionSettings())
    assert found.user_items.nnz == int((ratings["rating"] >= 3).sum())


def test_hm_articles_get_their_names_prices_and_pictures(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "articles.csv").write_text(
        "article_id,product_code,prod_name,product_type_no,product_type_name,colour_group_code,colour_group_name,detail_desc\n"
        "0108775015,108775,Strap top,253,Vest top,09,Black,Jersey top with narrow shoulder straps.\n"
        "0110065001,110065,OP T-shirt,306,Bra,10,White,\n"
    )
    (tmp_path / "transactions_train.csv").write_text(
        "t_dat,customer_id,article_id,price,sales_channel_id\n2018-09-20,c1,0108775015,0.01,2\n"
        "2018-09-21,c2,108775015,0.03,1\n2018-09-21,c2,0110065001,0.05,1\n"
    )
    (tmp_path / "images" / "010").mkdir(parents=True)
    (tmp_path / "images" / "010" / "0108775015.jpg").write_bytes(b"broken")
    report = ingest(workspace, preset="hm", from_dir=tmp_path)
    shop = read_shop(workspace)
    assert shop.items["item_id"].tolist() == ["0108775015", "0110065001"]
    assert shop.items["title"].tolist() == ["Strap top", "OP T-shirt"]
    assert shop.items["category"].tolist() == ["Vest top", "Bra"]
    assert shop.items["price"].tolist() == [0.02, 0.05]
    assert shop.attribute_kinds == {"colour_group_name": "category"}
    assert report.problem_counts == {"unreadable_picture": 1, "missing_picture": 1}
    assert report.n_events == 3


def test_amazon_reviews_leave_behaviour_out_and_flatten_details(workspace: Workspace, tmp_path: Path) -> None:
    meta = [
        {
            "main_category": "All Beauty",
            "title": f"Soap {n}",
            "average_rating": 4.8,
            "rating_number": 10 * n,
            "features": ["Gentle", "Made of oil"],
            "description": ["First.", "Second."],
            "price": "12.50" if n else None,
            "images": [{"thumb": "https://a.example/1.jpg"}],
            "store": "Bo",
            "categories": ["Beauty", "Soaps" if n % 2 else "Oils"],
            "details": {"Color": "Red" if n % 2 else "Blue", "Best Sellers Rank": str(n)},
            "parent_asin": f"B00{n}",
            "bought_together": None,
        }
        for n in range(6)
    ]
    reviews = [
        {
            "rating": float(n % 5 + 1),
            "text": "x",
            "asin": "y",
            "parent_asin": f"B00{n % 6}",
            "user_id": f"u{n % 3}",
            "timestamp": 1_600_000_000_000 + n,
        }
        for n in range(12)
    ]
    for name, lines in (("meta_All_Beauty.jsonl", meta), ("All_Beauty.jsonl", reviews)):
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = ingest(workspace, preset="amazon_reviews", from_dir=tmp_path)
    shop = read_shop(workspace)
    assert report.problem_counts == {}
    first = shop.items.iloc[1]
    assert (first["item_id"], first["title"], first["description"]) == ("B001", "Soap 1", "First. Second.")
    assert (first["brand"], first["category"], first["price"]) == ("Bo", "Soaps", 12.5)
    assert first["categories"] == ["Beauty", "Soaps"]
    assert shop.attribute_kinds == {"features": "text", "categories": "multi", "Color": "category"}
    columns = report.files[0].columns
    assert columns["rating_number"].startswith("left out")
    assert columns["Best Sellers Rank"].startswith("left out: it counts")
    found = read_interactions(workspace, shop.items["item_id"].tolist(), InteractionSettings())
    assert found.user_items.nnz == len({(n % 3, n % 6) for n in range(12) if n % 5 + 1 >= 3})
    assert found.first_timestamps is not None
    assert found.first_timestamps.min() == 1_600_000_000


def test_a_preset_recognises_its_files_and_says_so(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Handle,Title,Vendor,Variant Price\nmug,Mug,Hill,3\n")
    (tmp_path / "b.csv").write_text(
        "event_name,user_pseudo_id,event_timestamp,item_id\nview_item,u,1714557600000000,mug\n"
    )
    report = ingest(workspace, items=tmp_path / "a.csv", interactions=tmp_path / "b.csv")
    assert [file.recognised.split(";")[0] for file in report.files] == [
        "recognised as Shopify",
        "recognised as Google Analytics 4 (BigQuery)",
    ]
    assert read_shop(workspace).info["preset"] == "shopify+ga4"


def test_without_a_preset_columns_go_by_their_names(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Handle,Title,Vendor,Variant Price\nmug,Mug,Hill,3\n")
    (tmp_path / "b.csv").write_text("user_id,item_id\nu,mug\n")
    report = ingest(workspace, items=tmp_path / "a.csv", interactions=tmp_path / "b.csv", preset="none")
    assert [file.recognised for file in report.files] == ["", ""]
    assert read_shop(workspace).items["price"].tolist() == [3.0]


def test_every_column_that_is_not_used_is_named_and_what_looks_like_a_time_comes_first(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "events.csv"
    path.write_text("user_id,item_id,colour,happened\nu,a,red,2024-05-01 10:00:00\nv,a,red,2024-05-02 10:00:00\n")
    (file,) = ingest(workspace, interactions=path).files
    assert file.unused_columns == ["colour", "happened"]
    assert file.unused == ["'happened' looks like the time of the events and is not used: --map timestamp=happened"]


def test_the_published_parts_of_a_table_are_found_in_a_folder(workspace: Workspace, tmp_path: Path) -> None:
    for part in (1, 2):
        (tmp_path / f"item_properties_part{part}.csv").write_text(
            f"timestamp,itemid,property,value\n1000,{part},categoryid,{part}0\n"
        )
    (tmp_path / "events.csv").write_text("timestamp,visitorid,event,itemid,transactionid\n1433221332117,4,view,1,\n")
    report = ingest(workspace, preset="retailrocket", from_dir=tmp_path)
    assert report.n_items == 2
