from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.core.errors import InputError
from engine.ingest.sources import ROW
from tests.support.staged_files import staged, written

PRODUCTS = [{"id": 1, "title": "Café", "price": 9.5, "tags": ["a"]}, {"id": 2, "title": None, "size": {"cm": 3}}]
EXPECTED = [
    {ROW: 1, "id": "1", "title": "Café", "price": "9.5", "tags": '["a"]', "size": None},
    {ROW: 2, "id": "2", "title": None, "price": None, "tags": None, "size": '{"cm":3}'},
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(PRODUCTS),
        json.dumps(PRODUCTS, indent=2),
        "\ufeff" + json.dumps(PRODUCTS, ensure_ascii=False),
        json.dumps({"total": 2, "facets": [{"a": 1}], "products": PRODUCTS}),
        json.dumps({"data": {"shop": {"products": PRODUCTS}}, "next": None}, indent=1),
        json.dumps({"data": {"products": {"edges": [{"node": one} for one in PRODUCTS]}}}),
        "\n".join(json.dumps(one) for one in PRODUCTS),
        ",\n".join(json.dumps(one) for one in PRODUCTS) + ",\n",
        "".join(json.dumps(one) for one in PRODUCTS),
        "\n".join(json.dumps(one, indent=2) for one in PRODUCTS),
    ],
)
@pytest.mark.parametrize("name", ["products.json", "products.txt"])
def test_objects_are_rows_however_they_are_written(tmp_path: Path, text: str, name: str) -> None:
    assert staged(written(tmp_path, text, name))[1] == EXPECTED


def test_the_note_says_which_array_was_read(tmp_path: Path) -> None:
    source, _, _ = staged(written(tmp_path, json.dumps({"data": {"products": PRODUCTS}}), "products.json"))
    assert source.notes == ('the rows are the objects in "data.products"',)


def test_a_single_line_of_json_lines_is_one_row_whatever_it_holds(tmp_path: Path) -> None:
    _, rows, _ = staged(written(tmp_path, '{"id": 1, "items": [{"x": 1}, {"x": 2}]}\n', "events.jsonl"))
    assert [(row["id"], row["items"]) for row in rows] == [("1", '[{"x":1},{"x":2}]')]


def test_a_key_that_first_comes_late_is_a_column_too(tmp_path: Path) -> None:
    lines = ['{"id": 1}\n'] * 30_000 + ['{"id": 2, "late": "x"}\n']
    source, rows, _ = staged(written(tmp_path, "".join(lines), "events.jsonl"))
    assert (source.columns, rows[-1]["late"]) == (("id", "late"), "x")


def test_numbers_keep_their_digits_in_json_lines(tmp_path: Path) -> None:
    _, rows, _ = staged(written(tmp_path, '{"id": 12345678901234567890, "price": 9.5}\n{"id": 1}\n', "x.jsonl"))
    assert (rows[0]["id"], rows[0]["price"]) == ("12345678901234567890", "9.5")


def test_what_is_no_object_in_an_array_is_reported(tmp_path: Path) -> None:
    _, rows, problems = staged(written(tmp_path, '[{"id": 1}, 5, {"id": 2}]', "items.json"))
    assert [row[ROW] for row in rows] == [1, 3]
    assert [(problem.row, problem.value) for problem in problems.shown] == [(2, "5")]


@pytest.mark.parametrize("text", ['[{"id": 1}, {"id": 2}, {"id"', '{"products": [{"id": 1}, {"id": 2}, {"id": 0x}]}'])
def test_broken_json_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"items\.json, row \d+: the JSON cannot be read here"):
        staged(written(tmp_path, text, "items.json"))


SHAPES = {
    "map": {"a": {"title": "Hat", "n": 1}, "b": {"title": "Scarf", "n": 2}},
    "map_with_ids": {"a": {"id": 7, "title": "Hat"}, "b": {"id": 8, "title": "Scarf"}},
    "pandas": {"key": {"0": "a", "1": "b"}, "title": {"0": "Hat", "1": "Scarf"}, "n": {"0": 1, "1": 2}},
    "split": {"columns": ["key", "title", "n"], "index": [0, 1], "data": [["a", "Hat", 1], ["b", "Scarf", 2]]},
    "arrays": [["key", "title", "n"], ["a", "Hat", 1], ["b", "Scarf", 2]],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("indent", [None, 1])
def test_tables_that_are_no_list_of_objects_are_read(tmp_path: Path, shape: str, indent: int | None) -> None:
    source, rows, _ = staged(written(tmp_path, json.dumps(SHAPES[shape], indent=indent), "products.json"))
    names, first = {
        "map": (("id", "title", "n"), [1, "a", "Hat", "1"]),
        "map_with_ids": (("key", "id", "title"), [1, "a", "7", "Hat"]),
    }.get(shape, (("key", "title", "n"), [1, "a", "Hat", "1"]))
    assert (source.columns, list(rows[0].values()), len(rows)) == (names, first, 2)
    assert len(source.notes) == 1


def test_arrays_without_a_header_have_numbered_columns(tmp_path: Path) -> None:
    source, rows, _ = staged(written(tmp_path, "[[1, 7, 5], [2, 8, 4]]", "ratings.json"))
    assert (source.columns, len(rows), source.headerless) == (("1", "2", "3"), 2, True)


def test_one_event_of_objects_is_one_row(tmp_path: Path) -> None:
    event = json.dumps({"user": {"id": 1}, "item": {"sku": "a"}})
    assert staged(written(tmp_path, event, "event.json"))[1] == [{ROW: 1, "user": '{"id":1}', "item": '{"sku":"a"}'}]


def test_what_is_no_number_is_nothing(tmp_path: Path) -> None:
    text = '[{"id": 1, "price": NaN, "name": "Size: NaN"}, {"id": -Infinity, "tags": [NaN, 1]}]'
    _, rows, _ = staged(written(tmp_path, text, "items.json"))
    assert [(row["id"], row["price"], row["tags"]) for row in rows] == [("1", None, None), (None, None, "[null,1]")]
    assert rows[0]["name"] == "Size: NaN"


def test_objects_as_python_writes_them_are_read(tmp_path: Path) -> None:
    text = "{'asin': '0001', 'title': u\"Girl's Dress\", 'rank': {'Toys': 5}, 'new': True}\n{broken\n{'asin': '2'}\n"
    source, rows, problems = staged(written(tmp_path, text, "meta_Toys.json"))
    assert list(rows[0].values()) == [1, "0001", "Girl's Dress", '{"Toys":5}', "true"]
    assert (len(rows), problems.counts) == (2, {"broken_row": 1})
    assert source.notes == ("the lines are objects as Python writes them",)


def test_a_first_look_at_an_array_reads_only_its_beginning(tmp_path: Path) -> None:
    text = json.dumps([{"id": number} for number in range(1_000)])[:-20]
    assert staged(written(tmp_path, text, "items.json"), limit=10)[0].n_rows == 10
