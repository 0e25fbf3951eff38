"""A staged table of events -> cleaned events in Parquet, every rejected row counted and the first ten shown.

All of it is SQL over Parquet in DuckDB, so that the number of events is bounded by the disk and not by memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from engine.core.errors import InteractionsError
from engine.ingest.columns import ITEM_TEXTS
from engine.ingest.presets import EventRules
from engine.ingest.readers import ROW, Source
from engine.ingest.report import SHOWN_PER_KIND, Problem, ProblemLog
from engine.ingest.staged_sql import Check, IdRules, id_checks, id_sql, number_sql, quoted, staged_types, with_texts
from engine.ingest.times import NO_TIMES, TimePlan, plan_times

__all__ = ["CleanEvents", "clean_events"]

VALUE_FIELDS = ("rating", "quantity", "value")
_MAX_EVENT_KINDS = 200
# How dates are written is told from about so many rows, taken evenly.
_TIMES_LOOKED_AT = 200_000
_EVENT_NAMES = {
    "view": ("pageview", "page_view", "view_item", "detail", "product_view", "impression_click", "item_view"),
    "click": ("clicks", "clicked", "select_item"),
    "cart": ("addtocart", "add_to_cart", "add to cart", "add-to-cart", "basket", "add_to_basket", "addcart"),
    "purchase": ("transaction", "buy", "bought", "order", "ordered", "purchased", "sale", "checkout", "sold"),
    "rating": ("rate", "rated", "review", "reviewed"),
}
# Events that take interest back; which earlier event they undo is not known, so they are left out and reported.
_TAKEN_BACK = r"^(remove|return|refund|cancel|dislike|un)[a-z_ -]*"


@dataclass(frozen=True)
class CleanEvents:
    """What is left of the events.

    Attributes
    ----------
    path : Parquet in `EVENT_SCHEMA`.
    value_kind : "rating", "quantity" or None.
    products : item_id, title, description, brand, category, price, image as the events tell them: the most
        frequent text and the median price of every item that is left.
    """

    path: Path
    n_kept: int
    value_kind: str | None
    products: pd.DataFrame
    notes: list[str] = field(default_factory=list)


def clean_events(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    columns: Mapping[str, str],
    rules: EventRules,
    ids: IdRules,
    known_items: pd.Series | None,
    missing: Collection[str],
    problems: ProblemLog,
) -> CleanEvents:
    """Check, normalise and write the events of `source` beside its staged file.

    Parameters
    ----------
    columns : field -> column of the file: user_id and item_id at least; rating, quantity or value; event; timestamp;
        price; and the product texts of a data set that is one file.
    known_items : ids that events may name; None where products are derived from the events.
    missing : product texts that mean that there is none.

    Raises `InteractionsError` when a required column is absent or no event is left.
    """
    for name, who in (("user_id", "shopper"), ("item_id", "product")):
        if name not in columns:
            raise InteractionsError(
                f"no column is known as the {who}. Say which it is, e.g. {name}=COLUMN."
                f" The columns are: {', '.join(filter(None, source.columns))}.",
                file=source.name,
                field=name,
            )
    connection.execute(f"CREATE OR REPLACE VIEW staged AS SELECT * FROM read_parquet({quoted(str(source.path))})")
    value_field = next((name for name in VALUE_FIELDS if name in columns), None)
    words = _event_words(connection, source, columns.get("event"))
    value_kind = _value_kind(value_field, words, rules)
    times = _plan_times(connection, source, columns.get("timestamp"))
    checks = _checks(columns, rules, value_field, value_kind, known_items is not None)
    checked = source.path.with_name("checked.parquet")
    layers = _layers(source, columns, rules, ids, value_field, words, times, missing)
    _write_checked(connection, layers, checks, known_items, checked)
    _log_problems(connection, source.name, columns, checks, problems)
    clean = source.path.with_name("events.parquet")
    connection.execute(
        "COPY (SELECT user_id, item_id, event, value, timestamp FROM checked WHERE rejected IS NULL)"
        f" TO {quoted(str(clean))} (FORMAT parquet, COMPRESSION zstd)"
    )
    n_kept = int(connection.execute("SELECT count(*) FROM checked WHERE rejected IS NULL").fetchall()[0][0])
    if not n_kept:
        raise InteractionsError(
            f"none of the {source.n_rows:,} events can be used.\n{problems.summary()}", file=source.name
        )
    products = _derive_products(connection, [name for name in ITEM_TEXTS if name in columns])
    connection.execute("DROP VIEW checked; DROP VIEW staged")
    checked.unlink()
    return CleanEvents(clean, n_kept, value_kind, products, [times.note] if times.note else [])


def _event_words(connection: duckdb.DuckDBPyConnection, source: Source, column: str | None) -> dict[str, str]:
    """Each word the file uses for a kind of event, in lower case -> the kind's name."""
    if column is None:
        return {}
    staged = source.staged(column)
    relation = with_texts("staged", {"event": staged}, staged_types(source.path))
    found = connection.execute(
        f"SELECT DISTINCT lower(event_text) FROM {relation} WHERE event_text IS NOT NULL LIMIT {_MAX_EVENT_KINDS + 1}"
    ).fetchall()
    if len(found) > _MAX_EVENT_KINDS:
        raise InteractionsError(
            f"more than {_MAX_EVENT_KINDS} different values are too many for kinds of event such as view, cart and"
            " purchase. Say which column tells the kind, e.g. event=COLUMN, or event= for none.",
            file=source.name,
            field=column,
        )
    known = {word: name for name, words in _EVENT_NAMES.items() for word in words}
    return {word: known.get(word, word) for (word,) in found}


