"""How a file of events is read, decided once from its columns as a whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from engine.ingest.event_kinds import EventKinds, look_at_kinds
from engine.ingest.presets import EventRules
from engine.ingest.rating_scale import rating_scale
from engine.ingest.reading.column_format import answer_for
from engine.ingest.reading.number_format import NumberFormat
from engine.ingest.reading.numbers import number_format
from engine.ingest.reading.samples import sampled_texts
from engine.ingest.reading.times import NO_TIMES, TimeFormat, time_format
from engine.ingest.shoppers import Shoppers, look_at_shoppers
from engine.ingest.sources import Source
from engine.ingest.staged_sql import IdRules, staged_types, with_texts

__all__ = ["EventPlan", "look_at_events", "lowest_rating", "written_columns"]

_VALUE_FIELDS = ("rating", "quantity", "value")


@dataclass(frozen=True)
class EventPlan:
    """What was decided about a file of events before its rows are read.

    Attributes
    ----------
    columns : field -> column of the file.
    value_field : of `_VALUE_FIELDS`, the one in `columns`.
    value_kind : "rating", "quantity" or None.
    numbers : "value" and "price", where the file has them -> how they are written.
    missing : product texts that mean "no value".
    """

    source: Source
    columns: Mapping[str, str]
    rules: EventRules
    ids: IdRules
    value_field: str | None
    value_kind: str | None
    kinds: EventKinds
    shoppers: Shoppers
    times: TimeFormat
    numbers: Mapping[str, NumberFormat]
    missing: Collection[str]

    def staged(self) -> dict[str, str]:
        """Field -> staged column; the numbers are "value", whatever they mean, and the times "time"."""
        staged = {
            name: self.source.staged(column) for name, column in self.columns.items() if name not in _VALUE_FIELDS
        }
        if "timestamp" in staged:
            staged["time"] = staged.pop("timestamp")
        if self.value_field:
            staged["value"] = self.source.staged(self.columns[self.value_field])
        return staged


def look_at_events(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    columns: Mapping[str, str],
    rules: EventRules,
    ids: IdRules,
    missing: Collection[str],
    formats: Mapping[str, str],
    key: Callable[[], bytes],
) -> EventPlan:
    """Look at the columns of the view `staged` as a whole and decide how to read each; parameters as for `clean_events`."""
    kinds = look_at_kinds(connection, source, columns, rules.event)
    people = [source.staged(columns[name]) for name in ("user_id", "visitor_id") if name in columns]
    shoppers = look_at_shoppers(connection, source.path, people, rules, key)
    value_field = next((name for name in _VALUE_FIELDS if name in columns), None)
    value_kind = value_field
    if value_field == "value":
        # A column merely called "value" holds ratings where the events are ratings, else quantities.
        value_kind = "rating" if "rating" in kinds.found else "quantity"
    times = _time_format(connection, source, columns.get("timestamp"), formats)
    named = {"value": columns.get(value_field or ""), "price": columns.get("price")}
    written = {name: column for name, column in named.items() if column}
    numbers = _number_formats(connection, source, written, formats)
    return EventPlan(source, columns, rules, ids, value_field, value_kind, kinds, shoppers, times, numbers, missing)


def _time_format(
    connection: duckdb.DuckDBPyConnection, source: Source, column: str | None, formats: Mapping[str, str]
) -> TimeFormat:
    if column is None:
        return NO_TIMES
    staged = source.staged(column)
    kind = staged_types(source.path)[staged]
    return time_format(connection, "staged", staged, kind, column, answer_for(formats, "dates", column))


def _number_formats(
    connection: duckdb.DuckDBPyConnection, source: Source, columns: Mapping[str, str], formats: Mapping[str, str]
) -> dict[str, NumberFormat]:
    """ "value" and "price" -> how the numbers of their columns are written."""
    types = staged_types(source.path)
    found = {}
    for name, column in columns.items():
        staged = source.staged(column)
        typed = pa.types.is_integer(types[staged]) or pa.types.is_floating(types[staged])
        texts = {} if typed else sampled_texts(connection, "staged", staged, types[staged])
        found[name] = number_format(texts, column, answer_for(formats, "numbers", column))
    return found


def lowest_rating(connection: duckdb.DuckDBPyConnection, plan: EventPlan) -> tuple[float | None, list[str]]:
    """The lowest rating that is interest: the preset's, else the middle of the scale; and what the report says of it."""
    if plan.value_kind != "rating" or plan.value_field is None:
        return None, []
    if plan.rules.min_rating is not None:
        return plan.rules.min_rating, []
    column = plan.columns[plan.value_field]
    relation = with_texts("staged", {"value": plan.source.staged(column)}, staged_types(plan.source.path))
    unrated = "NULL" if plan.rules.unrated is None else repr(plan.rules.unrated)
    numbers = f"(SELECT nullif({plan.numbers['value'].sql('value_text')}, {unrated}) AS value FROM {relation})"
    smallest, largest, n = connection.execute(
        f"SELECT min(value), max(value), count(*) FROM {numbers} WHERE isfinite(value)"
    ).fetchall()[0]
    if not n:
        return None, []
    scale = rating_scale(smallest, largest, n)
    low = connection.execute(f"SELECT count(*) FROM {numbers} WHERE value < {scale.lowest!r}").fetchall()[0][0]
    said = (
        f"{column} runs from {scale.worst:g} to {scale.best:g}; ratings below the middle ({scale.lowest:g}) do not count as interest:"
        f" {low:,} of {n:,}. interactions.min_rating sets another limit"
    )
    return scale.lowest, [said]


def written_columns(plan: EventPlan) -> list[tuple[str, NumberFormat | TimeFormat]]:
    """The columns of times and numbers, and how they are written."""
    fields = {"value": plan.value_field or "", "price": "price"}
    times = [(plan.columns["timestamp"], plan.times)] if "timestamp" in plan.columns else []
    return times + [(plan.columns[fields[name]], form) for name, form in plan.numbers.items()]
