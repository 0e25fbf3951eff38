from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

import pytest

from engine.ingest.pictures.matching import Matching, match_pictures

SHOES = [f"shoes/S{i}/main.jpg" for i in range(8)]
IDS = [f"S{i}" for i in range(8)]


def match(
    paths: Sequence[str], items: Mapping[str, str | None], aliases: Mapping[str, list[str]] | None = None
) -> Matching:
    return match_pictures(paths, list(items), list(items.values()), aliases)


@pytest.mark.parametrize(
    "form",
    [
        "catalog/shoes/{}/main.jpg",
        "shoes/{}/main.png",
        "shoes/{}/main",
        "shoes\\{}\\main.jpg",
        "./shoes/{}/MAIN.JPG",
        "https://img.example.com/cat/shoes/{}/main.jpg?width=800",
        "//img.example.com/shoes/{}/main.jpg#top",
        "https://img.example.com/shoes%2F{}%2Fmain.jpg",
        "https://shop.example.com/_next/image?url=%2Fshoes%2F{}%2Fmain.jpg&w=640",
        "https://img.example.com/shoes/{}/main_600x.jpg",
        "https://img.example.com/shoes/{}/main-1024x768.jpg",
        "gone/{}.jpg, shoes/{}/main.jpg, shoes/S0/main.jpg",
        "gone/{}.jpg;shoes/{}/main.jpg",
        "gone/{}.jpg|shoes/{}/main.jpg",
        "https://a.example.com/gone/{}.jpg https://a.example.com/shoes/{}/main.jpg",
        "https://a.example.com/gone/{}.jpg,https://a.example.com/shoes/{}/main.jpg",
        '["gone/{}.jpg", "shoes/{}/main.jpg"]',
        "['gone/{}.jpg', 'shoes/{}/main.jpg']",
        '<img src="https://img.example.com/shoes/{}/main.jpg?w=1&amp;h=2" alt="A shoe">',
        '[{{"position": 1, "src": "https://a.example.com/shoes/{}/main.jpg"}}]',
    ],
)
def test_the_longest_matching_path_wins_however_it_is_written(form: str) -> None:
    # Ids that are not in the paths, so that nothing but the names can tell.
    items = {f"x{place}": form.format(*[name] * form.count("{}")) for place, name in enumerate(IDS)}
    matching = match(SHOES, items)
    assert matching.paths == SHOES
    assert not matching.refused


def test_of_several_names_the_first_that_exists_leads() -> None:
    paths = ["a.jpg", "b.jpg", "c.jpg"]
    assert match(paths, {"1x": "b.jpg, a.jpg", "2x": "gone.jpg | c.jpg, a.jpg"}).paths == ["b.jpg", "c.jpg"]


def test_a_comma_or_a_blank_may_be_part_of_a_name() -> None:
    paths = ["red, large.jpg", "blue hat (1).jpg", "large.jpg", "hat.jpg"]
    items = {"x": "red, large.jpg", "y": "pictures/blue hat (1).jpg"}
    assert match(paths, items).paths == ["red, large.jpg", "blue hat (1).jpg"]


def test_the_words_of_a_title_are_no_names_of_pictures() -> None:
    assert match(["hat.jpg"], {"x": "a blue hat"}).paths == [None]


def test_names_are_one_in_both_forms_of_unicode() -> None:
    name = "Caf\u00e9.jpg"
    assert match([unicodedata.normalize("NFD", name)], {"x": name}).paths == [unicodedata.normalize("NFD", name)]
    assert match([name], {"x": "Caf%C3%A9.jpg"}).paths == [name]


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("hat-1024x768.jpg", "hat.jpg"),
        ("hat-scaled.jpg", "hat.jpg"),
        ("hat.jpg", "hat-scaled.jpg"),
        ("hat.jpg", "hat@2x.jpg"),
        ("hat.webp", "https://cdn.shopify.com/s/files/1/1/products/hat_grande.jpg?v=1"),
        ("hat.jpg", "https://cdn.shopify.com/s/files/1/1/products/hat_600x600_crop_center.jpg?v=1"),
        ("1/0/104.jpg", "104"),
        ("1/0/104.jpg", "https://shop.example.com/img/p/1/0/4/104.jpg"),
        ("hat.jpg?v=1", "hat.jpg"),
    ],
)
def test_endings_and_sizes_that_systems_add_do_not_matter(path: str, given: str) -> None:
    assert match([path], {"x": given}).paths == [path]


