"""A staged table of products -> clean products, with attributes whose kinds are inferred from their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from engine.catalogue.attribute_kinds import AttributeKind
from engine.catalogue.snapshot import ITEM_COLUMNS
from engine.core.errors import CatalogueError
from engine.ingest.attributes import LEFT_OUT, add_attribute, left_out
from engine.ingest.cells import ProductRows, clean_prices, clean_texts, present_values
from engine.ingest.derived import derive_columns, derived_from
from engine.ingest.mapping import Corrections
from engine.ingest.presets import ItemRules
from engine.ingest.report import SHOWN_PER_KIND, Problem, ProblemLog
from engine.ingest.shapes.items import ShapedItems
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import MISSING, Check, IdRules, id_checks, id_sql, quoted, staged_types, with_texts

__all__ = ["CleanProducts", "clean_products"]


@dataclass(frozen=True)
class CleanProducts:
    """The products that can be loaded.

    Attributes
    ----------
    items : `ITEM_COLUMNS` (with `image` as the file wrote it) and the attributes; RangeIndex.
    rows : the data row of each product in its file.
    kinds : attribute -> kind.
    columns : what became of every column of the file.
    currency : the ISO code or sign that all prices carry, if they do.
    formats : how numbers were found to be written, as in `Corrections.formats`.
    """

    items: pd.DataFrame
    rows: pd.Series
    kinds: dict[str, AttributeKind]
    columns: dict[str, str]
    currency: str | None
    n_rejected: int
    formats: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def clean_products(
    connection: duckdb.DuckDBPyConnection,
    shaped: ShapedItems,
    columns: Mapping[str, str],
    rules: ItemRules,
    ids: IdRules,
    corrections: Corrections,
    problems: ProblemLog,
) -> CleanProducts:
    """Check and normalise products, a row each.

    Parameters
    ----------
    columns : field of `ITEM_COLUMNS` -> column of the file; every other column becomes an attribute or is left out.
    corrections : `kinds` that the person chose win over the preset and over the values; `formats` say how numbers are
        written.

    Rows without a usable id, and the second and later rows of an id, are rejected. A price that is negative or no
    number is reported, and its product loaded without one. Raises `CatalogueError` if no product can be loaded.
    """
    source = shaped.source
    if "item_id" not in columns:
        raise CatalogueError(
            "no column is known as the product's id. Say which it is, e.g. --map item_id=COLUMN."
            f" The columns are: {', '.join(filter(None, source.columns))}.",
            file=source.name,
            field="item_id",
        )
    usable, n_rejected = _usable_rows(connection, source, columns["item_id"], ids, problems)
    cells = _cells(source, usable[ROW], rules)
    rows = ProductRows(source.name, usable[ROW].reset_index(drop=True), problems, corrections.formats)
    items = pd.DataFrame({"item_id": usable["item_id"].reset_index(drop=True)})
    currency = _add_fields(items, cells, columns, rules, rows)
    became = {column: name for name, column in columns.items()}
    attribute_kinds: dict[str, AttributeKind] = {}
    kinds = corrections.kinds
    became |= _used_elsewhere(shaped, rules, columns)
    for column in [column for column in _other_columns(cells, columns, rules) if column not in became]:
        became[column], name, kind = add_attribute(items, column, cells[column], rules, kinds, rows)
        if kind is not None:
            attribute_kinds[name] = kind
    order = {name: became[name] for name in [*filter(None, source.columns), *cells] if name in became}
    return CleanProducts(
        items, rows.rows, attribute_kinds, order, currency, n_rejected, rows.found, rows.notes + _notes(order)
    )


def _notes(became: Mapping[str, str]) -> list[str]:
    """A line per reason for which columns were left out."""
    columns: dict[str, list[str]] = {}
    for name, what in became.items():
        if what.startswith(LEFT_OUT):
            columns.setdefault(what, []).append(name)
    return [f"{what}: {', '.join(names)}" for what, names in columns.items()]


def _used_elsewhere(shaped: ShapedItems, rules: ItemRules, columns: Mapping[str, str]) -> dict[str, str]:
    """Columns whose content went into others: names and values of attributes, and the several columns of one field."""
    used = dict(shaped.ignored)
    for name, derived in rules.derived.items():
        sources = derived_from(derived, shaped.source.columns)
        if name in ITEM_COLUMNS and name not in columns:
            used |= {source: name for source in sources if derived.take == "filled" or left_out(source, rules)}
    return used


def _usable_rows(
    connection: duckdb.DuckDBPyConnection, source: Source, column: str, ids: IdRules, problems: ProblemLog
) -> tuple[pd.DataFrame, int]:
    """Rows (`ROW`, item_id) whose id can be used, in the file's order, and the number of all others."""
    checks = [
        *id_checks("item_id", "item_id", "product"),
        Check("duplicate_id", "item_id", "turn > 1", "item_id", "an earlier row has this id; that one was loaded."),
    ]
    table = _checked_ids(connection, source, column, ids, checks)
    for position, check in enumerate(checks):
        _report(table[table["rejected"] == position], check, column, source.name, problems)
    usable = table.loc[table["rejected"].isna(), [ROW, "item_id"]]
    if usable.empty:
        raise CatalogueError(
            f"none of the {source.n_rows:,} products can be used.\n{problems.summary()}", file=source.name
        )
    return usable, len(table) - len(usable)


