"""A collection: each row ready or with what to fix, pictures found by name, the template readable again."""

from __future__ import annotations

import pandas as pd
import pytest

from engine.catalogue.product import Product
from engine.core.errors import SheetError
from engine.edits.collections.rows import problems_table, read_collection
from engine.edits.collections.template import template
from engine.untrusted.sheets import read_sheet

KINDS = {"colour": "category", "sizes": "multi", "length_cm": "number"}


def sheet(*rows: dict[str, str]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows)).fillna("")
    table.index = range(1, len(table) + 1)
    return table


def read(table: pd.DataFrame, pictures=()):
    return read_collection(table, pictures, KINDS)


def test_a_full_row_becomes_a_product_with_its_pictures_in_order():
    (row,) = read(
        sheet({"SKU": "x1", "Title": " Navy <b>dress</b> ", "Price": "1.249,90 €", "Colour": "navy", "Sizes": "S; M|L",
               "Length cm": "98", "Pictures": "b.jpg; A.PNG", "Warehouse": "7"}),
        ["shoot/a.png", "b.jpg", "c.jpg"],
    )  # fmt: skip
    assert row.ready
    assert (row.product_id, row.pictures) == ("x1", ("b.jpg", "shoot/a.png"))
    assert row.product == Product(
        title="Navy <b>dress</b>",
        price=1249.9,
        attributes={"colour": "navy", "sizes": ("S", "M", "L"), "length_cm": 98.0},
    )


def test_without_a_picture_column_the_file_named_like_the_id_is_its_picture():
    (row,) = read(sheet({"id": "X1", "title": "Dress"}), ["x1.webp", "y.jpg"])
    assert row.pictures == ("x1.webp",)


@pytest.mark.parametrize(
    ("cells", "column", "advice"),
    [
        ({"title": "a", "price": "cheap"}, "price", "is not a number"),
        ({"title": "a", "price": "-3"}, "price", "is not a number"),
        ({"title": "a", "pictures": "gone.jpg"}, "pictures", "no picture called gone.jpg was uploaded"),
        ({"title": "", "id": "x"}, "title", "it has neither a title nor a picture"),
    ],
)
def test_what_is_wrong_is_said_with_its_column(cells, column, advice):
    (row,) = read(sheet(cells))
    ((named, sentence),) = row.problems
    assert named == column
    assert advice in sentence


def test_prices_are_read_as_a_column_and_what_could_be_two_numbers_is_a_doubt():
    rows = read(sheet({"title": "a", "price": "1.299 €"}, {"title": "b", "price": "1.049,95 €"}))
    assert [row.product.price for row in rows] == [1299.0, 1049.95]
    assert not any(row.doubts for row in rows)
    rows = read(sheet({"title": "a", "price": "1.299"}, {"title": "b", "price": "2.499"}))
    assert [row.product.price for row in rows] == [1299.0, 2499.0]
    assert [row.doubts for row in rows] == [
        (("price", "“1.299” was read as 1299"),),
        (("price", "“2.499” was read as 2499"),),
    ]
    assert all(row.ready for row in rows)


def test_an_id_that_stands_twice_is_told_in_both_rows():
    rows = read(sheet({"id": "a", "title": "x"}, {"id": "a", "title": "y"}, {"id": "b", "title": "z"}))
    assert [row.ready for row in rows] == [False, False, True]


def test_the_rows_to_mend_can_be_downloaded_mended_and_given_back():
    table = sheet({"title": "ok", "price": "5"}, {"title": "bad", "price": "five"})
    mend = problems_table(table, read(table))
    assert mend["row"].tolist() == [2]
    assert mend["what to fix"].tolist() == ["price: “five” is not a number; write it like 49.90"]
    mend.loc[:, "price"] = "5"
    assert all(row.ready for row in read(mend))


def test_a_sheet_that_says_nothing_of_products_is_refused():
    with pytest.raises(SheetError, match="Name one “title”"):
        read(sheet({"warehouse": "7"}))


def test_the_template_reads_as_what_it_shows():
    examples = [Product(title="=HYPERLINK(1)", price=4.5, attributes={"sizes": ("S", "M")}), Product(title="Two")]
    table = read_sheet(template(KINDS, examples), "template.xlsx")
    assert list(table.columns) == [
        "item_id", "title", "description", "brand", "category", "price", "pictures", *KINDS,
    ]  # fmt: skip
    first, second = read(table)
    assert [first.product, second.product] == examples


def test_pictures_are_found_by_folder_by_composed_letters_and_ambiguous_ones_are_told():
    names = ["front/x.jpg", "back/x.jpg", "e\u0301te\u0301.png"]
    rows = read(sheet({"title": "a", "pictures": "front\\X.jpg; ÉTÉ"}, {"title": "b", "pictures": "x.jpg"}), names)
    assert rows[0].pictures == ("front/x.jpg", "e\u0301te\u0301.png")
    assert rows[0].state == "ready"
    assert rows[1].pictures == ("back/x.jpg",)
    assert rows[1].state == "doubt"
    assert "2 pictures are called x.jpg; back/x.jpg is used" in rows[1].doubts[0][1]


def test_what_the_store_would_refuse_is_told_beforehand():
    names = [f"{number}.jpg" for number in range(21)]
    rows = read(sheet({"title": "a", "pictures": ";".join(names)}, {"title": "b", "id": "x" * 201}), names)
    assert "too many" in rows[0].problems[0][1]
    assert "at most 200 characters" in rows[1].problems[0][1]


def test_rows_that_are_still_to_be_mended_can_be_taken_out_again():
    sheet = pd.DataFrame({"title": ["a", "b"], "price": ["much", "1"]}, index=pd.Index([1, 2], name="row"))
    first = problems_table(sheet, read_collection(sheet, [], {}))
    given_back = first.map(str).set_axis(pd.Index([1], name="row"))
    again = problems_table(given_back, read_collection(given_back, [], {}))
    assert again.columns.tolist() == ["row", "what to fix", "title", "price"]
    assert again["what to fix"].tolist() == first["what to fix"].tolist()
