"""Numbers and times in the forms people write, in columns: how many are read right, and how many silently wrong.

`numbers.toml` and `times.toml` hold the columns, with every value's meaning by hand. A value is silently wrong if it is read
as something else than it is, or as something where there is nothing, and the column's format asks nothing. Peers read the
same values: price-parser, Babel and dateutil one at a time, pandas a column at a time.
"""

from __future__ import annotations

import argparse
import tomllib
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from babel.numbers import NumberFormatError, parse_decimal
from dateutil import parser as dateutil_parser
from price_parser import Price

from benchmarks.moving_in import Figures
from engine.ingest.reading.numbers import number_format
from engine.ingest.reading.times import TimeFormat, time_format
from engine.ingest.staged_sql import with_texts

Reading = tuple[list[float | None], bool]
"""What was read of each value, and whether a question was asked."""
Reader = Callable[[str, Sequence[str]], Reading]
HERE = Path(__file__).parent


def measure(arguments: argparse.Namespace) -> Figures:
    """Share read right and number silently wrong, by Longtail and its peers."""
    figures: Figures = {}
    readers: dict[str, dict[str, Reader]] = {
        "numbers": {
            "longtail": read_numbers,
            "price_parser": read_prices,
            "babel": read_with_babel,
            "pandas": read_with_to_numeric,
        },
        "times": {"longtail": read_times, "dateutil": read_with_dateutil, "pandas": read_with_to_datetime},
    }
    for what, peers in readers.items():
        columns = tomllib.loads((HERE / f"{what}.toml").read_text("utf-8"))["columns"]
        for peer, reader in peers.items():
            n_values, right, wrong, faults = _judge(columns, reader)
            ours = peer == "longtail"
            suffix = "" if ours else f"_by_{peer}"
            details: dict[str, Any] = {"values": n_values, "columns": len(columns)} | (
                {"faults": faults} if ours else {}
            )
            figures[f"{what}_read_right{suffix}"] = (round(right / n_values, 4), ">= 0.98" if ours else "-", details)
            figures[f"{what}_silently_wrong{suffix}"] = (wrong, "0" if ours else "-")
    return figures


def _judge(columns: Sequence[dict[str, Any]], reader: Reader) -> tuple[int, int, int, list[str]]:
    """Values, those read right, those silently wrong, and the faults in words."""
    n_values = right = wrong = 0
    faults = []
    for column in columns:
        texts = [text for text, _ in column["values"]]
        found, asked = reader(column["name"], texts)
        for (text, meant), read in zip(column["values"], found, strict=True):
            expected = None if meant == "none" else _seconds(meant) if isinstance(meant, str) else float(meant)
            n_values += 1
            if read == expected and (asked or not column.get("ask")):
                right += 1
                continue
            silent = read is not None and not asked
            wrong += silent
            faults.append(f"{column['form']}: {text!r} is {meant}, read as {read}{' silently' if silent else ''}")
    return n_values, right, wrong, faults


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp()


def read_numbers(name: str, texts: Sequence[str]) -> Reading:
    """As products are read."""
    stripped = [text.strip() for text in texts]
    form = number_format(Counter(stripped), name)
    return [form.number(text) for text in stripped], form.question is not None


def read_prices(name: str, texts: Sequence[str]) -> Reading:
    """price-parser, which reads a value at a time."""
    return [Price.fromstring(text).amount_float for text in texts], False


def read_with_babel(name: str, texts: Sequence[str]) -> Reading:
    """Babel, strictly in American, then in German."""
    return [_by_babel(text) for text in texts], False


def _by_babel(text: str) -> float | None:
    for locale in ("en_US", "de_DE"):
        try:
            return float(parse_decimal(text, locale=locale, strict=True))
        except NumberFormatError:
            continue
    return None


def read_with_to_numeric(name: str, texts: Sequence[str]) -> Reading:
    """pandas, which reads what programs write."""
    return _optional(pd.to_numeric(pd.Series(texts), errors="coerce")), False


def read_times(name: str, texts: Sequence[str]) -> Reading:
    """As events are read."""
    kind = pa.string()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("given", pa.table({"c0": pa.array(texts, kind), "turn": range(len(texts))}))
        form = time_format(connection, "given", "c0", kind, name)
        rows = connection.execute(f"""
            SELECT {TimeFormat.whole("seconds")} FROM (
                SELECT turn, {form.seconds} AS seconds FROM (
                    SELECT turn, time_text, {form.number} AS time_number
                    FROM {with_texts("given", {"time": "c0"}, {"c0": kind})}
                )
            ) ORDER BY turn
        """).fetchall()
    return [row[0] for row in rows], form.question is not None


def read_with_dateutil(name: str, texts: Sequence[str]) -> Reading:
    """dateutil, which reads a value at a time, with the month first unless that cannot be."""
    return [_by_dateutil(text) for text in texts], False


def _by_dateutil(text: str) -> float | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            moment = dateutil_parser.parse(text, default=datetime(1970, 1, 1))
    except (ValueError, OverflowError):
        return None
    return float(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))


def read_with_to_datetime(name: str, texts: Sequence[str]) -> Reading:
    """pandas, which guesses the form of each value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moments = pd.to_datetime(pd.Series(texts), format="mixed", errors="coerce", utc=True)
    return [None if pd.isna(moment) else float(int(moment.timestamp())) for moment in moments], False


def _optional(numbers: pd.Series) -> list[float | None]:
    return [None if number != number else float(number) for number in numbers]
