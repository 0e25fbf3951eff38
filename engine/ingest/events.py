"""A staged table of events -> clean events in Parquet; every rejected row is counted and the first ten are shown.

All of it is SQL over Parquet in DuckDB, so the disk bounds the number of events, not memory.
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
from engine.ingest.event_sql import VALUE_FIELDS, event_checks, normalised_sql
from engine.ingest.presets import EventRules
from engine.ingest.report import SHOWN_PER_KIND, Problem, ProblemLog
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import Check, IdRules, quoted, staged_types, with_texts
from engine.ingest.times import NO_TIMES, TimePlan, plan_times

__all__ = ["CleanEvents", "clean_events"]

_MAX_EVENT_KINDS = 200
# The date format is inferred from about so many rows, taken evenly.
_TIMES_SAMPLED = 200_000
_EVENT_NAMES = {
    "view": ("pageview", "page_view", "view_item", "detail", "product_view", "impression_click", "item_view"),
    "click": ("clicks", "clicked", "select_item"),
    "cart": ("addtocart", "add_to_cart", "add to cart", "add-to-cart", "basket", "add_to_basket", "addcart"),
    "purchase": ("transaction", "buy", "bought", "order", "ordered", "purchased", "sale", "checkout", "sold"),
    "rating": ("rate", "rated", "review", "reviewed"),
}


@dataclass(frozen=True)
class CleanEvents:
    """The events that can be loaded.

    Attributes
    ----------
    path : Parquet in `EVENT_SCHEMA`.
    value_kind : "rating", "quantity" or None.
    products : item_id, and title, description, brand, category, price, image as the events have them: the most
        frequent text and the median price of every item that can be loaded.
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
    """Check, normalise and write the events of `source` next to its staged file.

    Parameters
    ----------
    columns : field -> column of the file: user_id and item_id at least; rating, quantity or value; event; timestamp;
        price; and the product texts of a data set that is one file.
    known_items : ids that events may name; None where products are derived from the events.
    missing : product texts that mean "no value".

    Raises `InteractionsError` when a required column is absent or no event can be loaded.
    """
    _require_columns(source, columns)
    connection.execute(f"CREATE OR REPLACE VIEW staged AS SELECT * FROM read_parquet({quoted(str(source.path))})")
    value_field = next((name for name in VALUE_FIELDS if name in columns), None)
    words = _event_words(connection, source, columns.get("event"))
    value_kind = _value_kind(value_field, words, rules)
    times = _plan_times(connection, source, columns.get("timestamp"))
    checks = event_checks(columns, rules, value_field, value_kind, items_given=known_items is not None)
    checked = source.path.with_name("checked.parquet")
    normalised = normalised_sql(source, columns, rules, ids, value_field, words, times, missing)
    _write_checked(connection, normalised, checks, known_items, checked)
    _log_rejected(connection, source.name, columns, checks, problems)
    if "timestamp" in columns:
        _log_unread_times(connection, source.name, columns["timestamp"], problems)
    path, n_loaded = _write_accepted(connection, source.path.with_name("events.parquet"))
    if not n_loaded:
        raise InteractionsError(
            f"none of the {source.n_rows:,} events can be used.\n{problems.summary()}", file=source.name
        )
    products = _derive_products(connection, [name for name in ITEM_TEXTS if name in columns])
    connection.execute("DROP VIEW checked; DROP VIEW staged")
    checked.unlink()
    return CleanEvents(path, n_loaded, value_kind, products, [times.note] if times.note else [])


def _require_columns(source: Source, columns: Mapping[str, str]) -> None:
    for name, who in (("user_id", "shopper"), ("item_id", "product")):
        if name not in columns:
            raise InteractionsError(
                f"no column is known as the {who}. Say which it is, e.g. {name}=COLUMN."
                f" The columns are: {', '.join(filter(None, source.columns))}.",
                file=source.name,
                field=name,
            )


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
            " purchase. Say which column holds the kind, e.g. event=COLUMN, or event= for none.",
            file=source.name,
            field=column,
        )
    known = {word: name for name, words in _EVENT_NAMES.items() for word in words}
    return {word: known.get(word, word) for (word,) in found}


def _value_kind(value_field: str | None, words: Mapping[str, str], rules: EventRules) -> str | None:
    """What the numbers mean; a column merely called "value" holds ratings where the events are ratings, else quantities."""
    if value_field != "value":
        return value_field
    return "rating" if "rating" in words.values() or rules.event == "rating" else "quantity"