def test_the_whole_picture_comes_before_its_sizes_and_the_largest_of_these_leads() -> None:
    sizes = ["hat-150x150.jpg", "hat-1024x768.jpg", "hat-300x300.jpg"]
    assert match([*sizes, "hat.jpg"], {"x": "hat.jpg"}).paths == ["hat.jpg"]
    assert match(sizes, {"x": "hat.jpg"}).paths == ["hat-1024x768.jpg"]


def test_measures_of_a_product_are_not_taken_for_sizes_of_a_picture() -> None:
    assert match(["rug-120x80.jpg"], {"x": "rug-140x80.jpg"}).paths == [None]


def test_a_name_that_stands_in_several_folders_is_refused_with_what_it_fits() -> None:
    matching = match([f"f{i}/main.jpg" for i in range(8)], {f"x{i}": "main.jpg" for i in range(8)})
    assert matching.paths == [None] * 8
    assert (matching.refused[3].fits[:2], matching.refused[3].count) == (("f0/main.jpg", "f1/main.jpg"), 8)
    assert not matching.refused[3].products


def test_a_folder_called_after_the_product_tells_equal_names_apart() -> None:
    assert match(SHOES, dict.fromkeys(IDS, "main.jpg")).paths == SHOES
    many = [f"shoes/{i}/main.jpg" for i in range(40)]
    assert match(many, {str(i): "main.jpg" for i in range(40)}).paths == many


def test_a_picture_that_fits_several_products_by_their_paths_is_refused_with_the_products() -> None:
    matching = match(["hat.jpg"], {"x": "red/hat.jpg", "y": "blue/hat.jpg"})
    assert matching.paths == [None, None]
    assert (matching.refused[0].fits, matching.refused[0].products) == (("x", "y"), True)


def test_common_names_in_other_folders_are_not_taken_for_those_without() -> None:
    paths = ["1.jpg", "2.jpg"]
    assert match(paths, {"x": "red/1.jpg", "y": "blue/2.jpg"}).paths == [None, None]
    assert match(paths, {"x": "images/1.jpg", "y": "images/2.jpg"}).paths == paths
    assert match(["12.jpg", "7.jpg"], {"x": "p/1/2/12.jpg", "y": "p/7/7.jpg"}).paths == ["12.jpg", "7.jpg"]


def test_a_product_whose_picture_is_not_there_gets_one_by_id_only_where_names_follow_ids() -> None:
    paths = ["hat.jpg", "cap.jpg", "3.jpg"]
    assert match(paths, {"1": "hat.jpg", "2": "cap.jpg", "3": "gone.jpg"}).paths == ["hat.jpg", "cap.jpg", None]
    assert match(paths, {"1": "hat.jpg", "2": "cap.jpg", "3": None}).paths == paths
    assert match(SHOES, {name: f"{name}/{'gone' if name == 'S3' else 'main'}.jpg" for name in IDS}).paths == SHOES


def test_whoever_names_the_whole_path_keeps_it() -> None:
    matching = match(["red/hat.jpg"], {"x": "catalog/red/hat.jpg", "y": "catalog/blue/hat.jpg"})
    assert matching.paths == ["red/hat.jpg", None]


@pytest.mark.parametrize("copies", ["thumbs", "cache/0f1e2d", "150x150 thumbnails"])
def test_smaller_copies_of_a_picture_are_passed_over(copies: str) -> None:
    paths = ["product/a/b/hat.jpg", f"product/{copies}/a/b/hat.jpg", "icons/x.jpg"]
    assert match(paths, {"x": "/a/b/hat.jpg"}).paths == ["product/a/b/hat.jpg"]


def test_the_only_picture_of_a_common_name_is_not_that_of_all() -> None:
    names = dict.fromkeys(("x", "y", "z"), "main.jpg")
    matching = match(["red/main.jpg", "blue/1.jpg"], names)
    assert matching.paths == [None] * 3
    assert matching.refused[0].fits == ("x", "y", "z")
    assert match(["main.jpg", "blue/1.jpg"], names).paths == ["main.jpg"] * 3


