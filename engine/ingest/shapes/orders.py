"""Tables in several files: the lines of orders and whose each order is, products and what their codes mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from engine.core.errors import CatalogueError, InteractionsError
from engine.ingest.columns import EVENT_FIELDS, ITEM_FIELDS, guess_columns, same_name
from engine.ingest.mapping import column_of
from engine.ingest.profiles import profile_columns
from engine.ingest.shapes.tables import cell_text, relation, write_staged
from engine.ingest.sources import ROW, Source

__all__ = ["fill_down", "join_lookups", "join_orders"]


def fill_down(connection: duckdb.DuckDBPyConnection, source: Source, rules: Mapping[str, Sequence[str]]) -> Source:
    """Where only an order's first row fills a column, all of its rows get the value; `rules`: order's column -> such columns."""
    for order, names in rules.items():
        key = column_of(order, source.columns)
        columns = [actual for name in names if (actual := column_of(name, source.columns))]
        if not key or not columns:
            continue
        rows = f"OVER (PARTITION BY {cell_text(source.staged(key))} ORDER BY {ROW} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
        filled = ", ".join(
            f"last_value({cell_text(source.staged(name))} IGNORE NULLS) {rows} AS {source.staged(name)}"
            for name in columns
        )
        query = f"SELECT * REPLACE ({filled}) FROM {relation(source)} ORDER BY {ROW}"
        source = write_staged(connection, query, source, source.columns, "filled")
    return source


def join_orders(connection: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> tuple[Source, str | None]:
    """One table of events out of two: the lines of orders, and whose each order was, joined by the column that both have.

    Raises `InteractionsError` when the files share no column, or more than two tables are given.
    """
    if len(sources) == 1:
        return sources[0], None
    names = " and ".join(source.name for source in sources)
    lines = [source for source in sources if "item_id" in _known(source)]
    orders = [source for source in sources if source not in lines]
    if len(lines) != 1 or len(orders) != 1:
        raise InteractionsError(
            "these files are not parts of one table of events. Load the first, then add each of the others with --append.",
            file=names,
        )
    key = _shared(lines[0], orders[0])
    if key is None:
        raise InteractionsError("no column of one file is also in the other, so orders cannot be joined.", file=names)
    joined = _joined(connection, lines[0], orders[0], *key)
    return joined, f"{lines[0].name} and {orders[0].name} were joined by {key[0]!r}"


def join_lookups(connection: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> tuple[Source, str | None]:
    """One table of products out of several: the products, and tables that say what their codes mean ("aisle_id" -> "aisle").

    Raises `CatalogueError` where no table has the products, or one shares no column with them.
    """
    products = max(sources, key=lambda source: ("title" in _texts(source), len(source.columns), source.n_rows))
    joined, notes = products, []
    for lookup in sources:
        if lookup is products:
            continue
        key = next(
            ((one, other) for other in lookup.columns for one in joined.columns
             if one and other and same_name(one, other) and profile_columns(lookup)[other].unique), None,
        )  # fmt: skip
        if key is None and _are_properties(products):
            notes.append(f"{lookup.name} was not read: the properties in {products.name} hold no column of it")
            continue
        if key is None:
            raise CatalogueError(
                f"it has no column by which its rows belong to those of {products.name}. Leave it out, or load the products from"
                " one table.",
                file=lookup.name,
            )
        joined = _joined(connection, joined, lookup, *key)
        notes.append(f"{products.name} and {lookup.name} were joined by {key[0]!r}")
    return joined, "; ".join(notes) or None


def _joined(connection: duckdb.DuckDBPyConnection, lines: Source, orders: Source, left: str, right: str) -> Source:
    """`lines` with the columns of the first row of `orders` that has the line's `left` as its `right`."""
    added = [name for name in orders.columns if name and name != right and not column_of(name, lines.columns)]
    width = len(lines.columns)
    picked = "".join(f", o.{orders.staged(name)} AS c{width + position}" for position, name in enumerate(added))
    query = f"""
        SELECT l.*{picked} FROM {relation(lines)} l
        LEFT JOIN (SELECT *, row_number() OVER (PARTITION BY {cell_text(orders.staged(right))} ORDER BY {ROW}) AS turn
                   FROM {relation(orders)}) o
            ON {cell_text(f"o.{orders.staged(right)}")} = {cell_text(f"l.{lines.staged(left)}")} AND o.turn = 1
        ORDER BY l.{ROW}
    """
    return write_staged(connection, query, lines, [*lines.columns, *added], "joined")


def _are_properties(source: Source) -> bool:
    return all(column_of(name, source.columns) for name in ("property", "value"))


def _texts(source: Source) -> dict[str, str]:
    return guess_columns(source.columns, {"title": ITEM_FIELDS["title"]}, {})


def _known(source: Source) -> dict[str, str]:
    return guess_columns(source.columns, {name: EVENT_FIELDS[name] for name in ("user_id", "item_id")}, {})


def _shared(lines: Source, orders: Source) -> tuple[str, str] | None:
    """The column by which lines name their order, in the spelling of either file; ids come before anything else."""
    shared = [
        (one, other) for one in lines.columns for other in orders.columns if one and other and same_name(one, other)
    ]
    ids = [pair for pair in shared if "order" in pair[0].lower() or pair[0].lower().endswith("id")]
    return next(iter(ids or shared), None)
