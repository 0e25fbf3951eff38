"""Further ids by which events may name a product: its SKU or barcode, and the ids of variants that became part of it."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd

from engine.ingest.columns import ITEM_FIELDS, guess_columns
from engine.ingest.mapping import column_of
from engine.ingest.shapes.fold import KEYS
from engine.ingest.shapes.tables import cell_text, relation
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import IdRules, id_sql

__all__ = ["collect_aliases", "id_columns"]


def id_columns(source: Source, item_id: str, named: Sequence[str]) -> list[str]:
    """Columns with further ids: those that the preset names, and all that are called like ids of products."""
    found = [actual for name in named if (actual := column_of(name, source.columns))]
    rest = [name for name in source.columns if name and name != item_id]
    names = ITEM_FIELDS["item_id"]
    while guessed := guess_columns(rest, {"item_id": names}, {}).get("item_id"):
        found.append(guessed)
        rest.remove(guessed)
    return list(dict.fromkeys(found))


def collect_aliases(
    connection: duckdb.DuckDBPyConnection, source: Source, columns: Sequence[str], ids: IdRules
) -> dict[str, pd.DataFrame]:
    """Column -> (alias, item_id), each alias once; one that several products share is left out. `KEYS` names the products.

    A cell may hold several ids as a JSON list.
    """
    found = {}
    for column in columns:
        text = cell_text(source.staged(column))
        several = f"CASE WHEN {text} LIKE '[%' AND json_valid({text}) THEN try_cast({text}::JSON AS VARCHAR[]) ELSE [{text}] END"
        pairs = connection.execute(f"""
            SELECT alias, min(item_id) AS item_id FROM (
                SELECT DISTINCT unnest({several}) AS alias, {id_sql("key", ids)} AS item_id
                FROM {relation(source)} JOIN {KEYS} USING ({ROW}) WHERE key IS NOT NULL
            ) WHERE alias IS NOT NULL AND alias <> item_id GROUP BY alias HAVING count(*) = 1 ORDER BY alias
        """).df()
        if len(pairs):
            found[column] = pairs
    return found
