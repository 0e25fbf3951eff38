from __future__ import annotations

import pandas as pd
import pytest

from engine.ingest.attributes import add_attribute
from engine.ingest.cells import ProductRows, clean_prices, plain_texts
from engine.ingest.presets import ItemRules
from engine.ingest.report import ProblemLog


def rows(n: int, formats: dict[str, str] | None = None) -> ProductRows:
    return ProductRows("shop.csv", pd.Series(range(1, n + 1)), ProblemLog(), formats or {})


def test_prices_are_read_as_a_column_and_what_is_none_is_reported() -> None:
    context = rows(6)
    values = pd.Series(["1.299 €", "9,90 €", "on request", "-3,00 €", "—", None], dtype=object)
    prices, currency = clean_prices(values, "preis", context)
    assert prices.tolist()[:2] == [1299.0, 9.9]
    assert prices[2:].isna().all()
    assert currency == "EUR"
    assert context.problems.counts == {"not_a_number": 1, "negative_number": 1}
    assert context.notes == ["preis: read with a decimal comma: 1.299 is 1299"]


def test_a_person_says_how_a_column_is_written() -> None:
    values = pd.Series(["1.299", "2.499"], dtype=object)
    assert clean_prices(values, "preis", rows(2, {"numbers.preis": "point"}))[0].tolist() == [1.299, 2.499]
    assert clean_prices(values, "preis", rows(2, {"numbers": "comma"}))[0].tolist() == [1299.0, 2499.0]


@pytest.mark.parametrize(
    ("field", "values", "texts"),
    [
        ("category", ["Home &amp; Garden > Pots; Sale > Pots", "Sale > Pots"], ["Pots", "Pots"]),
        ("category", ['["Home", "Pots &quot;5&quot;"]'], ['Pots "5"']),
        ("category", [["Home", "Pots"]], ["Pots"]),
        ("category", ["Home, Garden", "Toys", 3.0], ["Home, Garden", "Toys", "3"]),
        ("description", [["<p>a</p>", "b &amp; c"], "(50% cotton)"], ["a b & c", "(50% cotton)"]),
        ("title", ["5&quot; pot", "—", "pot", None], ['5" pot', None, "pot", None]),
        ("image", [["a b.jpg", "c.jpg"], "d.jpg?x=1&amp;y=2"], ['["a b.jpg", "c.jpg"]', "d.jpg?x=1&amp;y=2"]),
    ],
)
def test_texts_of_a_field_are_plain(field: str, values: list[object], texts: list[str | None]) -> None:
    assert plain_texts(pd.Series(values, dtype=object), field, field)[0] == texts


def test_an_attribute_that_a_person_calls_a_number_is_asked_about_too() -> None:
    context = rows(3)
    values = pd.Series(["1.250", "2.500", "L"], dtype=object)
    items = pd.DataFrame({"item_id": ["a", "b", "c"]})
    became = add_attribute(items, "span", values, ItemRules(), {"span": "number"}, context)
    assert became == ("number", "span", "number")
    assert items["span"].tolist()[:2] == [1.25, 2.5]
    assert context.problems.counts == {"not_a_number": 1}
    (asked,) = context.notes
    assert "--map numbers.span=comma" in asked