def test_products_that_name_the_same_picture_share_it() -> None:
    assert match(["hat.jpg"], {"x": "red/hat.jpg", "y": "red/hat.jpg", "z": "hat.jpg"}).paths == ["hat.jpg"] * 3


@pytest.mark.parametrize("given", ["S9/main.jpg", "main.jpg", "shoes/S9/1.jpg"])
def test_the_only_picture_of_a_common_name_is_not_given_to_another_product(given: str) -> None:
    paths = ["shoes/S0/main.jpg", "shoes/S0/1.jpg"]
    assert match(paths, {"S0": None, "S9": given}).paths[1] is None


def test_a_picture_of_many_products_is_called_a_placeholder() -> None:
    items = {f"x{i}": "none.jpg" for i in range(5)} | {f"y{i}": f"y{i}.jpg" for i in range(5)}
    matching = match(["none.jpg", *(f"y{i}.jpg" for i in range(5))], items)
    assert matching.paths[:5] == ["none.jpg"] * 5
    assert "none.jpg is the picture of 5 of 10 products" in matching.notes[0]


@pytest.mark.parametrize(
    ("item_id", "path"),
    [
        ("100", "100.JPG"),
        ("105", "105.jpg.jpg"),
        ("102", "102-front.jpeg"),
        ("106", "106 (1).jpg"),
        ("107", "0107.jpg"),
        ("0107", "107.jpg"),
        ("Caf\u00e9-8", "Cafe\u0301-8.jpg"),
        ("SKU 9", "SKU_9.jpg"),
        ("A/10", "A-10.jpg"),
        ("A/10", "A/10.jpg"),
        ("A/10", "A%2F10.jpg"),
        ("A:11", "A_11.jpg"),
        ("112", "112.jfif"),
        ("113", "113"),
        ("114", "114.v2.jpg"),
        ("115", "115/front.jpg"),
        ("115", "all/115/large/1.jpg"),
        ("104", "1/0/104.jpg"),
        ("0108775015", "010/0108775015.jpg"),
        ("B00042", "B00042.PT01.jpg"),
        ("B00042", "B00042-a-red-hat.jpg"),
        ("12", "product_12.jpg"),
        ("willow-mug", "willow-mug-back.jpg"),
        ("willow-mug", "willow-mug_1024x1024.jpg"),
    ],
)
def test_a_picture_is_called_after_its_product_in_many_ways(item_id: str, path: str) -> None:
    # Beside another product's, so that the folders are not shared by all.
    assert match([path, "zz9.jpg"], {item_id: None, "zz9": None}).paths == [path, "zz9.jpg"]


@pytest.mark.parametrize(
    ("paths", "leads"),
    [
        (["101_1.jpg", "101_2.jpg", "101_10.jpg"], "101_1.jpg"),
        (["101_2.jpg", "101_10.jpg"], "101_2.jpg"),
        (["101.jpg", "101_1.jpg", "101-front.jpg"], "101.jpg"),
        (["101-back.jpg", "101-main.jpg", "101_1.jpg"], "101-main.jpg"),
        (["101-back.jpg", "101_3.jpg"], "101_3.jpg"),
        (["101/back.jpg", "101/front.jpg"], "101/front.jpg"),
        (["101/IMG_10.jpg", "101/IMG_9.jpg"], "101/IMG_9.jpg"),
        (["101-150x150.jpg", "101-800x800.jpg"], "101-800x800.jpg"),
        (["large/101.jpg", "thumbs/101.jpg"], "large/101.jpg"),
        (["old/101.jpg", "101.jpg"], "101.jpg"),
        (["medium/101.jpg", "large/101.jpg", "small/101.jpg"], "large/101.jpg"),
        (["101/1.jpg", "101_1.jpg"], "101_1.jpg"),
    ],
)
def test_of_several_pictures_the_front_or_the_first_number_leads(paths: list[str], leads: str) -> None:
    assert match([*paths, "x.jpg"], {"101": None}).paths == [leads]