def _value_kind(value_field: str | None, words: Mapping[str, str], rules: EventRules) -> str | None:
    """What the numbers are; a column merely called "value" holds ratings where events say so, else quantities."""
    if value_field != "value":
        return value_field
    return "rating" if "rating" in words.values() or rules.event == "rating" else "quantity"


def _plan_times(connection: duckdb.DuckDBPyConnection, source: Source, column: str | None) -> TimePlan:
    if column is None:
        return NO_TIMES
    staged = source.staged(column)
    step = max(source.n_rows // _TIMES_LOOKED_AT, 1)
    sample = f"(SELECT * FROM staged WHERE {ROW} % {step} = 0)" if step > 1 else "staged"
    return plan_times(connection, sample, staged, staged_types(source.path)[staged])


def _layers(
    source: Source,
    columns: Mapping[str, str],
    rules: EventRules,
    ids: IdRules,
    value_field: str | None,
    words: Mapping[str, str],
    times: TimePlan,
    missing: Collection[str],
) -> str:
    """A relation with one row per event and every field, nulls for absent ones, computed step upon step."""
    types = staged_types(source.path)
    staged = {name: source.staged(column) for name, column in columns.items() if name not in VALUE_FIELDS}
    staged["time"] = staged.pop("timestamp", "")
    if value_field:
        staged["value"] = source.staged(columns[value_field])
    present = {name: column for name, column in staged.items() if column}

    def text(name: str) -> str:
        return f"{name}_text" if name in present else "NULL::VARCHAR"

    user = id_sql("user_id_text")
    for nobody in rules.no_user:
        user = f"nullif({user}, {quoted(nobody)})"
    word = "lower(event_text)" if "event" in present else quoted(rules.event) if rules.event else "NULL::VARCHAR"
    numbers = ", ".join(
        f"{number_sql(f'{name}_text')} AS {name}, {name}_raw"
        if name in present
        else f"NULL::DOUBLE AS {name}, NULL::VARCHAR AS {name}_raw"
        for name in ("value", "price")
    )
    renamed = {word: name for word, name in words.items() if word != name}
    event = "word"
    if renamed:
        cases = " ".join(f"WHEN {quoted(word)} THEN {quoted(name)}" for word, name in renamed.items())
        event = f"CASE word {cases} ELSE word END"
    texts = ", ".join(f"{_present_sql(text(name), missing)} AS {name}" for name in ITEM_TEXTS)
    return f"""(
        SELECT * EXCLUDE (word, time_number), {event} AS event, {times.seconds} AS seconds FROM (
            SELECT {ROW}, {user} AS user_id, {id_sql("item_id_text", ids)} AS item_id, {word} AS word, {numbers},
                {text("time")} AS time_text, {times.number} AS time_number, {texts}
            FROM {with_texts("staged", present, types)}
        )
    )"""


def _present_sql(text: str, missing: Collection[str]) -> str:
    return f"CASE WHEN {text} IN ({', '.join(map(quoted, missing))}) THEN NULL ELSE {text} END" if missing else text


def _checks(
    columns: Mapping[str, str], rules: EventRules, value_field: str | None, value_kind: str | None, items_given: bool
) -> list[Check]:
    """What rejects an event, in the order in which it is looked for."""
    checks = id_checks("user_id", "user_id", "shopper") + id_checks("item_id", "item_id", "product")
    if rules.item_pattern:
        pattern = f"NOT regexp_matches(item_id, {quoted(rules.item_pattern)})"
        message = "this code is not a product's (postage, fees, adjustments); the row was left out."
        checks.append(Check("not_a_product", "item_id", pattern, "item_id", message))
    if value_field:
        checks += _number_checks(value_field, "value")
        if value_kind == "quantity":
            message = "the quantity is zero, so nothing was wanted. Remove the row."
            checks.append(Check("zero_quantity", value_field, "value = 0", "value_raw", message))
    if "price" in columns:
        checks += _number_checks("price", "price")
        if rules.price_above_zero:
            message = "there is no price, so this is no sale; the row was left out."
            checks.append(Check("no_price", "price", "coalesce(price, 0) = 0", "price_raw", message))
    if "event" in columns:
        message = "this event takes interest back; the row was left out."
        checks.append(Check("taken_back", "event", f"regexp_matches(event, {quoted(_TAKEN_BACK)})", "event", message))
    if items_given:
        message = "no product of this shop has this id. Add the product or remove the row."
        checks.append(Check("unknown_item", "item_id", "known_id IS NULL", "item_id", message))
    return checks


def _number_checks(field_name: str, name: str) -> list[Check]:
    text = f"{name}_raw"
    return [
        Check(
            "not_a_number",
            field_name,
            f"{text} IS NOT NULL AND ({name} IS NULL OR isnan({name}) OR isinf({name}))",
            text,
            f"the {field_name} is not a number. Mend it, or leave it empty.",
        ),
        Check("negative_number", field_name, f"{name} < 0", text, f"the {field_name} is negative. Remove the row."),
    ]


def _write_checked(
    connection: duckdb.DuckDBPyConnection,
    events: str,
    checks: list[Check],
    known_items: pd.Series | None,
    target: Path,
) -> None:
    """Write one row per event with `rejected`, the position of the first check it fails; make the view `checked`."""
    rejected = " ".join(f"WHEN {check.condition} THEN {position}" for position, check in enumerate(checks))
    found = " ".join(f"WHEN rejected = {position} THEN {check.value}" for position, check in enumerate(checks))
    join = ""
    if known_items is not None:
        connection.register("given", pa.table({"item_id": pa.array(known_items, pa.string())}))
        connection.execute("CREATE OR REPLACE TABLE known AS SELECT item_id AS known_id FROM given")
        connection.unregister("given")
        join = "LEFT JOIN known ON known_id = item_id"
    connection.execute(f"""
        COPY (
            SELECT {ROW}, user_id, item_id, event, value, {TimePlan.whole("seconds")} AS timestamp, time_text, price,
                {", ".join(ITEM_TEXTS)}, rejected, (CASE {found} END)::VARCHAR AS found
            FROM (SELECT *, CASE {rejected} END AS rejected FROM {events} {join})
        ) TO {quoted(str(target))} (FORMAT parquet, COMPRESSION lz4)
    """)
    connection.execute(f"CREATE OR REPLACE VIEW checked AS SELECT * FROM read_parquet({quoted(str(target))})")


def _log_problems(
    connection: duckdb.DuckDBPyConnection,
    file: str,
    columns: Mapping[str, str],
    checks: list[Check],
    problems: ProblemLog,
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
            Problem(file, row, columns.get(check.field, check.field), check.kind, check.message, value)
            for row, failed, value in rows
            if failed == position
        ]
        problems.extend(shown, {check.kind: count})
    if "timestamp" not in columns:
        return
    unread = "FROM checked WHERE rejected IS NULL AND timestamp IS NULL AND time_text IS NOT NULL"
    count = connection.execute(f"SELECT count(*) {unread}").fetchall()[0][0]
    rows = connection.execute(f"SELECT {ROW}, time_text {unread} ORDER BY {ROW} LIMIT {SHOWN_PER_KIND}").fetchall()
    message = "the time cannot be read; the event was kept without it. Write times like 2024-05-31 14:00:00."
    shown = [Problem(file, row, columns["timestamp"], "unreadable_time", message, value) for row, value in rows]
    problems.extend(shown, {"unreadable_time": count} if count else {})


def _derive_products(connection: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> pd.DataFrame:
    """One row per item that is left, by id: its most frequent texts (of equally frequent ones the first) and median price."""
    products = "SELECT item_id, median(price) AS price FROM checked WHERE rejected IS NULL GROUP BY item_id"
    joined = "SELECT p.item_id, p.price"
    joins = ""
    for name in texts:
        joined += f", t_{name}.{name}"
        joins += f"""
            LEFT JOIN (
                SELECT item_id, {name} FROM checked WHERE rejected IS NULL AND {name} IS NOT NULL GROUP BY item_id, {name}
                QUALIFY row_number() OVER (PARTITION BY item_id ORDER BY count(*) DESC, {name}) = 1
            ) t_{name} ON t_{name}.item_id = p.item_id
        """
    return connection.execute(f"{joined} FROM ({products}) p {joins} ORDER BY p.item_id").df()
