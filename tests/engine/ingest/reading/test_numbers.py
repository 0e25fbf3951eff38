from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ingest.reading.number_format import NumberFormat
from engine.ingest.reading.numbers import number_format
from tests.support.code_graph import ROOT

WRITTEN: list[dict[str, Any]] = tomllib.loads((ROOT / "benchmarks" / "moving_in" / "numbers.toml").read_text("utf-8"))[
    "columns"
]


def column(texts: Sequence[str], name: str = "price", answer: str | None = None) -> NumberFormat:
    return number_format(Counter(texts), name, answer)


def by_python(form: NumberFormat, texts: Sequence[str]) -> list[float | None]:
    return [form.number(text) for text in texts]


def by_sql(form: NumberFormat, texts: Sequence[str]) -> list[float | None]:
    with duckdb.connect() as connection:
        connection.register("given", pa.table({"text": pa.array(texts, pa.string()), "turn": range(len(texts))}))
        rows = connection.execute(f"SELECT {form.sql('text')} FROM given ORDER BY turn").fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: str(written["form"]))
def test_every_form_of_the_benchmark_is_read_right_and_alike_in_python_and_sql(written: dict[str, Any]) -> None:
    texts = [text.strip() for text, _ in written["values"]]
    meant = [None if number == "none" else float(number) for _, number in written["values"]]
    form = column(texts, written["name"])
    assert by_python(form, texts) == meant
    assert by_sql(form, texts) == meant
    assert not written.get("ask") or form.question


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(alphabet="0123456789.,'- €$kgEUR()\u00a0", max_size=12),
            st.from_regex(r"[1-9][0-9]{0,2}([.,][0-9]{3}){0,2}([.,][0-9]{1,3})?( ?€| ?kg)?", fullmatch=True),
        ).map(str.strip),
        min_size=1,
        max_size=12,
    )
)
def test_python_and_sql_read_any_column_alike(texts: list[str]) -> None:
    form = column(texts)
    assert by_sql(form, texts) == by_python(form, texts)


def test_one_value_decides_for_the_column() -> None:
    assert by_python(column(["1.299", "1.049,95"]), ["1.299"]) == [1299.0]
    assert by_python(column(["1.299", "1,049.95"]), ["1.299"]) == [1.299]


def test_a_column_that_cannot_be_told_asks_and_takes_the_answer() -> None:
    asked = column(["1.299", "2.499"])
    assert asked.question is not None
    assert "numbers.price=point" in asked.question
    told = column(["1.299", "2.499"], answer="point")
    assert (told.question, by_python(told, ["1.299"])) == (None, [1.299])
    told = column(["1.299", "2.499"], answer="comma")
    assert (told.question, by_python(told, ["1.299"])) == (None, [1299.0])


def test_what_could_be_two_numbers_in_a_mixed_column_is_left_out_and_asked() -> None:
    form = column(["9,90", "9.90", "12,50", "12.50", "1.299"])
    assert by_python(form, ["9,90", "9.90", "1.299"]) == [9.9, 9.9, None]
    assert form.question is not None
    assert "left out" in form.question


@pytest.mark.parametrize(
    ("texts", "currency", "note"),
    [
        (["12,50 €", "EUR 9,90"], "EUR", "decimal comma"),
        (["$12.50", "$9"], "$", ""),
        (["12.50 USD", "9.00 EUR"], None, "several currencies, not converted: USD (1), EUR (1)"),
        (["12.50"], None, ""),
    ],
)
def test_the_currency_of_a_column_is_told_and_several_are_said(
    texts: list[str], currency: str | None, note: str
) -> None:
    form = column(texts)
    assert form.currency == currency
    assert note in form.note


def test_a_format_is_fit_for_json() -> None:
    form = column(["1.299 €", "1.049,95 €", "n/a"])
    written = json.loads(json.dumps(form.to_dict()))
    assert written["note"] == "read with a decimal comma: 1.299 is 1299"
    assert written["missing"] == ["n/a"]


def test_typed_values_are_read_and_what_is_no_number_is_not() -> None:
    form = column(["1,5"])
    values = pd.Series([1, 2.5, "1,5", True, None, float("inf"), ["1"], "n/a"], dtype=object)
    read = form.read(values)
    assert read[:3].tolist() == [1.0, 2.5, 1.5]
    assert read[3:].isna().all()


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    number = column([text]).number(text)
    assert number is None or abs(number) < float("inf")


def test_a_range_of_prices_is_read_as_its_lower_end_and_the_report_says_so() -> None:
    texts = ["$1,299.00 - $1,499.00", "$5.00 – $7.00", "$12.99", "10-12", "$9.00 - 3 kg"]
    form = column(texts)
    assert by_python(form, texts) == by_sql(form, texts) == [1299.0, 5.0, 12.99, None, None]
    assert "a range such as '$1,299.00 - $1,499.00' was read as its lower end" in form.note


def test_shift_jis_has_a_backslash_for_the_yen_sign() -> None:
    texts = ["\\1,000", "\\12,800"]
    form = column(texts)
    assert by_python(form, texts) == by_sql(form, texts) == [1000.0, 12800.0]


def test_values_that_tell_win_over_the_answer() -> None:
    form = column(["1.299", "9,90"], answer="point")
    assert by_python(form, ["1.299", "9,90"]) == [1299.0, 9.9]
    form = column(["1.299", "9,90", "9.90"], answer="point")
    assert by_python(form, ["1.299", "9,90", "9.90"]) == [1.299, 9.9, 9.9]
