"""Orders whose lines stand in another file, or whose first line alone says whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from engine.core.errors import InteractionsError
from engine.ingest.columns import EVENT_FIELDS, guess_columns, same_name
from engine.ingest.mapping import column_of
from engine.ingest.shapes.tables import cell_text, relation, write_staged
from engine.ingest.sources import ROW, Source

__all__ = ["fill_down", "join_orders"]


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
        raise InteractionsError("these files are not parts of one table of events. Load them one by one.", file=names)
    key = _shared(lines[0], orders[0])
    if key is None:
        raise InteractionsError("no column of one file is also in the other, so orders cannot be joined.", file=names)
    left, right = key
    added = [name for name in orders[0].columns if name and name != right and not column_of(name, lines[0].columns)]
    width = len(lines[0].columns)
    picked = "".join(f", o.{orders[0].staged(name)} AS c{width + position}" for position, name in enumerate(added))
    query = f"""
        SELECT l.*{picked} FROM {relation(lines[0])} l
        LEFT JOIN (SELECT *, row_number() OVER (PARTITION BY {cell_text(orders[0].staged(right))} ORDER BY {ROW}) AS turn
                   FROM {relation(orders[0])}) o
            ON {cell_text(f"o.{orders[0].staged(right)}")} = {cell_text(f"l.{lines[0].staged(left)}")} AND o.turn = 1
    """
    joined = write_staged(connection, query, lines[0], [*lines[0].columns, *added], "joined")
    return joined, f"{lines[0].name} and {orders[0].name} were joined by {left!r}"


def _known(source: Source) -> dict[str, str]:
    return guess_columns(source.columns, {name: EVENT_FIELDS[name] for name in ("user_id", "item_id")}, {})


def _shared(lines: Source, orders: Source) -> tuple[str, str] | None:
    """The column by which lines name their order, in the spelling of either file; ids come before anything else."""
    shared = [
        (one, other) for one in lines.columns for other in orders.columns if one and other and same_name(one, other)
    ]
    ids = [pair for pair in shared if "order" in pair[0].lower() or pair[0].lower().endswith("id")]
    return next(iter(ids or shared), None)