def test_an_id_is_not_taken_for_the_beginning_of_another() -> None:
    paths = ["A-10.jpg", "10.jpg", "1/0/104.jpg", "1/0/999.jpg"]
    assert match(paths, {"A": None, "A-10": None, "1": None, "104": None}).paths == [
        None,
        "A-10.jpg",
        None,
        "1/0/104.jpg",
    ]
    assert match(["A-10.jpg"], {"A": None}).paths == ["A-10.jpg"]


@pytest.mark.parametrize(
    "path", ["red-dress.jpg", "2024/01/x.jpg", "2024-summer.jpg", "IMG_2024.jpg", "01/hat.jpg", "red2.jpg"]
)
def test_what_may_mean_something_else_is_not_taken_for_an_id(path: str) -> None:
    assert match([path, "other.jpg"], {"red": None, "2024": None, "1": None}).paths == [None] * 3


def test_numbers_in_folders_of_products_that_are_not_there_are_no_ids() -> None:
    assert match(["1/2/127.jpg", "1/3/137.jpg", "21/2.jpg"], {"2": None, "1": None, "0002": None}).paths[2] is None
    assert match(["103/1.jpg", "104/12.jpg"], {"1": None, "12": None}).paths == [None, None]
    assert match(["1/2/127.jpg", "1/3/13.jpg"], {"2": None, "3": None}).paths == [None, None]


def test_capitals_tell_ids_apart_where_ids_differ_by_nothing_else() -> None:
    assert match(["ab.jpg", "AB.jpg"], {"AB": None, "ab": None}).paths == ["AB.jpg", "ab.jpg"]
    refused = match(["aB.jpg"], {"AB": None, "ab": None}).refused
    assert refused[0].fits == ("AB", "ab")


def test_a_name_that_two_ids_may_have_become_is_refused() -> None:
    matching = match(["A_10.jpg"], {"A/10": None, "A:10": None})
    assert matching.paths == [None, None]
    assert (matching.refused[1].fits, matching.refused[1].products) == (("A/10", "A:10"), True)


def test_a_number_in_a_folder_that_is_also_an_id_goes_to_neither_alone() -> None:
    matching = match(["103/12.jpg"], {"103": None, "12": None})
    assert matching.paths == [None, None]
    assert set(matching.refused[0].fits) == {"103", "12"}
    assert match(["103/12.jpg", "12.jpg"], {"103": None, "12": None}).paths == ["103/12.jpg", "12.jpg"]


def test_the_same_file_in_two_folders_is_refused_for_the_product_it_is_called_after() -> None:
    matching = match(["north/100.jpg", "south/100.jpg"], {"100": None})
    assert matching.refused[0].fits == ("north/100.jpg", "south/100.jpg")


def test_other_names_of_a_product_find_its_picture_after_its_id() -> None:
    aliases = {"1001": ["woo-01", "hat"], "1002": ["woo-02", "1001"], "gone": ["x"]}
    assert match(["woo-01.jpg", "woo-02_1.jpg"], {"1001": None, "1002": None}, aliases).paths == [
        "woo-01.jpg",
        "woo-02_1.jpg",
    ]
    assert match(["1001.jpg"], {"1001": None, "1002": None}, aliases).paths == ["1001.jpg", None]


def test_pictures_that_are_numbered_in_their_own_way_are_found_by_name_alone() -> None:
    items = {str(product): f"{product + 1}.jpg" for product in range(100, 110)} | {"110": "gone.jpg"}
    matching = match([f"{picture}.jpg" for picture in range(101, 112)], items)
    assert matching.paths == [f"{picture}.jpg" for picture in range(101, 111)] + [None]
    assert "called after ids of other products" in matching.notes[0]


def test_a_picture_that_one_product_names_is_not_given_to_another_by_its_id() -> None:
    assert match(["5.jpg", "a.jpg"], {"5": "gone.jpg", "6": "5.jpg", "7": "a.jpg"}).paths == [None, "5.jpg", "a.jpg"]


def test_a_folder_around_all_pictures_says_nothing() -> None:
    paths = ["Produktbilder/100.jpg", "Produktbilder/old/100.jpg"]
    assert match(paths, {"100": None}).paths == ["Produktbilder/100.jpg"]
