"""A staged table of products -> clean products with attributes whose kinds were told from their values."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from engine.catalogue.attribute_kinds import AttributeKind, as_kind, infer_kind, parse_number, split_values
from engine.catalogue.snapshot import ITEM_COLUMNS, RESERVED_COLUMNS
from engine.core.errors import CatalogueError
from engine.ingest.columns import behaviour_column
from engine.ingest.presets import ItemRules
from engine.ingest.readers import ROW, Source
from engine.ingest.report import SHOWN_PER_KIND, Problem, ProblemLog
from engine.ingest.staged_sql import MISSING, Check, IdRules, id_checks, id_sql, quoted, staged_types, with_texts

__all__ = ["LEFT_OUT", "CleanProducts", "clean_products"]

LEFT_OUT = "left out"
MAX_TITLE = 1_000
MAX_TEXT = 20_000
_CURRENCIES = "£$€¥₹"
# Control characters, invisible format characters and line separators; emoji joiners are not worth the risk.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
# Keys of a nested object become attributes where at least this share of the products has them.
_FLATTEN_SHARE = 0.05
_FLATTEN_MOST = 20


@dataclass(frozen=True)
class CleanProducts:
    """What is left of the products.

    Attributes
    ----------
    items : `ITEM_COLUMNS` (with `image` as the file wrote it) and the attributes; RangeIndex.
    rows : the data row of each product in its file.
    kinds : attribute -> kind.
    columns : what became of every column of the file.
    currency : the sign that all prices carry, if they do.
    """

    items: pd.DataFrame
    rows: pd.Series
    kinds: dict[str, AttributeKind]
    columns: dict[str, str]
    currency: str | None
    n_rejected: int
    notes: list[str] = field(default_factory=list)


def clean_products(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    columns: Mapping[str, str],
    rules: ItemRules,
    ids: IdRules,
    kinds: Mapping[str, str],
    problems: ProblemLog,
) -> CleanProducts:
    """Check and normalise the products of `source`.

    Parameters
    ----------
    columns : field of `ITEM_COLUMNS` -> column of the file; every other column becomes an attribute or is left out.
    kinds : column -> kind or "skip" where a person decided; it wins over the preset and over the values.

    Rows without a usable id, and the second and later rows of an id, are rejected. A price that is negative or no
    number is reported and the product kept without one. Raises `CatalogueError` when no product is left.
    """
    if "item_id" not in columns:
        raise CatalogueError(
            "no column is known as the product's id. Say which it is, e.g. item_id=COLUMN."
            f" The columns are: {', '.join(filter(None, source.columns))}.",
            file=source.name,
            field="item_id",
        )
    kept, n_rejected = _usable_rows(connection, source, columns["item_id"], ids, problems)
    if not len(kept):
        raise CatalogueError(
            f"none of the {source.n_rows:,} products can be used.\n{problems.summary()}", file=source.name
        )
    table = pq.read_table(source.path).to_pandas(integer_object_nulls=True)
    table = table.set_index(ROW).loc[kept[ROW]].reset_index(drop=True)
    table.columns = list(source.columns)
    rows = kept[ROW].reset_index(drop=True)
    missing = MISSING | set(rules.missing)
    raw = {name: _present(table[name], missing) for name in source.columns if name}
    _derive(raw, rules)
    items = pd.DataFrame({"item_id": kept["item_id"].reset_index(drop=True)})
    became = {column: name for name, column in columns.items()}
    for name in ITEM_COLUMNS[1:]:
        column = columns.get(name) or (name if name in rules.derived and name in raw else None)
        values = raw[column] if column else pd.Series([None] * len(items), dtype=object)
        if name == "price":
            items[name] = _prices(values, rows, source.name, column, problems)
        else:
            items[name] = _texts(values, name, rows, source.name, column, problems)
    currency = _currency(raw[columns["price"]]) if "price" in columns else None
    chosen: dict[str, AttributeKind] = {}
    names = [name for name in raw if name not in became and name not in ITEM_COLUMNS]
    names += [name for name in raw if name in ITEM_COLUMNS and name not in became and name not in rules.derived]
    for name in names:
        became[name] = _add_attribute(items, chosen, name, raw[name], rules, kinds, rows, source.name, problems)
    order = {name: became[name] for name in [*filter(None, source.columns), *raw] if name in became}
    notes = [f"{name}: {what}" for name, what in order.items() if what.startswith(LEFT_OUT)]
    return CleanProducts(items, rows, chosen, order, currency, n_rejected, notes)


def _usable_rows(
    connection: duckdb.DuckDBPyConnection, source: Source, column: str, ids: IdRules, problems: ProblemLog
) -> tuple[pd.DataFrame, int]:
    """Rows (`ROW`, item_id) whose id can be used, in the file's order, and how many cannot."""
    types = staged_types(source.path)
    staged = source.staged(column)
    checks = [
        *id_checks("item_id", "item_id", "product"),
        Check("duplicate_id", "item_id", "turn > 1", "item_id", "another row has this id; the first was kept."),
    ]
    number = " ".join(f"WHEN {check.condition} THEN {position}" for position, check in enumerate(checks))
    relation = with_texts(f"read_parquet({quoted(str(source.path))})", {"item": staged}, types)
    table = connection.execute(f"""
        SELECT {ROW}, item_id, CASE {number} END AS rejected FROM (
            SELECT {ROW}, item_id, row_number() OVER (PARTITION BY item_id ORDER BY {ROW}) AS turn
            FROM (SELECT {ROW}, {id_sql("item_text", ids)} AS item_id FROM {relation})
        ) ORDER BY {ROW}
    """).df()
    for position, check in enumerate(checks):
        failed = table[table["rejected"] == position]
        shown = [
            Problem(
                source.name,
                int(row),
                column,
                check.kind,
                check.message,
                None if value is None or value != value else value,
            )
            for row, value in failed[[ROW, "item_id"]].head(SHOWN_PER_KIND).itertuples(index=False)
        ]
        problems.extend(shown, {check.kind: len(failed)} if len(failed) else {})
    kept = table.loc[table["rejected"].isna(), [ROW, "item_id"]]
    return kept, len(table) - len(kept)