def _plan_times(connection: duckdb.DuckDBPyConnection, source: Source, column: str | None) -> TimePlan:
    if column is None:
        return NO_TIMES
    staged = source.staged(column)
    step = max(source.n_rows // _TIMES_SAMPLED, 1)
    sample = f"(SELECT * FROM staged WHERE {ROW} % {step} = 0)" if step > 1 else "staged"
    return plan_times(connection, sample, staged, staged_types(source.path)[staged])


def _write_checked(
    connection: duckdb.DuckDBPyConnection,
    events: str,
    checks: list[Check],
    known_items: pd.Series | None,
    target: Path,
) -> None:
    """Write one row per event with `rejected`, the position of the first check that it fails; create the view `checked`."""
    rejected = " ".join(f"WHEN {check.condition} THEN {position}" for position, check in enumerate(checks))
    found = " ".join(f"WHEN rejected = {position} THEN {check.value}" for position, check in enumerate(checks))
    join = "" if known_items is None else _join_known(connection, known_items)
    connection.execute(f"""
        COPY (
            SELECT {ROW}, user_id, item_id, event, value, {TimePlan.whole("seconds")} AS timestamp, time_text, price,
                {", ".join(ITEM_TEXTS)}, rejected, (CASE {found} END)::VARCHAR AS found
            FROM (SELECT *, CASE {rejected} END AS rejected FROM {events} {join})
        ) TO {quoted(str(target))} (FORMAT parquet, COMPRESSION lz4)
    """)
    connection.execute(f"CREATE OR REPLACE VIEW checked AS SELECT * FROM read_parquet({quoted(str(target))})")


def _join_known(connection: duckdb.DuckDBPyConnection, known_items: pd.Series) -> str:
    """SQL that joins `known_id`, which is null for ids that events may not name."""
    connection.register("given", pa.table({"item_id": pa.array(known_items, pa.string())}))
    connection.execute("CREATE OR REPLACE TABLE known AS SELECT item_id AS known_id FROM given")
    connection.unregister("given")
    return "LEFT JOIN known ON known_id = item_id"


def _log_rejected(
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


def _log_unread_times(connection: duckdb.DuckDBPyConnection, file: str, column: str, problems: ProblemLog) -> None:
    unread = "FROM checked WHERE rejected IS NULL AND timestamp IS NULL AND time_text IS NOT NULL"
    count = connection.execute(f"SELECT count(*) {unread}").fetchall()[0][0]
    rows = connection.execute(f"SELECT {ROW}, time_text {unread} ORDER BY {ROW} LIMIT {SHOWN_PER_KIND}").fetchall()
    message = "the time cannot be read; the event was loaded without it. Write times like 2024-05-31 14:00:00."
    shown = [Problem(file, row, column, "unreadable_time", message, value) for row, value in rows]
    problems.extend(shown, {"unreadable_time": count} if count else {})


def _write_accepted(connection: duckdb.DuckDBPyConnection, target: Path) -> tuple[Path, int]:
    """Write the events that passed every check to `target`; the path and their number."""
    connection.execute(
        "COPY (SELECT user_id, item_id, event, value, timestamp FROM checked WHERE rejected IS NULL)"
        f" TO {quoted(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )
    return target, int(connection.execute("SELECT count(*) FROM checked WHERE rejected IS NULL").fetchall()[0][0])


def _derive_products(connection: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> pd.DataFrame:
    """One row per item of an accepted event, by id: its most frequent texts (the first of equally frequent ones) and median
    price."""
    products = "SELECT item_id, median(price) AS price FROM checked WHERE rejected IS NULL GROUP BY item_id"
    selected = "SELECT p.item_id, p.price" + "".join(f", t_{name}.{name}" for name in texts)
    joins = ""
    for name in texts:
        joins += f"""
            LEFT JOIN (
                SELECT item_id, {name} FROM checked WHERE rejected IS NULL AND {name} IS NOT NULL GROUP BY item_id, {name}
                QUALIFY row_number() OVER (PARTITION BY item_id ORDER BY count(*) DESC, {name}) = 1
            ) t_{name} ON t_{name}.item_id = p.item_id
        """
    return connection.execute(f"{selected} FROM ({products}) p {joins} ORDER BY p.item_id").df()
