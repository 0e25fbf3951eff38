"""What a change holds of, field by field."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.edits.changes.merging import Change, changed, difference, field_names, in_force

NOW = {"title": "Dress", "price": 20.0, "attributes": {"colour": "navy", "occasions": ["party", "office"]}}


def change(wanted):
    before, after = difference(NOW, wanted)
    return Change("a", before, after, "Ada", datetime.now(UTC), 1)


def test_only_fields_that_differ_are_changes():
    assert difference(NOW, {**NOW, "attributes": {"colour": "navy", "occasions": ("party", "office")}}) == ({}, {})
    wanted = {"title": "Gown", "price": 20.0, "brand": "B", "attributes": {"colour": "red", "occasions": []}}
    assert difference(NOW, wanted) == (
        {"title": "Dress", "attribute:colour": "navy", "attribute:occasions": ["party", "office"], "brand": None},
        {"title": "Gown", "attribute:colour": "red", "attribute:occasions": None, "brand": "B"},
    )


def test_a_change_made_is_the_product_that_was_wanted():
    wanted = {"title": "Gown", "brand": "B", "attributes": {"colour": "red"}}
    assert changed(NOW, in_force(change(wanted), NOW)) == wanted


def test_it_holds_for_the_fields_that_are_still_what_they_were():
    made = change({**NOW, "title": "Gown", "price": 30.0})
    theirs = {**NOW, "title": "Their title"}
    assert in_force(made, theirs) == {"price": 30.0}
    assert in_force(made, {**NOW, "title": "Gown", "price": 30.0}) == {}


def test_an_empty_field_can_be_filled_and_a_filled_one_emptied():
    made = change({"title": "Dress", "brand": "B", "attributes": {"colour": "navy", "occasions": ["party", "office"]}})
    assert in_force(made, NOW) == {"price": None, "brand": "B"}
    assert in_force(made, {**NOW, "brand": "Other"}) == {"price": None}


def test_fields_have_names_for_people():
    assert field_names({"image": "x", "attribute:sleeve_length": "long", "title": "T"}) == [
        "picture",
        "sleeve length",
        "title",
    ]