def _present(values: pd.Series, missing: Collection[str]) -> pd.Series:
    """Objects: trimmed strings, numbers, booleans or lists, and None where there is nothing."""

    def clean(value: Any) -> Any:
        if hasattr(value, "tolist"):
            value = value.tolist()
        if isinstance(value, str):
            value = value.strip()
            return None if value in missing else value
        if isinstance(value, list):
            return [part for part in value if part is not None] or None
        if value is None or value != value:
            return None
        return value if isinstance(value, (int, float)) else str(value)

    return pd.Series([clean(value) for value in values], dtype=object)


def _derive(raw: dict[str, pd.Series], rules: ItemRules) -> None:
    """Add the columns that the preset makes from others."""
    for name in rules.flatten:
        if name in raw:
            raw.update({key: values for key, values in _flattened(raw.pop(name)).items() if key not in raw})
    for name, derived in rules.derived.items():
        if derived.source not in raw:
            continue
        values = raw[derived.source]
        if derived.take == "last":
            raw[name] = pd.Series(
                [parts[-1] if (parts := split_values(value)) else None for value in values], dtype=object
            )
        else:
            matches = [
                re.search(derived.pattern or "(.*)", str(value)) if value is not None else None for value in values
            ]
            raw[name] = pd.Series([match.group(1) if match else None for match in matches], dtype=object)


def _flattened(values: pd.Series) -> dict[str, pd.Series]:
    objects = []
    for value in values:
        try:
            parsed = json.loads(value) if isinstance(value, str) else None
        except ValueError:
            parsed = None
        objects.append(parsed if isinstance(parsed, dict) else {})
    counts = Counter(key for item in objects for key, value in item.items() if isinstance(value, (str, int, float)))
    frequent = [key for key, count in counts.most_common(_FLATTEN_MOST) if count >= _FLATTEN_SHARE * len(objects)]
    return {key: _present(pd.Series([item.get(key) for item in objects], dtype=object), MISSING) for key in frequent}


