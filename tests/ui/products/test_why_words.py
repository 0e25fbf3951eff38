"""Sentences follow from facts: what decided the place comes first, in the shop's own words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.explain.facts import Facts
from ui.products.why_words import because_sentence, how_much, ordinal, part_words, why_sentence

BOTH = Facts("b", (120, 80), shared=14, by_chance=2.0, parts={"own": 0.7, "carried": 0.3})
QUIET = Facts("b", (2, 1), equal=("attribute:neckline", "attribute:print"), alike={"text": 0.97}, parts={"text": 1.0})


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("clicks", "14 shoppers clicked both"),
        ("purchases", "14 shoppers bought both"),
        ("buyers", "14 buyers bought both"),
        ("ratings", "14 shoppers rated both"),
        ("listeners", "14 listeners listened to both"),
        ("Downloads", "14 people downloaded both"),
        ("gizmos", "14 shoppers chose both"),
    ],
)
def test_people_did_what_the_shop_counts(word, sentence):
    assert why_sentence(BOTH, "hybrid", word) == sentence
    assert why_sentence(BOTH, "als", word) == sentence


def test_one_shopper_is_one():
    assert why_sentence(replace(BOTH, shared=1, by_chance=0.1), "als", "clicks") == "1 shopper clicked both"
    assert part_words(replace(BOTH, carried=1), "carried", "bookings") == "1 person of similar products booked this too"


def test_where_behaviour_decides_it_comes_first_and_where_content_does_that_does():
    common = replace(BOTH, equal=("brand",))
    assert why_sentence(common, "hybrid", "clicks") == "14 shoppers clicked both; same brand"
    other = replace(common, parts={"carried": 0.7, "own": 0.3})
    assert why_sentence(other, "hybrid", "clicks") == "Same brand; 14 shoppers clicked both"


def test_no_more_together_than_by_chance_is_no_reason():
    chance = replace(BOTH, shared=2, by_chance=3.0, carried=12, parts={"carried": 1.0})
    assert why_sentence(chance, "hybrid", "clicks") == "12 shoppers of similar products clicked this too"


def test_what_is_no_reason_is_not_made_one():
    chance = replace(BOTH, shared=2, by_chance=3.0, parts={"carried": 1.0}, equal=("brand",))
    assert why_sentence(chance, "hybrid", "clicks") == "Same brand; 2 shoppers clicked both, no more than by chance"
    none = replace(chance, shared=0, equal=())
    said = "Products like these appeal to the same shoppers; no shopper clicked both"
    assert why_sentence(none, "hybrid", "clicks") == said
    assert why_sentence(replace(none, counts=(0, 80), equal=("brand",)), "hybrid", "clicks") == "Same brand"


def test_without_behaviour_it_says_so():
    assert (
        why_sentence(QUIET, "hybrid", "clicks")
        == "Same neckline and print; similar text; hardly anybody clicked either yet"
    )
    nobody = replace(QUIET, counts=(0, 0))
    assert why_sentence(nobody, "hybrid", "clicks").endswith("; nobody clicked either yet")
    assert why_sentence(replace(QUIET, counts=(90, 0)), "hybrid", "clicks").endswith("; nobody clicked this one yet")


def test_behaviour_alone_owns_up_to_few_and_to_no_shopper_in_common():
    assert (
        why_sentence(replace(BOTH, counts=(120, 3), shared=1), "als", "clicks")
        == "1 shopper clicked both; too few clicks to rely on"
    )
    nobody = replace(BOTH, shared=0)
    assert (
        why_sentence(nobody, "als", "clicks") == "No shopper clicked both: placed by what else their shoppers clicked"
    )


def test_text_and_picture_says_nothing_of_shoppers():
    facts = replace(BOTH, alike={"image": 0.999, "text": 0.97}, equal=("category",))
    assert why_sentence(facts, "content", "clicks") == "Same category; very similar picture; similar text"
    assert why_sentence(BOTH, "content", "clicks") == "Little in common, but few products are closer"


def test_the_very_same_picture_is_called_that():
    facts = replace(QUIET, same=frozenset({"image", "text"}), equal=())
    assert why_sentence(facts, "content", "clicks") == "The same picture and text"


def test_what_a_product_lacks_is_said_to_be_guessed():
    facts = replace(QUIET, missing=frozenset({"image"}))
    assert part_words(facts, "image", "clicks") == "One of the two has no picture; it is guessed from the rest"


def test_names_of_attributes_are_shown_without_what_is_invisible():
    facts = replace(QUIET, equal=("attribute:neck_line\u202e",), alike={})
    assert why_sentence(facts, "content", "clicks") == "Same neck line"


def test_ranks_and_shares_in_words():
    assert [ordinal(rank) for rank in (1, 2, 3, 4, 11, 12, 13, 21, 111, 1003)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "111th", "1,003rd",
    ]  # fmt: skip
    assert [how_much(share) for share in (1.0, 0.7, 0.5, 0.2, 0.05)] == [
        "all of it",
        "most of it",
        "about half",
        "some of it",
        "a little",
    ]


def test_what_is_recommended_goes_with_what_they_have():
    assert (
        because_sentence(["Red dress", "Silk scarf"], "purchases")
        == "Goes with “Red dress” and “Silk scarf”, which they bought"
    )
    assert because_sentence(["A" * 300], "clicks") == f"Goes with “{'A' * 39}…”, which they clicked"
    assert because_sentence([], "clicks") == ""
