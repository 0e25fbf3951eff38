"""A staged products file -> one row per product, with the ids that its variants and other columns give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb
import pandas as pd

from engine.ingest.mapping import column_of
from engine.ingest.presets import Fold, ItemRules
from engine.ingest.profiles import profile_columns
from engine.ingest.shapes.aliases import collect_aliases, id_columns
from engine.ingest.shapes.fold import KEYS, fold_rows, key_rows, repeats_products
from engine.ingest.shapes.nested_items import unnest_items
from engine.ingest.shapes.pairs import add_pairs, pair_columns
from engine.ingest.shapes.properties import properties_of, turn_properties
from engine.ingest.shapes.tables import cell_text, relation
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import IdRules

__all__ = ["ShapedItems", "shape_items"]


@dataclass(frozen=True)
class ShapedItems:
    """Products, a row each.

    Attributes
    ----------
    source : the table that takes the file's place.
    aliases : column -> (alias, item_id), each alias once.
    ignored : column whose content went elsewhere -> what it holds, in words.
    """

    source: Source
    aliases: dict[str, pd.DataFrame] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def names(self) -> dict[str, list[str]]:
        """Product -> its further ids, column by column."""
        found: dict[str, list[str]] = {}
        for pairs in self.aliases.values():
            for alias, item_id in pairs.itertuples(index=False):
                found.setdefault(item_id, []).append(alias)
        return found


# Columns in which any system's variants may name their product, and those by which they may name it.
_PARENTS = (
    "parent_id",
    "parent",
    "parent_sku",
    "parent_code",
    "parent_number",
    "variant_of",
    "parent_product_id",
    "master_sku",
)
_NAMED_BY = ("sku", "product_number", "code", "id")


def _names_parents(source: Source) -> bool:
    return any(column_of(name, source.columns) for name in _PARENTS)


def shape_items(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    rules: ItemRules,
    ids: IdRules,
    plan: Callable[[Source], dict[str, str]],
) -> ShapedItems:
    """Turn properties into columns, fold variants, and collect further ids; `plan` gives field -> column of a table."""
    notes: list[str] = []
    properties = rules.properties or properties_of(source)
    if properties and (turned := turn_properties(connection, source, properties)):
        source, note = turned
        notes.append(note)
    source, variant_ids = unnest_items(connection, source)
    ignored = dict.fromkeys(variant_ids, "ids of variants")
    columns = plan(source)
    by = columns.get("item_id")
    if by is None:
        return ShapedItems(source, ignored=ignored, notes=notes)
    # A person who takes another column for the id wants a product for each of its values.
    fold = rules.fold
    if fold is None and _names_parents(source):
        fold = Fold(by=(by,), parent=_PARENTS, named_by=_NAMED_BY)
    foldable = fold is not None and by in {column_of(name, source.columns) for name in fold.by}
    keyed = fold is not None and foldable and key_rows(connection, source, fold)
    if not keyed:
        own = cell_text(source.staged(by))
        connection.execute(
            f"CREATE OR REPLACE TABLE {KEYS} AS SELECT {ROW}, {own} AS key, {own} AS own, 0 AS rank FROM {relation(source)}"
        )
    folded = source
    if keyed or repeats_products(connection, source, columns, profile_columns(source)):
        folded, merged = fold_rows(connection, source, by)
        if merged:
            notes.append(f"rows of variants and further pictures that became part of their product: {merged:,}")
    further = [*([by] if keyed else []), *variant_ids, *id_columns(source, by, rules.aliases)]
    aliases = collect_aliases(connection, source, further, ids)
    if rules.pairs:
        folded = add_pairs(connection, source, folded, rules.pairs)
        ignored |= dict.fromkeys(
            (name for pair in pair_columns(source, rules.pairs) for name in pair), "names and values of attributes"
        )
    return ShapedItems(folded, aliases, ignored, notes)
