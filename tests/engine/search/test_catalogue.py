from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.catalogue.product import Product
from engine.search import catalogue as catalogue_module
from engine.search.catalogue import Base, SearchCatalogue, searchable

KINDS = {"colour": "category", "occasions": "multi", "care": "text", "length_cm": "number"}
PRODUCTS = {
    "a-1": {"title": "Red dress", "colour": "red", "category": "Dresses", "brand": "Quai Nord"},
    "a-2": {"title": "Evening gown", "colour": "red", "category": "Dresses", "occasions": ["party", "wedding"]},
    "a-3": {"title": "Flared skirt", "description": "Goes with a red belt.", "length_cm": 72.0},
    "a-4": {"title": "Tailored flared trousers", "brand": "Élan", "care": "Wash cold"},
    "b-1": {"title": "Floral maxi dress", "colour": "redwood"},
    "b-2": {"title": "Rotes Sommerkleid", "brand": "Straße"},
    "b-3": {"title": "红色连衣裙"},
    "b-4": {"title": None},
    "DE/4711_XL": {"title": "Platform boots", "colour": "black"},
}


@pytest.fixture(scope="module")
def catalogue() -> SearchCatalogue:
    return SearchCatalogue(table(PRODUCTS), KINDS)


def table(products: dict[str, dict[str, object]]) -> pd.DataFrame:
    columns = ["title", "description", "brand", "category", "colour", "care", "price", "length_cm", "occasions"]
    frame = pd.DataFrame([{name: one.get(name) for name in columns} for one in products.values()])
    for name in columns[:6]:
        frame[name] = frame[name].astype("str")
    frame["image"] = pd.array([None] * len(frame), dtype="str")
    frame["price"], frame["length_cm"] = 10.0, frame["length_cm"].astype(float)
    return frame.assign(item_id=pd.array(list(products), dtype="str"), interaction_count=0)


def found(catalogue: SearchCatalogue, text: str) -> list[str]:
    return [catalogue.item_ids[row] for row in catalogue.best(text, 100)]


def test_a_word_is_found_whole_or_by_its_beginning_and_never_inside_another(catalogue):
    assert found(catalogue, "red") == ["a-1", "a-2", "b-1", "a-3"]  # title and colour, colour, a beginning, description


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quai nord", ["a-1"]),
        ("party", ["a-2"]),
        ("wash", ["a-4"]),
        ("72", ["a-3"]),
        ("elan", ["a-4"]),
        ("ÉLAN trousers", ["a-4"]),
        ("strasse", ["b-2"]),
        ("kleid", ["b-2"]),
        ("连衣裙", ["b-3"]),
        ("ｆｌｏｒａｌ　ｍａｘｉ", ["b-1"]),
    ],
)
def test_every_field_is_searched_in_any_script(catalogue, text, expected):
    assert found(catalogue, text) == expected


@pytest.mark.parametrize("text", ["florl", "flroal", "floarl maxi", "florral drss"])
def test_a_letter_that_is_wrong_does_no_harm_and_the_correction_is_said(catalogue, text):
    assert found(catalogue, text)[0] == "b-1"
    assert catalogue.match(text).corrected[text.split()[0]] == "floral"


def test_numbers_are_not_corrected_and_short_words_only_by_a_letter_that_is_missing(catalogue):
    assert found(catalogue, "73") == []
    assert found(catalogue, "mxi") == ["b-1"]
    assert found(catalogue, "rad") == []


def test_plurals_find_the_singular(catalogue):
    assert "a-3" in found(catalogue, "skirts")
    assert found(catalogue, "gowns") == ["a-2"]


def test_all_words_count_and_where_no_product_has_them_all_those_with_most_are_found(catalogue):
    assert found(catalogue, "red gown") == ["a-2"]
    assert not catalogue.match("red gown").partly
    matched = catalogue.match("red evening gown trousers")
    assert matched.partly
    assert found(catalogue, "red evening gown trousers") == ["a-2"]


def test_a_word_that_nothing_has_is_named_and_the_rest_is_found(catalogue):
    matched = catalogue.match("adidas red dress")
    assert matched.unknown == ("adidas",)
    assert found(catalogue, "adidas red dress")[0] == "a-1"


@pytest.mark.parametrize("text", ["", "   ", "zzxq", "qwer zxcv", "zzxq vbnm tre dress", "!!!", "\ud800", "\x00", "🙂"])
def test_nonsense_finds_nothing(catalogue, text):
    assert found(catalogue, text) == []


