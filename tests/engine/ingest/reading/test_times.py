from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from engine.ingest.reading.times import TimeFormat, are_times, time_format
from engine.ingest.staged_sql import with_texts
from tests.support.code_graph import ROOT

WRITTEN: list[dict[str, Any]] = tomllib.loads((ROOT / "benchmarks" / "moving_in" / "times.toml").read_text("utf-8"))[
    "columns"
]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


def read(
    connection: duckdb.DuckDBPyConnection,
    values: list[object],
    kind: pa.DataType,
    name: str = "t",
    answer: str | None = None,
) -> tuple[list[object], TimeFormat]:
    connection.register("given", pa.table({"c0": pa.array(values, kind), "turn": range(len(values))}))
    form = time_format(connection, "given", "c0", kind, name, answer)
    texts = with_texts("given", {"time": "c0"}, {"c0": kind})
    rows = connection.execute(f"""
        SELECT {TimeFormat.whole("seconds")} FROM (
            SELECT turn, {form.seconds} AS seconds FROM (SELECT turn, time_text, {form.number} AS time_number FROM {texts})
        ) ORDER BY turn
    """).fetchall()
    return [row[0] for row in rows], form


def seconds(connection: duckdb.DuckDBPyConnection, values: list[object], kind: pa.DataType) -> list[object]:
    return read(connection, values, kind)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", 86_400),
        ("1970-01-02T00:00:01Z", 86_401),
        ("1970-01-02 02:00:00+02:00", 86_400),
        ("1260759144", 1_260_759_144),
        ("1260759144000", 1_260_759_144),
        ("1260759144000000", 1_260_759_144),
        ("1260759144000000000", 1_260_759_144),
        ("20181231", 1_546_214_400),
        ("1260759144.7", 1_260_759_144),
        ("0", None),
        ("-5", None),
        ("yesterday", None),
        ("9999-01-01", None),
        ("", None),
        (None, None),
    ],
)
def test_text_becomes_seconds(connection: duckdb.DuckDBPyConnection, text: str | None, expected: int | None) -> None:
    assert seconds(connection, [text], pa.string()) == [expected]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1_260_759_144_000, None], pa.int64(), [1_260_759_144, None]),
        ([20181231], pa.int32(), [1_546_214_400]),
        ([1.5e9, float("nan"), float("inf")], pa.float64(), [1_500_000_000, None, None]),
        ([86_400_000_000], pa.timestamp("us"), [86_400]),
        ([86_400], pa.timestamp("s", "Europe/Paris"), [86_400]),
        ([1], pa.date32(), [86_400]),
        ([86_400], pa.time32("s"), [None]),
        ([True], pa.bool_(), [None]),
        ([["1970-01-02"]], pa.list_(pa.string()), [None]),
        (["1970-01-02"], pa.large_string(), [86_400]),
    ],
)
def test_typed_columns_become_seconds(
    connection: duckdb.DuckDBPyConnection, values: list[object], kind: pa.DataType, expected: list[int | None]
) -> None:
    assert seconds(connection, values, kind) == expected


def test_the_column_decides_whether_day_or_month_comes_first(connection: duckdb.DuckDBPyConnection) -> None:
    found, form = read(connection, ["01/02/1970", "31/01/1970 00:00"], pa.string())
    assert (found, form.note, form.question) == (
        [31 * 86_400, 30 * 86_400],
        "dates were read with the day first",
        None,
    )
    found, form = read(connection, ["02/01/1970", "01/31/1970"], pa.string())
    assert (found, form.note, form.question) == (
        [31 * 86_400, 30 * 86_400],
        "dates were read with the month first",
        None,
    )


def test_a_column_that_fits_both_orders_is_asked_about_and_takes_the_answer(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found, form = read(connection, ["01/02/1970"], pa.string(), "when")
    assert found == [31 * 86_400]
    assert form.question is not None
    assert "dates.when=month-first" in form.question
    found, form = read(connection, ["01/02/1970"], pa.string(), "when", "month-first")
    assert (found, form.question) == ([86_400], None)


@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: str(written["form"]))
def test_every_form_of_the_benchmark_is_read_right(
    connection: duckdb.DuckDBPyConnection, written: dict[str, Any]
) -> None:
    texts = [text for text, _ in written["values"]]
    meant = [
        None if moment == "none" else int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())
        for _, moment in written["values"]
    ]
    found, form = read(connection, texts, pa.string(), written["name"])
    assert found == meant
    assert not written.get("ask") or form.question


def test_points_put_the_day_first_without_a_question(connection: duckdb.DuckDBPyConnection) -> None:
    found, form = read(connection, ["01.02.1970"], pa.string())
    assert (found, form.question) == ([31 * 86_400], None)
    assert "day first" in form.note


def test_a_column_that_contradicts_itself_is_read_by_the_majority_and_asked_about(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found, form = read(connection, ["31/01/1970", "30/01/1970", "01/31/1970"], pa.string())
    assert found == [30 * 86_400, 29 * 86_400, None]
    assert form.question is not None
    assert "dates that only fit the other order (1) were not read" in form.note


def test_counted_days_and_years_are_said(connection: duckdb.DuckDBPyConnection) -> None:
    found, form = read(connection, [1, 711], pa.int64(), "DAY")
    assert (found, form.note) == ([86_400, 711 * 86_400], "counted days, not dates; their order is used")
    found, form = read(connection, [0, 2], pa.int64(), "week")
    assert (found, form.note) == ([7 * 86_400, 21 * 86_400], "counted weeks, not dates; their order is used")
    assert read(connection, ["1985"], pa.string(), "year")[0] == [473_385_600]


def test_a_format_is_fit_for_json(connection: duckdb.DuckDBPyConnection) -> None:
    form = read(connection, ["5. Januar 2019", "n/a"], pa.string())[1]
    written = json.loads(json.dumps(form.to_dict()))
    assert written["formats"] == [[0, "%d. %b %Y"]]
    assert form.missing == ()


@pytest.mark.parametrize(
    ("texts", "name", "dates"),
    [
        (["January 5, 2019", "May 12, 2020"], "x", True),
        (["20240101", "20240229"], "x", True),
        (["1700000000", "1700000001"], "created_at", True),
        (["1700000000", "1700000001"], "x", False),
        (["12", "13"], "date", False),
        (["36 38 40", "38 40 42"], "sizes", False),
        (["Dress", "May"], "x", False),
    ],
)
def test_columns_of_dates_are_told_from_others(texts: list[str], name: str, dates: bool) -> None:
    assert are_times(dict.fromkeys(texts, 1), name) is dates


def test_dates_that_tell_win_over_the_answer(connection: duckdb.DuckDBPyConnection) -> None:
    texts = ["31/01/1970", "02/01/1970"]
    assert read(connection, texts, pa.string(), "t", "month-first")[0] == [30 * 86_400, 86_400]
    mixed = ["31/01/1970", "01/31/1970", "02/01/1970"]
    assert read(connection, mixed, pa.string(), "t", "month-first")[0] == [None, 30 * 86_400, 31 * 86_400]