def _prices(values: pd.Series, rows: pd.Series, file: str, column: str | None, problems: ProblemLog) -> pd.Series:
    prices = []
    for row, value in zip(rows, values, strict=True):
        price = parse_number(value)
        if value is not None and (price is None or price < 0):
            kind = "not_a_number" if price is None else "negative_number"
            what = "not a number" if price is None else "negative"
            message = f"the price is {what}; the product was kept without one. Mend it or leave it empty."
            problems.add(Problem(file, int(row), column, kind, message, str(value)))
            price = None
        prices.append(price)
    return pd.Series(prices, dtype="float64")


def _texts(
    values: pd.Series, name: str, rows: pd.Series, file: str, column: str | None, problems: ProblemLog
) -> pd.Series:
    limit = MAX_TEXT if name == "description" else MAX_TITLE
    texts: list[str | None] = []
    for row, value in zip(rows, values, strict=True):
        text = None if value is None else _CONTROL.sub(" ", _one_text(value, name)).strip() or None
        if text is not None and len(text) > limit:
            message = f"the text has {len(text):,} characters; only the first {limit:,} were kept. Is a quote missing?"
            problems.add(Problem(file, int(row), column, "long_text", message, text))
            text = text[:limit]
        texts.append(text)
    return pd.Series(texts, dtype="str")


def _one_text(value: Any, name: str) -> str:
    """One text out of what may be several: a description's paragraphs, the last and narrowest of nested categories."""
    if isinstance(value, list) or (isinstance(value, str) and value.startswith("[") and value.endswith("]")):
        parts = split_values(value) or []
        return parts[-1] if name == "category" and parts else " ".join(parts)
    return _plain_number(value)


def _plain_number(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _currency(values: pd.Series) -> str | None:
    signs = {next((sign for sign in _CURRENCIES if sign in value), "") for value in values if isinstance(value, str)}
    return signs.pop() or None if len(signs) == 1 else None


def _add_attribute(
    items: pd.DataFrame,
    chosen: dict[str, AttributeKind],
    column: str,
    values: pd.Series,
    rules: ItemRules,
    kinds: Mapping[str, str],
    rows: pd.Series,
    file: str,
    problems: ProblemLog,
) -> str:
    """Add the column as an attribute unless it must stay out; returns what became of it."""
    decided = kinds.get(column) or rules.kinds.get(column)
    if decided == "skip":
        return f"{LEFT_OUT}: as you said"
    if column not in kinds and column in rules.leave_out:
        return f"{LEFT_OUT}: not content, by the preset"
    if column not in kinds and behaviour_column(column):
        return f"{LEFT_OUT}: it counts what shoppers did, which content must not know"
    present = [value for value in values if value is not None]
    if _nested(present):
        return f"{LEFT_OUT}: nested"
    inferred = infer_kind(present)
    kind: AttributeKind | None = decided or inferred.kind  # type: ignore[assignment]
    if kind is None or not present:
        return f"{LEFT_OUT}: {inferred.reason or 'empty'}"
    cleaned, wrong = as_kind(values, kind, inferred.separator)
    for position in wrong[wrong].index:
        message = "not a number, as the rest of the column; the product was kept without it."
        problems.add(Problem(file, int(rows[position]), column, "not_a_number", message, str(values[position])))
    if kind in {"category", "text"}:
        cleaned = cleaned.str.replace(_CONTROL, " ", regex=True).str.strip().str.slice(0, MAX_TEXT)
    if kind == "multi":
        cleaned = pd.Series([_clean_list(value) for value in cleaned], dtype=object)
    name = _attribute_name(column, items.columns)
    items[name] = cleaned
    chosen[name] = kind
    return kind if name == column else f"{kind}, as {name}"


def _nested(present: list[Any]) -> bool:
    return bool(present) and all(isinstance(value, str) and value.startswith(("{", "[{")) for value in present[:100])


def _clean_list(value: list[str] | None) -> list[str] | None:
    parts = [_CONTROL.sub(" ", part).strip()[:MAX_TITLE] for part in value or []]
    return [part for part in parts if part] or None


def _attribute_name(column: str, taken: Collection[str]) -> str:
    """The column's name, made different from names that differ in case only, and free of control characters."""
    base = _CONTROL.sub(" ", column).strip()[:100] or "attribute"
    used = {name.lower() for name in taken} | {name.lower() for name in ITEM_COLUMNS} | RESERVED_COLUMNS
    name, number = base, 2
    while name.lower() in used:
        name, number = f"{base}_{number}", number + 1
    return name