def test_the_very_id_comes_first_and_alone_and_its_beginning_finds_its_relatives(catalogue):
    assert found(catalogue, "de/4711_xl") == ["DE/4711_XL"]
    assert found(catalogue, " A-1 ") == ["a-1"]
    assert sorted(found(catalogue, "b-")[:4]) == ["b-1", "b-2", "b-3", "b-4"]
    assert found(catalogue, "4711") == ["DE/4711_XL"]


def test_of_two_that_say_the_same_the_busier_one_comes_first():
    twice = table({"x": {"title": "Red dress"}, "y": {"title": "Red dress"}}).assign(interaction_count=[1, 50])
    assert found(SearchCatalogue(twice, KINDS), "red dress") == ["y", "x"]


def test_approved_drafts_are_found_behind_the_release(workspace):
    drafts = {
        "draft-1": Product(title="Red clogs", attributes={"occasions": ["beach"], "colour": "red", "unheard": "of"}),
        "draft-2": Product(image="0" * 64),  # nothing of it can be read
    }
    both = searchable(table(PRODUCTS), KINDS, drafts, workspace)
    assert len(both) == len(PRODUCTS) + 1
    assert found(both, "clogs") == ["draft-1"]
    assert found(both, "beach") == ["draft-1"]
    assert both.item_ids[: len(PRODUCTS)] == list(PRODUCTS)


def test_an_empty_text_or_catalogue_breaks_nothing(workspace):
    alone = SearchCatalogue(table({"b-4": {}}), KINDS)
    assert found(alone, "red") == []
    assert found(alone, "b-4") == ["b-4"]
    assert not alone.choices
    assert not alone.numbers


def test_facets_know_every_value_and_count_it_among_what_was_found(catalogue):
    assert set(catalogue.choices) == {"category", "brand", "colour", "occasions"}
    colour = catalogue.choices["colour"]
    assert colour.values[0] == "red"
    everything = np.ones(len(catalogue), dtype=bool)
    assert dict(zip(colour.values, colour.counts(everything), strict=True)) == {"red": 2, "redwood": 1, "black": 1}
    dresses = catalogue.choices["category"].having(["Dresses"])
    assert np.flatnonzero(dresses).tolist() == [0, 1]
    occasions = catalogue.choices["occasions"]
    assert occasions.counts(dresses).tolist() == [1, 1]
    assert not occasions.having(["never heard"]).any()


def test_ranges_hold_products_that_have_the_number_alone():
    three = table({"x": {"length_cm": 50.0}, "y": {"length_cm": 90.0}, "z": {}})
    length = SearchCatalogue(three, KINDS).numbers["length_cm"]
    assert length.between(None, 60).tolist() == [True, False, False]
    assert length.between(None, None).tolist() == [True, True, False]
    assert length.bounds(np.array([False, True, True])) == (90.0, 90.0)
    assert length.bounds(np.array([False, False, True])) is None


def test_a_catalogue_in_which_products_changed_and_were_added_is_searched_as_if_it_were_read_anew():
    new = {"c-1": {"title": "Straw hat", "brand": "Quai Nord"}, "c-2": {"title": "Yellow raincoat"}}
    now = {**PRODUCTS, "a-2": {"title": "Velvet blazer", "colour": "blue"}, **new}
    base = Base("a test of its own", table(PRODUCTS), np.array([1]))
    patched, anew = SearchCatalogue(table(now), KINDS, base), SearchCatalogue(table(now), KINDS)
    for text in (
        "red",
        "gown",
        "velvet",
        "velvte",
        "quai nord",
        "raincoat",
        "yelow coat",
        "dress",
        "c-1",
        "a-",
        "party",
    ):
        assert sorted(found(patched, text)) == sorted(found(anew, text)), text
        there, here = anew.match(text), patched.match(text)
        assert (here.unknown, here.corrected, here.partly, here.by_id) == (
            there.unknown, there.corrected, there.partly, there.by_id,
        ), text  # fmt: skip
    assert found(patched, "red")[0] == "a-1"


def test_what_two_catalogues_share_is_read_once(monkeypatch):
    base = Base("another test of its own", table(PRODUCTS), np.empty(0, dtype=np.int64))
    first = SearchCatalogue(table(PRODUCTS), KINDS, base)
    assert found(first, "red") == ["a-1", "a-2", "b-1", "a-3"]
    monkeypatch.setattr(catalogue_module, "word_arrays", lambda *_: pytest.fail("it was read again"))
    assert found(SearchCatalogue(table(PRODUCTS), KINDS, base), "red") == ["a-1", "a-2", "b-1", "a-3"]
