from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pandas as pd
import pytest

from engine.ingest.matching import KnownProducts, match_ids


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def matched(
    connection: duckdb.DuckDBPyConnection,
    events: list[str],
    products: list[str],
    aliases: dict[str, dict[str, str]] | None = None,
) -> tuple[dict[str, str], list[str]]:
    """Id in the events -> product, for those that were matched; and the notes."""
    connection.register("events", pd.DataFrame({"item_id": pd.Series(events, dtype="str")}))
    tables = {
        column: pd.DataFrame({"alias": list(pairs), "item_id": list(pairs.values())})
        for column, pairs in (aliases or {}).items()
    }
    notes = match_ids(connection, "events", KnownProducts(pd.Series(products, dtype="str"), tables))
    return dict(connection.execute("SELECT event_id, known_id FROM known").fetchall()), notes


def test_ids_that_are_there_stay_as_they_are(connection: duckdb.DuckDBPyConnection) -> None:
    found, notes = matched(connection, ["1", "01", "A"], ["1", "01", "A", "a"])
    assert (found, notes) == ({"1": "1", "01": "01", "A": "A"}, [])


@pytest.mark.parametrize(
    ("events", "products", "words"),
    [
        (["108775015", "110065001"], ["0108775015", "0110065001"], "leading zeros"),
        (["0012", "0034"], ["12", "34"], "leading zeros"),
        (["ABC-1", "DEF-2"], ["abc-1", "def-2"], "capital letters"),
        (["Cafe\u0301", "Sa\u0303o"], ["Caf\u00e9", "S\u00e3o"], "accents"),
        (["a  b", "c\u00a0d", "\uff21\uff22"], ["a b", "c d", "AB"], "blanks"),
        (["1E5", "9.007199254740993e+15"], ["100000", "9007199254740993"], "by their value"),
        (["gid://shopify/Product/17", "https://a.example/p/red/?c=1"], ["17", "red"], "last part of an address"),
        (["12.5", "-5.0"], ["12.50", "-5"], "by their value"),
        (["cafe\u0301  1", "007", "1e3"], ["CAF\u00c9 1", "7", "1000"], "capital letters, blanks and leading zeros"),
    ],
)
def test_one_rule_that_matches_everything_is_taken_and_said(
    connection: duckdb.DuckDBPyConnection, events: list[str], products: list[str], words: str
) -> None:
    found, notes = matched(connection, events, products)
    assert [found[event] for event in events] == products
    assert len(notes) == 1
    assert words in notes[0]
    assert notes[0].startswith(f"0 of {len(events)} events name a product by its id, and {len(events)} where")


def test_another_column_is_tried_first_and_named(connection: duckdb.DuckDBPyConnection) -> None:
    found, notes = matched(
        connection,
        ["woo-1", "woo-2", "woo-2"],
        ["44", "45"],
        {"GTIN": {"9": "44"}, "SKU": {"woo-1": "44", "woo-2": "45"}},
    )
    assert found == {"woo-1": "44", "woo-2": "45"}
    assert notes == [
        "0 of 3 events name a product by its id, and 3 by the products' column 'SKU': they were matched that way"
    ]


def test_ids_of_variants_beside_those_of_products_are_matched_both(connection: duckdb.DuckDBPyConnection) -> None:
    found, _ = matched(connection, ["44"] * 9 + ["201"], ["44", "45"], {"ID": {"201": "45"}})
    assert found == {"44": "44", "201": "45"}


def test_a_column_that_names_every_id_wins_over_products_that_have_the_number_by_chance(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    aliases = {"variant": {"1": "30", "2": "10", "3": "20", "7": "10", "8": "20"}}
    found, _ = matched(connection, ["1", "2", "3", "7", "8"], ["1", "10", "20", "30"], aliases)
    assert found == {"1": "30", "2": "10", "3": "20", "7": "10", "8": "20"}


def test_another_column_in_other_letters_is_the_last_resort(connection: duckdb.DuckDBPyConnection) -> None:
    found, notes = matched(connection, ["WOO-1"], ["44"], {"SKU": {"woo-1": "44"}})
    assert found == {"WOO-1": "44"}
    assert "column 'SKU', where capital letters" in notes[0]


def test_an_id_that_fits_several_products_is_refused_with_their_names(connection: duckdb.DuckDBPyConnection) -> None:
    found, notes = matched(connection, ["xy", "xy", "AB", "CD", "EF"], ["XY", "Xy", "ab", "cd", "ef"])
    assert found == {"AB": "ab", "CD": "cd", "EF": "ef"}
    assert "2 events name a product in a way that fits several; they were left out: 'xy' fits 'XY' and 'Xy'" in notes


def test_a_rule_that_matches_little_more_is_not_taken(connection: duckdb.DuckDBPyConnection) -> None:
    found, notes = matched(connection, ["a"] * 9 + ["B"], ["a", "b"])
    assert found == {"a": "a"}
    assert notes == [
        "1 of 10 events name no product: ids in the events look like 'B'; ids of the products like 'a', 'b'"
    ]


def test_a_rule_that_explains_few_of_the_unknown_ids_is_not_taken_but_said(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found, notes = matched(connection, ["B", *(f"gone-{n}" for n in range(30))], ["a", "b"])
    assert found == {}
    assert (
        notes[0]
        == "1 more would match where capital letters do not count; they are too few to rely on and were left out"
    )


def test_what_matches_nothing_is_shown_beside_what_was_looked_for(connection: duckdb.DuckDBPyConnection) -> None:
    _, notes = matched(connection, [f"sku-{n}" for n in range(90)], ["44", "45"])
    assert notes == [
        "90 of 90 events name no product: ids in the events look like 'sku-0', 'sku-1', 'sku-10'; ids of the products like"
        " '44', '45'"
    ]
