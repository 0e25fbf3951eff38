"""What the demo shop says about its dresses."""

from __future__ import annotations

import numpy as np
import pytest

from engine.catalogue.snapshot import ITEM_COLUMNS
from engine.demo.copy import describe, title, vocabulary
from engine.demo.families import TRAITS, assign_families, sample_dress, style_families
from engine.demo.listing import ATTRIBUTE_KINDS, MISSING, list_dress


@pytest.fixture(scope="module")
def dresses():
    rng = np.random.default_rng(3)
    return [sample_dress(family, rng) for family in assign_families(1500, rng)]


@pytest.fixture(scope="module")
def rows(dresses):
    return [list_dress(dress, f"D{row}", np.random.default_rng([4, row])) for row, dress in enumerate(dresses)]


def test_every_value_a_dress_can_have_has_words():
    words = vocabulary()
    for trait in set(TRAITS) & set(words):
        values = {name for family in style_families() for name in family.traits[trait].names}
        assert values <= set(words[trait]), trait
    assert {mood for family in style_families() for mood in family.mood.names} <= set(words["mood"])


def test_a_row_has_the_catalogues_columns_and_no_family(rows):
    assert set(rows[0]) == (set(ITEM_COLUMNS) - {"image"}) | set(ATTRIBUTE_KINDS)


def test_attributes_are_missing_as_often_as_meant(rows):
    for name, share in MISSING.items():
        missing = np.mean([row[name] is None for row in rows])
        assert missing == pytest.approx(share, abs=0.05), name


def test_titles_are_short_sentences_about_a_dress(dresses):
    for row, dress in enumerate(dresses):
        text = title(dress, np.random.default_rng(row))
        assert "dress" in text
        assert text[0].isupper()
        assert text == " ".join(text.split())
        assert len(text) < 90


def test_one_dress_is_told_in_many_words(dresses):
    texts = {title(dresses[0], np.random.default_rng(seed)) for seed in range(60)}
    assert len(texts) > 25


def test_some_dresses_have_no_description_and_others_several_sentences(dresses):
    texts = [describe(dress, np.random.default_rng([1, row])) for row, dress in enumerate(dresses)]
    missing = sum(text is None for text in texts) / len(texts)
    assert 0.02 < missing < 0.1
    sentences = [text.count(".") for text in texts if text]
    assert min(sentences) == 1
    assert max(sentences) >= 4


def test_text_picture_and_attributes_each_know_something_the_others_do_not(dresses, rows):
    def named(row: dict, trait: str, value: str) -> bool:
        text = f"{row['title']} {row['description'] or ''}".lower()
        return any(word.lower() in text for word in vocabulary()[trait][value])

    facts = [(dress, row) for dress, row in zip(dresses, rows, strict=True) if dress.pattern != "plain"]
    only_in_picture = [row["pattern"] is None and not named(row, "pattern", dress.pattern) for dress, row in facts]
    only_in_text = [
        row["occasion"] is None and named(row, "occasion", dress.occasion)
        for dress, row in zip(dresses, rows, strict=True)
    ]
    brand_in_text = [dress.brand.lower() in f"{row['title']} {row['description']}".lower() for dress, row in facts]
    assert np.mean(only_in_picture) > 0.1
    assert np.mean(only_in_text) > 0.3
    assert not any(brand_in_text)
