"""Columns that hold an attribute's name and its value, as in "Option1 Name" and "Option1 Value", become attributes."""

from __future__ import annotations

import duckdb

from engine.ingest.mapping import column_of
from engine.ingest.presets import Pairs
from engine.ingest.shapes.fold import KEYS
from engine.ingest.shapes.tables import cell_text, relation, write_staged
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import quoted

__all__ = ["add_pairs", "pair_columns"]

_MOST_PAIRS = 100
_MOST_ATTRIBUTES = 30
# A name that fewer products have becomes no attribute.
_SHARE = 0.01


def pair_columns(source: Source, pairs: Pairs) -> list[tuple[str, str]]:
    """The file's own columns of names and of values, pair by pair."""
    found = []
    for number in range(1, _MOST_PAIRS):
        for names, values in zip(pairs.name, pairs.value, strict=True):
            name = column_of(names.replace("{}", str(number)), source.columns)
            value = column_of(values.replace("{}", str(number)), source.columns)
            if name and value:
                found.append((name, value))
    return list(dict.fromkeys(found))


def add_pairs(connection: duckdb.DuckDBPyConnection, source: Source, folded: Source, pairs: Pairs) -> Source:
    """`folded` with a column for every name in the pairs of `source`: its value, or a JSON list where products have several.

    `KEYS` says which product each row of `source` belongs to; a row without a name goes by the name that its product has in
    the rows above.
    """
    columns = pair_columns(source, pairs)
    if not columns:
        return folded
    connection.execute(f"CREATE OR REPLACE TABLE pair_values AS {_values_sql(source, columns, pairs)}")
    n_products = connection.execute("SELECT count(DISTINCT key) FROM pair_values").fetchall()[0][0]
    names = connection.execute(
        "SELECT name, max(values) > 1 FROM ("
        " SELECT name, key, count(*) AS values FROM pair_values GROUP BY ALL"
        f") GROUP BY name HAVING count(*) >= {_SHARE} * {n_products} ORDER BY count(*) DESC, name LIMIT {_MOST_ATTRIBUTES}"
    ).fetchall()
    taken = {column.lower() for column in folded.columns}
    chosen = [(name, several) for name, several in names if name.lower() not in taken]
    if not chosen:
        return folded
    return _joined(connection, folded, chosen)


def _values_sql(source: Source, columns: list[tuple[str, str]], pairs: Pairs) -> str:
    """SQL for (key, name, value, place), each value of a product once."""
    rows = " UNION ALL ".join(
        f"SELECT {ROW}, key, rank, {number} AS number, last_value({cell_text(source.staged(name))} IGNORE NULLS)"
        f" OVER (PARTITION BY key ORDER BY rank, {ROW}) AS name, {cell_text(source.staged(value))} AS value"
        f" FROM {relation(source)} JOIN {KEYS} USING ({ROW}) WHERE key IS NOT NULL"
        for number, (name, value) in enumerate(columns)
    )
    ignored = "".join(f" AND lower(name) <> {quoted(name.lower())}" for name in pairs.ignore)
    value = f"trim(unnest(string_split(value, {quoted(pairs.separator)})))" if pairs.separator else "value"
    return f"""
        SELECT key, name, value, min(struct_pack(rank := rank, row := {ROW})) AS place
        FROM (SELECT {ROW}, key, rank, name, {value} AS value FROM ({rows}) WHERE name IS NOT NULL AND value IS NOT NULL{ignored})
        WHERE value <> '' GROUP BY key, name, value
    """


def _joined(connection: duckdb.DuckDBPyConnection, folded: Source, chosen: list[tuple[str, bool]]) -> Source:
    width = len(folded.columns)
    added = ", ".join(
        (f"to_json(list(value ORDER BY place) FILTER (WHERE name = {quoted(name)}))" if several
         else f"any_value(value) FILTER (WHERE name = {quoted(name)})") + f"::VARCHAR AS c{width + position}"
        for position, (name, several) in enumerate(chosen)
    )  # fmt: skip
    query = f"""
        SELECT r.*, p.* EXCLUDE (key) FROM {relation(folded)} r
        LEFT JOIN {KEYS} k USING ({ROW})
        LEFT JOIN (SELECT key, {added} FROM pair_values GROUP BY key) p ON p.key = k.key ORDER BY r.{ROW}
    """
    return write_staged(connection, query, folded, [*folded.columns, *(name for name, _ in chosen)], "paired")
