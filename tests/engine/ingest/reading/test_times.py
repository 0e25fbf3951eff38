from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from engine.ingest.reading.times import TimeFormat, time_format
from engine.ingest.staged_sql import with_texts


@pytest.fixture
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
