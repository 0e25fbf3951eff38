"""A staged table of events -> clean events in Parquet; every rejected row is counted and the first ten are shown.

All of it is SQL over Parquet in DuckDB, so the disk bounds the number of events, not memory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from engine.catalogue.taken_back import TAKEN_BACK
from engine.core.errors import InteractionsError
from engine.ingest.cells import plain_texts
from engine.ingest.columns import ITEM_TEXTS
from engine.ingest.event_kinds import look_at_kinds
from engine.ingest.event_sql import VALUE_FIELDS, EventPlan, event_checks, item_ids_sql, normalised_sql
from engine.ingest.matching import KnownProducts, match_ids
from engine.ingest.presets import EventRules
from engine.ingest.rating_scale import rating_scale
from engine.ingest.reading.column_format import answer_for
from engine.ingest.reading.number_format import NumberFormat
from engine.ingest.reading.numbers import number_format
from engine.ingest.reading.samples import sampled_texts
from engine.ingest.reading.times import NO_TIMES, TimeFormat, time_format
from engine.ingest.report import SHOWN_PER_KIND, Problem, ProblemLog
from engine.ingest.robots import count_shoppers, robots_note
from engine.ingest.shoppers import look_at_shoppers
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import Check, IdRules, quoted, staged_types, with_texts

__all__ = ["CleanEvents", "clean_events"]


@dataclass(frozen=True)
class CleanEvents:
    """The events that can be loaded.

    Attributes
    ----------
    path : Parquet in `EVENT_SCHEMA`; what takes interest back is an event too (`engine.catalogue.taken_back`).
    value_kind : "rating", "quantity" or None.
    min_rating : ratings below it are no interest; None where events have no ratings.
    products : item_id, and title, description, brand, category, price, image as the events have them: the most
        frequent text and the median price of every item that can be loaded.
    currency : the ISO code or sign that all prices carry, if they do.
    formats : how numbers and dates were found to be written, as in `Corrections.formats`.
    """

    path: Path
    n_kept: int
    n_shoppers: int
    value_kind: str | None
    min_rating: float | None
    products: pd.DataFrame
    currency: str | None
    formats: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def clean_events(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    columns: Mapping[str, str],
    rules: EventRules,
    ids: IdRules,
    known: KnownProducts | None,
    missing: Collection[str],
    formats: Mapping[str, str],
    key: Callable[[], bytes],
    problems: ProblemLog,
) -> CleanEvents:
    """Check, normalise and write the events of `source` next to its staged file.

    Parameters
    ----------
    columns : field -> column of the file: user_id and item_id at least; visitor_id; rating, quantity or value; event;
        status and cancelled_at of orders; timestamp; price; and the product texts of a data set that is one file.
    known : the products that events may name; None where products are derived from the events.
    missing : product texts that mean "no value".
    formats : how numbers and dates are written, as the person said (`Corrections.formats`).
    key : gives the workspace's key for shoppers that are e-mail addresses.

    Raises `InteractionsError` when a required column is absent or no event can be loaded.
    """
    _require_columns(source, columns)
    connection.execute(f"CREATE OR REPLACE VIEW staged AS SELECT * FROM read_parquet({quoted(str(source.path))})")
    plan = _plan(connection, source, columns, rules, ids, missing, formats, key)
    notes = [*plan.kinds.notes, *plan.shoppers.notes]
    hints = []
    if known is not None:
        hints = match_ids(connection, item_ids_sql(source, columns["item_id"], ids), known).notes
    min_rating, said = _lowest_rating(connection, plan)
    notes += [*hints, *said, *(line for column, form in _written(plan) for line in form.notes(column))]
    checks = event_checks(plan, items_given=known is not None)
    checked = source.path.with_name("checked.parquet")
    _write_checked(connection, normalised_sql(plan), checks, known is not None, checked)
    _log_rejected(connection, plan, checks, problems)
    _log_unread(connection, plan, problems)
    path, n_loaded = _write_accepted(connection, source.path.with_name("events.parquet"))
    if not n_loaded:
        why = "\n".join([*hints, problems.summary()])
        raise InteractionsError(f"none of the {source.n_rows:,} events can be used.\n{why}", file=source.name)
    n_shoppers = count_shoppers(connection, path)
    notes += filter(None, [_returned_note(connection, plan), robots_note(connection, path, n_shoppers)])
    products, said = _derive_products(
        connection, {name: columns[name] for name in ITEM_TEXTS if name in columns}, "price" in columns
    )
    notes += said
    connection.execute("DROP VIEW checked; DROP VIEW staged; DROP TABLE activity")
    checked.unlink()
    currency = plan.numbers["price"].currency if "price" in plan.numbers else None
    return CleanEvents(path, n_loaded, n_shoppers, plan.value_kind, min_rating, products, currency, _found(plan), notes)


def _written(plan: EventPlan) -> list[tuple[str, NumberFormat | TimeFormat]]:
    """The columns of times and numbers, and how they are written."""
    fields = {"value": plan.value_field or "", "price": "price"}
    times = [(plan.columns["timestamp"], plan.times)] if "timestamp" in plan.columns else []
    return times + [(plan.columns[fields[name]], form) for name, form in plan.numbers.items()]


def _found(plan: EventPlan) -> dict[str, str]:
    return {key: said for column, form in _written(plan) for key, said in form.answers(column).items()}


def _require_columns(source: Source, columns: Mapping[str, str]) -> None:
    for name, who in (("user_id", "shopper"), ("item_id", "product")):
        if name not in columns:
            raise InteractionsError(
                f"no column is known as the {who}. Say which it is, e.g. {name}=COLUMN."
                f" The columns are: {', '.join(filter(None, source.columns))}.",
                file=source.name,
                field=name,
            )


def _plan(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    columns: Mapping[str, str],
    rules: EventRules,
    ids: IdRules,
    missing: Collection[str],
    formats: Mapping[str, str],
    key: Callable[[], bytes],
) -> EventPlan:
    """Look at the columns as a whole and decide how to read each."""
    kinds = look_at_kinds(connection, source, columns, rules.event)
    people = [source.staged(columns[name]) for name in ("user_id", "visitor_id") if name in columns]
    shoppers = look_at_shoppers(connection, source.path, people, rules, key)
    value_field = next((name for name in VALUE_FIELDS if name in columns), None)
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


def _lowest_rating(connection: duckdb.DuckDBPyConnection, plan: EventPlan) -> tuple[float | None, list[str]]:
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
        f"{column} runs from {scale.worst:g} to {scale.best:g}; ratings below the middle ({scale.lowest:g}) are no interest:"
        f" {low:,} of {n:,}. interactions.min_rating sets another limit"
    )
    return scale.lowest, [said]


def _write_checked(
    connection: duckdb.DuckDBPyConnection, events: str, checks: list[Check], items_given: bool, target: Path
) -> None:
    """Write one row per event with `rejected`, the position of the first check that it fails; create the view `checked`."""
    rejected = " ".join(f"WHEN {check.condition} THEN {position}" for position, check in enumerate(checks))
    found = " ".join(
        f"WHEN rejected = {position} THEN ({check.value})::VARCHAR" for position, check in enumerate(checks)
    )
    join = "LEFT JOIN known ON event_id = item_id" if items_given else ""
    connection.execute(f"""
        COPY (
            SELECT {ROW}, user_id, {"coalesce(known_id, item_id) AS item_id" if items_given else "item_id"}, event, value,
                {TimeFormat.whole("seconds")} AS timestamp, CASE WHEN {TimeFormat.whole("seconds")} IS NULL THEN time_text::VARCHAR END AS time_text,
                price, CASE WHEN price IS NULL THEN price_raw::VARCHAR END AS price_text,
                {", ".join(ITEM_TEXTS)}, rejected, (CASE {found} END)::VARCHAR AS found
            FROM (SELECT *, CASE {rejected} END AS rejected FROM {events} {join})
        ) TO {quoted(str(target))} (FORMAT parquet, COMPRESSION lz4)
    """)
    connection.execute(f"CREATE OR REPLACE VIEW checked AS SELECT * FROM read_parquet({quoted(str(target))})")


def _log_rejected(
    connection: duckdb.DuckDBPyConnection, plan: EventPlan, checks: list[Check], problems: ProblemLog
) -> None:
    first = f"QUALIFY row_number() OVER (PARTITION BY rejected ORDER BY {ROW}) <= {SHOWN_PER_KIND}"
    counts = connection.execute(
        "SELECT rejected, count(*) FROM checked WHERE rejected IS NOT NULL GROUP BY 1"
    ).fetchall()
    rows = connection.execute(
        f"SELECT {ROW}, rejected, found FROM checked WHERE rejected IS NOT NULL {first} ORDER BY rejected, {ROW}"
    ).fetchall()
    for position, count in sorted(counts):
        check = checks[position]
        shown = [
            Problem(plan.source.name, row, plan.columns.get(check.field, check.field), check.kind, check.message, value)
            for row, failed, value in rows
            if failed == position
        ]
        problems.extend(shown, {check.kind: count})


# Field, and what is written where it could not be read: the event stands without it.
_UNREAD = (
    (
        "timestamp",
        "time_text",
        "unreadable_time",
        "the time cannot be read; the event was loaded without it. Write times like 2024-05-31 14:00:00.",
    ),
    (
        "price",
        "price_text",
        "unreadable_price",
        "the price is negative or no number; the event was loaded without it. Write prices like 12.50.",
    ),
)


def _log_unread(connection: duckdb.DuckDBPyConnection, plan: EventPlan, problems: ProblemLog) -> None:
    for name, text, kind, message in _UNREAD:
        if name not in plan.columns:
            continue
        unread = f"FROM checked WHERE rejected IS NULL AND {name} IS NULL AND {text} IS NOT NULL"
        count = connection.execute(f"SELECT count(*) {unread}").fetchall()[0][0]
        rows = connection.execute(f"SELECT {ROW}, {text} {unread} ORDER BY {ROW} LIMIT {SHOWN_PER_KIND}").fetchall()
        shown = [Problem(plan.source.name, row, plan.columns[name], kind, message, value) for row, value in rows]
        problems.extend(shown, {kind: count} if count else {})


def _write_accepted(connection: duckdb.DuckDBPyConnection, target: Path) -> tuple[Path, int]:
    """Write the events that passed every check to `target`; the path and their number."""
    written = connection.execute(
        "COPY (SELECT user_id, item_id, event, value, timestamp FROM checked WHERE rejected IS NULL)"
        f" TO {quoted(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )
    return target, int(written.fetchall()[0][0])


def _returned_note(connection: duckdb.DuckDBPyConnection, plan: EventPlan) -> str | None:
    """What the report says of negative quantities: returns that no word names."""
    if plan.value_kind != "quantity":
        return None
    named = plan.kinds.found & set(TAKEN_BACK)
    back = ", ".join(quoted(kind) for kind in TAKEN_BACK if kind not in named)
    count = connection.execute(
        f"SELECT count(*) FROM checked WHERE rejected IS NULL AND event IN ({back}) AND event != 'void'"
    ).fetchall()[0][0]
    if not count:
        return None
    return f"{count:,} rows with a negative quantity are returns: they count against what the shopper bought before"


def _derive_products(
    connection: duckdb.DuckDBPyConnection, texts: Mapping[str, str], priced: bool
) -> tuple[pd.DataFrame, list[str]]:
    """One row per item of an accepted event, by id, and what was decided about its texts (field -> column): its most
    frequent texts, the first of equally frequent ones, and its median price."""
    price = "median(price)" if priced else "NULL::DOUBLE"
    products = f"SELECT item_id, {price} AS price FROM checked WHERE rejected IS NULL GROUP BY item_id"
    selected = "SELECT p.item_id, p.price" + "".join(f", t_{name}.{name}" for name in texts)
    joins = ""
    for name in texts:
        joins += f"""
            LEFT JOIN (
                SELECT item_id, {name} FROM checked WHERE rejected IS NULL AND {name} IS NOT NULL GROUP BY item_id, {name}
                QUALIFY row_number() OVER (PARTITION BY item_id ORDER BY count(*) DESC, {name}) = 1
            ) t_{name} ON t_{name}.item_id = p.item_id
        """
    frame = connection.execute(f"{selected} FROM ({products}) p {joins} ORDER BY p.item_id").df()
    notes = []
    for name, column in texts.items():
        values = frame[name].astype(object).where(frame[name].notna(), None)
        plain, said = plain_texts(values, name, column)
        frame[name] = pd.Series(plain, index=frame.index, dtype="str")
        notes += said
    return frame, notes
