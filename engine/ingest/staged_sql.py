"""SQL expressions that read staged columns: ids and texts out of whatever type the file had.

Column names are ours (`c0`, `c1`, ...); patterns from presets are quoted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = [
    "MAX_ID_LENGTH",
    "MISSING",
    "Check",
    "IdRules",
    "id_checks",
    "id_sql",
    "quoted",
    "staged_types",
    "with_texts",
]

MAX_ID_LENGTH = 200
# Texts that programs write for a missing value.
MISSING = frozenset({"", "nan", "NaN", "NAN", "null", "NULL", "None", "N/A", "n/a", "#N/A", "<NA>", "\\N"})
# Control characters, invisible format characters (zero width, bidirectional marks) and line separators.
_CONTROL = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"


@dataclass(frozen=True)
class IdRules:
    """How a shop's ids are normalised: `upper` folds case, `width` pads numbers with zeros on the left."""

    upper: bool = False
    width: int | None = None


@dataclass(frozen=True)
class Check:
    """A row for which `condition` holds has a problem; `value` is SQL for what the cell holds."""

    kind: str
    field: str
    condition: str
    value: str
    message: str


def staged_types(path: Path) -> dict[str, pa.DataType]:
    """The staged columns' Arrow types."""
    schema = pq.read_schema(path)
    return dict(zip(schema.names, schema.types, strict=True))


def with_texts(table: str, columns: Mapping[str, str], types: Mapping[str, pa.DataType]) -> str:
    """A relation over `table` that adds, for each name -> staged column, `<name>_text`: null where missing.

    `<name>_raw` is the text as the file has it, null only for empty cells. The query has two steps, because DuckDB
    computes an expression again wherever it is repeated.
    """
    if not columns:
        return table
    raw = ", ".join(f"{_as_text(column, types[column])} AS {name}_raw" for name, column in columns.items())
    missing = ", ".join(quoted(word) for word in sorted(MISSING))
    # Only short texts can be missing markers; the comparison is cheaper than the list.
    short = max(map(len, MISSING))
    texts = ", ".join(
        f"CASE WHEN strlen({name}_raw) <= {short} AND {name}_raw IN ({missing}) THEN NULL ELSE {name}_raw END AS {name}_text"
        for name in columns
    )
    raws = ", ".join(f"nullif({name}_raw, '') AS {name}_raw" for name in columns)
    return f"(SELECT * REPLACE ({raws}), {texts} FROM (SELECT *, {raw} FROM {table}))"


def _as_text(column: str, kind: pa.DataType) -> str:
    """SQL for a column as text (staged without blanks around it); 17850.0 becomes 17850."""
    if pa.types.is_floating(kind):
        whole = f"{column} = floor({column}) AND abs({column}) < 1e15"
        return f"CASE WHEN {whole} THEN {column}::BIGINT::VARCHAR ELSE {column}::VARCHAR END"
    return f"{column}::VARCHAR"


def id_sql(text: str, rules: IdRules | None = None) -> str:
    """SQL for ids in a column of texts; whole numbers that a spreadsheet wrote as 12.0 lose their ".0"."""
    plain = rf"CASE WHEN ends_with({text}, '.0') THEN regexp_replace({text}, '^([0-9]+)\.0$', '\1') ELSE {text} END"
    if rules and rules.upper:
        plain = f"upper({plain})"
    if rules and rules.width:
        digits = f"regexp_full_match({text}, '[0-9]{{1,{rules.width}}}([.]0)?')"
        plain = f"CASE WHEN {digits} THEN lpad({plain}, {rules.width}, '0') ELSE {plain} END"
    return plain


def id_checks(field: str, name: str, who: str) -> list[Check]:
    """Checks of the ids in the column `name`; `who` is what they identify."""
    return [
        Check(
            f"missing_{who}", field, f"{name} IS NULL", "NULL", f"the {who} has no id. Fill it in or remove the row."
        ),
        Check(
            "control_characters",
            field,
            f"regexp_matches({name}, {quoted(_CONTROL)})",
            name,
            f"the {who}'s id contains invisible characters. Remove them at the source.",
        ),
        Check(
            "long_id",
            field,
            f"length({name}) > {MAX_ID_LENGTH}",
            name,
            f"the {who}'s id is longer than {MAX_ID_LENGTH} characters. Is this the right column?",
        ),
    ]


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
