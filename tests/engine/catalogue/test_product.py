"""Products: checked, compared field by field, and the same again out of JSON and out of a catalogue."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.catalogue.product import Product, attribute_field, catalogue_frame, field_label, with_products
from engine.core.errors import ImageError, InputError
from engine.core.workspace import Workspace

KINDS = {"colour": "category", "length_cm": "number", "occasions": "multi", "care": "text"}
DRESS = Product(
    title="Dress",
    description="Long",
    brand="B",
    category="Maxi",
    price=49.9,
    image="0" * 64,
    attributes={"colour": "navy", "length_cm": 95.0, "occasions": ("party", "office"), "care": "Wash cold"},
)


@pytest.fixture
def stored(workspace: Workspace) -> str:
    """The content hash of a picture that the workspace has."""
    image = "a" * 64
    workspace.image_file(image).parent.mkdir(parents=True)
    workspace.image_file(image).write_bytes(b"")
    return image


def test_a_product_is_the_same_again_out_of_its_json() -> None:
    assert Product.from_json(DRESS.to_json()) == DRESS
    assert DRESS.to_json()["attributes"]["occasions"] == ["party", "office"]
    assert Product().to_json() == {}
    assert Product.from_json({}).is_empty


def test_a_product_is_the_same_again_out_of_its_fields() -> None:
    assert Product.of_fields(DRESS.fields) == DRESS
    assert DRESS.fields[attribute_field("colour")] == "navy"


def test_a_product_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        DRESS.title = "Other"  # type: ignore[misc]


def test_blank_is_unknown_and_text_is_trimmed() -> None:
    blank = {"title": " ", "brand": None, "price": "", "image": "", "attributes": {"colour": "", "sizes": [" "]}}
    assert Product.from_json(blank) == Product()
    assert Product.from_json({"title": " Dress\n", "attributes": {"sizes": [" S ", ""]}}) == Product(
        title="Dress", attributes={"sizes": ("S",)}
    )
    assert Product(title="\ud800 dress").title == "dress"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"titel": "x"}, "'titel'.*title, description"),
        ({"title": ["x"]}, "'title'.*not text"),
        ({"title": True}, "'title'.*not text"),
        ({"price": "cheap"}, "'price'.*not a number"),
        ({"price": 10**400}, "'price'.*not a number"),
        ({"price": float("nan")}, "'price'.*finite"),
        ({"price": "inf"}, "'price'.*finite"),
        ({"price": -1}, "'price'.*negative"),
        ({"attributes": ["colour"]}, "'attributes'.*name and value"),
        ({"attributes": {"occasions": [{"a": 1}]}}, "'occasions'.*not text"),
        ({"attributes": {"length_cm": float("inf")}}, "'length_cm'.*finite"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Product.from_json(values)


@pytest.mark.parametrize("image", ["../../../etc/passwd", "A" * 64, "abc", 5])
def test_a_picture_is_named_by_its_content_hash_alone(image: object) -> None:
    with pytest.raises(ImageError, match="Upload"):
        Product.from_json({"image": image})


def test_attributes_take_the_types_of_the_shops_own() -> None:
    as_text = Product(attributes={"length_cm": "95", "occasions": "party", "colour": 7.0})
    assert as_text.typed(KINDS) == Product(attributes={"length_cm": 95.0, "occasions": ("party",), "colour": "7"})
    with pytest.raises(InputError, match=r"'size'.*colour, length_cm"):
        Product(attributes={"size": "M"}).typed(KINDS)
    with pytest.raises(InputError, match=r"'length_cm'.*not a number"):
        Product(attributes={"length_cm": "long"}).typed(KINDS)


def test_products_become_rows_of_a_catalogue_and_come_back(workspace: Workspace, stored: str) -> None:
    several = [
        DRESS.with_fields({"image": stored}),
        Product(title="Nothing else"),
        Product(attributes={"colour": "red"}),
    ]
    frame = catalogue_frame(several, KINDS, workspace)
    assert list(frame.columns) == ["title", "description", "brand", "category", "price", "image", *KINDS]
    kinds = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    assert (kinds["price"], kinds["length_cm"], kinds["occasions"], kinds["colour"]) == (
        "float64",
        "float64",
        "object",
        "str",
    )
    assert frame["occasions"].tolist() == [["party", "office"], None, None]
    assert [Product.of_row(row, KINDS) for _, row in frame.iterrows()] == several


def test_a_row_of_a_catalogue_is_read_with_what_it_lacks() -> None:
    row = pd.Series(
        {"item_id": "x", "title": np.nan, "price": np.float64(3), "occasions": np.array(["a"]), "care": None}
    )
    assert Product.of_row(row, KINDS) == Product(price=3.0, attributes={"occasions": ("a",)})


def test_a_catalogue_takes_only_what_it_can_hold(workspace: Workspace) -> None:
    for product, error, message in (
        (Product(), InputError, "Nothing is said"),
        (Product(title="x", image="0" * 64), ImageError, "not stored here. Upload it again"),
        (Product(attributes={"size": "M"}), InputError, "no such attribute"),
    ):
        with pytest.raises(error, match=message):
            catalogue_frame([product], KINDS, workspace)


def test_a_release_reads_the_attributes_it_knows_and_the_pictures_that_are_stored(
    workspace: Workspace, stored: str
) -> None:
    assert DRESS.readable_by({"colour": "category"}, workspace) == Product(
        title="Dress", description="Long", brand="B", category="Maxi", price=49.9, attributes={"colour": "navy"}
    )
    assert Product(image=stored).readable_by({}, workspace).image == stored


def test_other_products_take_rows_of_a_catalogue_and_the_one_given_stays(workspace: Workspace) -> None:
    items = catalogue_frame([Product(title="a"), Product(title="b", price=1.0)], KINDS, workspace)
    before = items.copy()
    other = Product(title="c", attributes={"occasions": ("party",)})
    table = with_products(items, {1: other}, KINDS, workspace)
    assert Product.of_row(table.iloc[1], KINDS) == other
    assert table.iloc[0].equals(before.iloc[0])
    assert items.equals(before)
    assert table.dtypes.equals(before.dtypes)
    assert with_products(items, {}, KINDS, workspace) is items


def test_fields_can_be_replaced_and_emptied() -> None:
    assert DRESS.with_fields({"title": "Gown", "price": None, attribute_field("colour"): None}).fields == {
        **{name: value for name, value in DRESS.fields.items() if name not in ("price", "attribute:colour")},
        "title": "Gown",
    }


def test_fields_have_names_for_people() -> None:
    assert [field_label(name) for name in ("image", attribute_field("sleeve_length"), "title")] == [
        "picture",
        "sleeve length",
        "title",
    ]
