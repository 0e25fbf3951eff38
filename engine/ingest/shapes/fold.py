"""Rows that are variants or further pictures of one product become that product."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from engine.ingest.mapping import column_of
from engine.ingest.presets import Fold
from engine.ingest.profiles import ColumnProfile
from engine.ingest.shapes.tables import cell_text, relation, write_staged
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import quoted

__all__ = ["KEYS", "fold_rows", "key_rows", "repeats_products"]

KEYS = "row_keys"
"""The table of the connection with the product of every row: `ROW`, key (null where unknown), own (its own id), rank (0 for the
row that is the product itself, 1 for a variant)."""

# Of rows that repeat an id, so many must lack a title of their own to be further rows of one product.
_MOST = 0.9


def key_rows(connection: duckdb.DuckDBPyConnection, source: Source, fold: Fold) -> bool:
    """Create `KEYS` by the rules; whether the file has the columns that they need."""
    by = next((actual for name in fold.by if (actual := column_of(name, source.columns))), "")
    if not by:
        return False
    own = cell_text(source.staged(by))
    kind = next((actual for name in fold.kind if (actual := column_of(name, source.columns))), "")
    if kind:
        own = f"CASE WHEN lower({cell_text(source.staged(kind))}) = {quoted(fold.product.lower())} THEN {own} END"
    if fold.fill:
        own = f"last_value({own} IGNORE NULLS) OVER (ORDER BY {ROW})"
    parent = next((actual for name in fold.parent if (actual := column_of(name, source.columns))), "")
    children = next((actual for name in fold.children if (actual := column_of(name, source.columns))), "")
    parents = _parents_sql(source, fold, own, parent, children)
    connection.execute(f"""
        CREATE OR REPLACE TABLE {KEYS} AS
        WITH rows AS (SELECT {ROW}, {own} AS own FROM {relation(source)}),
            parents AS ({parents}),
            known AS (SELECT {ROW}, min(parent) AS parent FROM parents WHERE parent IN (SELECT own FROM rows) GROUP BY 1)
        SELECT {ROW}, coalesce(parent, own) AS key, own, (parent IS NOT NULL AND parent <> own)::INTEGER AS rank
        FROM rows LEFT JOIN known USING ({ROW})
    """)
    return True


def _parents_sql(source: Source, fold: Fold, own: str, parent: str, children: str) -> str:
    """SQL for (ROW, parent): the id of the product that a variant names, or that names the variant."""
    if parent:
        named = cell_text(source.staged(parent))
        ways = [
            rf"SELECT {ROW}, regexp_extract({named}, '^id:(.+)$', 1) AS parent FROM {relation(source)} WHERE {named} LIKE 'id:%'",
            f"SELECT {ROW}, {named} AS parent FROM {relation(source)} WHERE {named} NOT LIKE 'id:%'",
        ]
        for column in filter(None, (column_of(name, source.columns) for name in fold.named_by)):
            other = cell_text(source.staged(column))
            ways.append(f"""
                SELECT v.{ROW}, p.own AS parent FROM (SELECT {ROW}, {named} AS named FROM {relation(source)}) v
                JOIN (SELECT {own} AS own, {other} AS named FROM {relation(source)}) p ON v.named = p.named
            """)
        return " UNION ALL ".join(ways)
    if children:
        listed = f"regexp_extract_all({cell_text(source.staged(children))}, {quoted(fold.child)}, 1)"
        return f"""
            SELECT v.{ROW}, p.own AS parent
            FROM (SELECT own, unnest(listed) AS child FROM (SELECT {own} AS own, {listed} AS listed FROM {relation(source)})) p
            JOIN (SELECT {ROW}, {own} AS own FROM {relation(source)}) v ON v.own = p.child
        """
    return f"SELECT NULL::BIGINT AS {ROW}, NULL::VARCHAR AS parent WHERE false"


def fold_rows(connection: duckdb.DuckDBPyConnection, source: Source, by: str) -> tuple[Source, int]:
    """One row per key of `KEYS`: in every column the first value, the product's own row before its variants'.

    `by` is the column that holds the products' ids. Rows without a key stay as they are. Also returns the number of rows that
    became part of another.
    """
    staged = source.staged(by)
    columns = [f"c{position}" for position in range(len(source.columns))]
    picked = ", ".join(
        f"any_value(key) AS {column}" if column == staged else f"{_first(column)} AS {column}" for column in columns
    )
    query = f"""
        SELECT first({ROW} ORDER BY rank, {ROW}) AS {ROW}, {picked}
        FROM {relation(source)} JOIN {KEYS} USING ({ROW})
        GROUP BY coalesce(key, '{ROW}' || {ROW}) ORDER BY 1
    """
    folded = write_staged(connection, query, source, source.columns, "folded")
    left = connection.execute(f"SELECT count(*) FROM {relation(folded)}").fetchall()[0][0]
    before = connection.execute(f"SELECT count(*) FROM {KEYS}").fetchall()[0][0]
    return folded, int(before - left)


def _first(column: str) -> str:
    return f"first({column} ORDER BY rank, {ROW}) FILTER (WHERE {cell_text(column)} IS NOT NULL)"


def repeats_products(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    columns: Mapping[str, str],
    profiles: Mapping[str, ColumnProfile],
) -> bool:
    """Whether rows that repeat a product's id are its variants or pictures: hardly any has a title of its own."""
    title = columns.get("title")
    if "item_id" not in columns or title is None or profiles[title].looks == "empty":
        return False
    own, name = cell_text(source.staged(columns["item_id"])), cell_text(source.staged(title))
    repeated, untitled = connection.execute(f"""
        SELECT count(*) FILTER (WHERE turn > 1), count(*) FILTER (WHERE turn > 1 AND (name IS NULL OR name = leader))
        FROM (
            SELECT name, row_number() OVER rows AS turn, first_value(name) OVER rows AS leader
            FROM (SELECT {ROW}, {own} AS own, {name} AS name FROM {relation(source)}) WHERE own IS NOT NULL
            WINDOW rows AS (PARTITION BY own ORDER BY {ROW})
        )
    """).fetchall()[0]
    return bool(repeated) and untitled >= _MOST * repeated
