"""What holds of a change, field by field."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.catalogue.product import Product
from engine.core.errors import InputError
from engine.edits.changes.merging import Change, difference, field_labels, fields_from_json, fields_to_json

NOW = Product(title="Dress", price=20.0, attributes={"colour": "navy", "occasions": ("party", "office")})


def change(wanted: Product) -> Change:
    return Change("a", *difference(NOW, wanted), "Ada", datetime.now(UTC), 1)


def test_only_fields_that_differ_are_changes() -> None:
    same = Product.from_json({**NOW.to_json(), "attributes": {"colour": "navy", "occasions": ["party", "office"]}})
    assert difference(NOW, same) == ({}, {})
    wanted = Product(title="Gown", price=20.0, brand="B", attributes={"colour": "red", "occasions": ()})
    assert difference(NOW, wanted) == (
        {"title": "Dress", "attribute:colour": "navy", "attribute:occasions": ("party", "office"), "brand": None},
        {"title": "Gown", "attribute:colour": "red", "attribute:occasions": None, "brand": "B"},
    )


def test_a_change_made_is_the_product_that_was_wanted() -> None:
    wanted = Product(title="Gown", brand="B", attributes={"colour": "red"})
    assert change(wanted).apply(NOW) == wanted


def test_it_holds_for_the_fields_that_are_still_what_they_were() -> None:
    made = change(NOW.with_fields({"title": "Gown", "price": 30.0}))
    assert made.in_force(NOW.with_fields({"title": "Their title"})) == {"price": 30.0}
    assert made.apply(NOW.with_fields({"title": "Their title"})) == NOW.with_fields(
        {"title": "Their title", "price": 30.0}
    )
    assert made.in_force(NOW.with_fields({"title": "Gown", "price": 30.0})) == {}
    assert made.apply(NOW.with_fields({"title": "Gown", "price": 30.0})) is None


def test_an_empty_field_can_be_filled_and_a_filled_one_emptied() -> None:
    made = change(NOW.with_fields({"price": None, "brand": "B"}))
    assert made.in_force(NOW) == {"price": None, "brand": "B"}
    assert made.in_force(NOW.with_fields({"brand": "Other"})) == {"price": None}


def test_fields_are_the_same_again_out_of_the_database() -> None:
    for fields in difference(NOW, Product(brand="B", attributes={"length_cm": 90.0})):
        assert fields_from_json(fields_to_json(fields)) == fields
    with pytest.raises(InputError, match="no such field"):
        fields_from_json({"colour": "navy"})


def test_fields_have_names_for_people() -> None:
    assert field_labels(["image", "attribute:sleeve_length", "title"]) == ["picture", "sleeve length", "title"]
