from __future__ import annotations

import pytest

from engine.models.encoders.languages import in_english, languages_of, say_languages

GERMAN = ["Warmer Wintermantel", "Laufschuhe für Herren", "Stehlampe mit Stoffschirm", "Bettwäsche aus Leinen"]
ENGLISH = ["Warm winter coat", "Running shoes for men", "Floor lamp with fabric shade", "Bed linen in white"]
FRENCH = [
    "Manteau d'hiver chaud",
    "Chaussures de course pour homme",
    "Lampadaire en laiton",
    "Parure de lit en lin lavé",
]


@pytest.mark.parametrize(("texts", "language"), [(GERMAN, "de"), (ENGLISH, "en"), (FRENCH, "fr")])
def test_texts_of_one_language_are_told(texts, language):
    assert languages_of(texts) == {language: 1.0}
    assert in_english({language: 1.0}) == (language == "en")


def test_languages_have_the_shares_of_their_texts():
    shares = languages_of([*GERMAN * 3, *FRENCH])
    assert shares == {"de": 0.75, "fr": 0.25}
    assert say_languages(shares) == "Most texts are German"


def test_a_third_in_another_language_is_no_english_shop():
    assert not in_english(languages_of([*ENGLISH * 3, *GERMAN * 2]))
    assert in_english(languages_of([*ENGLISH * 4, *GERMAN]))


@pytest.mark.parametrize(
    "texts", [[], ["", "  "], ["4711", "08-15"], ["Nike Air Max 90", "GoPro HERO 11", "Canon EOS R6"]]
)
def test_names_and_numbers_are_in_no_language_and_read_as_english(texts):
    assert languages_of(texts) == {}
    assert in_english({})


def test_a_large_catalogue_is_told_by_some_of_it():
    assert languages_of(GERMAN * 25_000) == {"de": 1.0}