def _checked_ids(
    connection: duckdb.DuckDBPyConnection, source: Source, column: str, ids: IdRules, checks: list[Check]
) -> pd.DataFrame:
    """`ROW`, item_id and `rejected`, the position of the first check that the id fails, of every row in order."""
    staged = source.staged(column)
    number = " ".join(f"WHEN {check.condition} THEN {position}" for position, check in enumerate(checks))
    types = staged_types(source.path)
    relation = with_texts(f"read_parquet({quoted(str(source.path))})", {"item": staged}, types)
    return connection.execute(f"""
        SELECT {ROW}, item_id, CASE {number} END AS rejected FROM (
            SELECT {ROW}, item_id, row_number() OVER (PARTITION BY item_id ORDER BY {ROW}) AS turn
            FROM (SELECT {ROW}, {id_sql("item_text", ids)} AS item_id FROM {relation})
        ) ORDER BY {ROW}
    """).df()


def _report(failed: pd.DataFrame, check: Check, column: str, file: str, problems: ProblemLog) -> None:
    shown = [
        Problem(file, int(row), column, check.kind, check.message, value if isinstance(value, str) else None)
        for row, value in failed[[ROW, "item_id"]].head(SHOWN_PER_KIND).itertuples(index=False)
    ]
    problems.extend(shown, {check.kind: len(failed)} if len(failed) else {})


def _cells(source: Source, rows: pd.Series, rules: ItemRules) -> dict[str, pd.Series]:
    """Column -> its values in these rows, with the columns that the preset derives."""
    table = pq.read_table(source.path).to_pandas(integer_object_nulls=True)
    table = table.set_index(ROW).loc[rows].reset_index(drop=True)
    table.columns = list(source.columns)
    missing = MISSING | set(rules.missing)
    cells = {name: present_values(table[name], missing) for name in source.columns if name}
    derive_columns(cells, rules)
    return cells


def _add_fields(
    items: pd.DataFrame, cells: Mapping[str, pd.Series], columns: Mapping[str, str], rules: ItemRules, rows: ProductRows
) -> str | None:
    """Add the fields to `items`; returns the currency of the prices."""
    currency = None
    for name in ITEM_COLUMNS[1:]:
        column = columns.get(name) or (name if name in rules.derived and name in cells else None)
        values = cells[column] if column else pd.Series([None] * len(items), dtype=object)
        if name == "price":
            items[name], currency = clean_prices(values, column, rows)
        else:
            items[name] = clean_texts(values, name, column, rows)
    return currency


def _other_columns(cells: Mapping[str, pd.Series], columns: Mapping[str, str], rules: ItemRules) -> list[str]:
    """Columns that are no field of the product; those named like a field come last, to be renamed."""
    free = [name for name in cells if name not in columns.values()]
    return [
        *(name for name in free if name not in ITEM_COLUMNS),
        *(name for name in free if name in ITEM_COLUMNS and name not in rules.derived),
    ]
