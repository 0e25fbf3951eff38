"""A staged table of events -> clean events in Parquet; every rejected row is counted and the first ten are shown.

All of it is SQL over Parquet in DuckDB, so the disk bounds the number of events, not memory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from engine.catalogue.taken_back import TAKEN_BACK
from engine.core.errors import InteractionsError
from engine.ingest.cells import plain_texts
from engine.ingest.columns import ITEM_TEXTS
from engine.ingest.event_files import write_events
from engine.ingest.event_plan import EventPlan, look_at_events, lowest_rating, written_columns
from engine.ingest.event_problems import log_rejected, log_unread
from engine.ingest.event_sql import event_checks, item_ids_sql, normalised_sql
from engine.ingest.matching import KnownProducts, match_ids
from engine.ingest.presets import EventRules
from engine.ingest.reading.times import TimeFormat
from engine.ingest.report import ProblemLog
from engine.ingest.robots import count_shoppers, robots_note
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import Check, IdRules, quoted

__all__ = ["CleanEvents", "clean_events"]

# Of fewer texts nothing is said.
_ENOUGH_TEXTS = 10


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
    plan = look_at_events(connection, source, columns, rules, ids, missing, formats, key)
    notes = [*plan.kinds.notes, *plan.shoppers.notes]
    hints = []
    if known is not None:
        hints = match_ids(connection, item_ids_sql(source, columns["item_id"], ids), known)
    min_rating, said = lowest_rating(connection, plan)
    notes += [*hints, *said, *(line for column, form in written_columns(plan) for line in form.notes(column))]
    checks = event_checks(plan, items_given=known is not None)
    checked = source.path.with_name("checked.parquet")
    _write_checked(connection, normalised_sql(plan), checks, known is not None, checked)
    log_rejected(connection, plan, checks, problems)
    log_unread(connection, plan, problems)
    path = source.path.with_name("events.parquet")
    n_loaded = write_events(connection, "checked WHERE rejected IS NULL", path)
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
    found = {key: said for column, form in written_columns(plan) for key, said in form.answers(column).items()}
    currency = plan.numbers["price"].currency if "price" in plan.numbers else None
    return CleanEvents(path, n_loaded, n_shoppers, plan.value_kind, min_rating, products, currency, found, notes)


def _require_columns(source: Source, columns: Mapping[str, str]) -> None:
    for name, who in (("user_id", "shopper"), ("item_id", "product")):
        if name not in columns:
            raise InteractionsError(
                f"no column is known as the {who}. Say which it is, e.g. --map {name}=COLUMN."
                f" The columns are: {', '.join(filter(None, source.columns))}.",
                file=source.name,
                field=name,
            )


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
    texts, notes = _of_products(connection, texts)
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
    for name, column in texts.items():
        values = frame[name].astype(object).where(frame[name].notna(), None)
        plain, said = plain_texts(values, name, column)
        frame[name] = pd.Series(plain, index=frame.index, dtype="str")
        notes += said
    return frame, notes


def _of_products(connection: duckdb.DuckDBPyConnection, texts: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The texts that are the products' own, and a note on each that changes from event to event: a review's title."""
    own, notes = dict(texts), []
    for name in {"title", "description"} & texts.keys():
        agreeing, n = connection.execute(f"""
            SELECT coalesce(sum(most), 0), coalesce(sum(n), 0) FROM (
                SELECT max(n) AS most, sum(n) AS n FROM (
                    SELECT item_id, count(*) AS n FROM checked WHERE rejected IS NULL AND {name} IS NOT NULL GROUP BY item_id, {name}
                ) GROUP BY item_id HAVING sum(n) > 1
            )
        """).fetchall()[0]
        if n >= _ENOUGH_TEXTS and 2 * agreeing < n:
            del own[name]
            notes.append(
                f"{texts[name]!r} changes from event to event of one product, as a review's does: it is not read as the {name}."
                f" If it is the product's, give the products a file of their own."
            )
    return own, sorted(notes)
