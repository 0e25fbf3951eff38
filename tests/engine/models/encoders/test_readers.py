from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from engine.catalogue.snapshot import Shop
from engine.core.settings import ImageSettings, Settings, TextSettings
from engine.models.encoders import image_choice
from engine.models.encoders.languages import SAMPLE, languages_of
from engine.models.encoders.readers import say_readers
from engine.models.encoders.text import readable_texts, telling_texts

GERMAN = ["Warmer Wintermantel", "Laufschuhe für Herren", "Stehlampe mit Stoffschirm", "Bettwäsche aus Leinen"]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(image_choice, "_is_cached", lambda repository: False)
    monkeypatch.setattr(image_choice, "_answers", lambda repository: pytest.fail("a hub was asked"))
    items = pd.DataFrame({"title": GERMAN, "image": ["a" * 64] * 4})
    return Shop("s1", "Laden", "order", "EUR", False, items, {}, {})


def test_what_reads_texts_and_pictures_is_said_before_anything_is_trained(shop):
    assert say_readers(shop, Settings()) == [
        "Most texts are German, so multilingual E5 reads them.",
        "Pictures are read by classifiers of the shop's own attributes; no open_clip model is on this machine.",
    ]


def test_what_is_set_is_said(shop):
    settings = Settings(text=TextSettings(model="none"), image=ImageSettings(kind="open_clip", clip_model="ViT-L-14"))
    assert say_readers(shop, settings) == [
        "Text is not used: text.model is 'none'.",
        "Pictures are read by open_clip's ViT-L-14, as image.kind asks.",
    ]


def test_saying_it_asks_no_hub_even_where_a_training_may(shop):
    said = say_readers(shop, Settings(image=ImageSettings(download=True)))
    assert said[-1] == "A training will try to download one."


def test_nothing_is_said_of_what_no_product_has(shop):
    bare = dataclasses.replace(shop, items=pd.DataFrame({"title": [None], "image": [None]}))
    assert say_readers(bare, Settings()) == []


def test_of_a_large_shop_the_texts_that_tell_its_languages_are_read_alone():
    titles = [*GERMAN, "Red winter coat for men", "1234", None, "  ", "Running shoes"] * 1000
    items = pd.DataFrame(
        {"title": titles, "description": [None, "", "12", "Ein warmer Mantel."] * 2250, "notes": [7, "x", None] * 3000}
    )
    told = telling_texts(items, ["notes"])
    assert len(told) == SAMPLE
    assert languages_of(told) == languages_of(readable_texts(items, ["notes"]))
    few = items.iloc[:9]
    assert languages_of(telling_texts(few, [])) == languages_of(readable_texts(few, []))


def test_texts_without_letters_are_texts():
    assert telling_texts(pd.DataFrame({"title": ["12", None]}), []) == ["12"]
    assert telling_texts(pd.DataFrame({"price": [1.0]}), []) == []
