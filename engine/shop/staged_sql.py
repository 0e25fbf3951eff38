"""SQL expressions that read staged columns: ids, numbers and times out of whatever type the file had.

Column names are ours (`c0`, `c1`, ...); patterns from presets are quoted here.
"""

from __future__ import annotations

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
    "number_sql",
    "quoted",
    "staged_types",
    "text_sql",
]

MAX_ID_LENGTH = 200
# Texts that programs write where there is no value.
MISSING = frozenset({"", "nan", "NaN", "NAN", "null", "NULL", "None", "N/A", "n/a", "#N/A", "<NA>"})
# Control characters, invisible format characters (zero width, bidirectional marks) and line separators.
_CONTROL = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"
_BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"


@dataclass(frozen=True)
class IdRules:
    """How a shop's ids are made one: `upper` folds case, `width` pads numbers with zeros on the left."""

    upper: bool = False
    width: int | None = None


@dataclass(frozen=True)
class Check:
    """A row for which `condition` holds has a problem; `value` is the SQL of what stood there."""

    kind: str
    field: str
    condition: str
    value: str
    message: str


def staged_types(path: Path) -> dict[str, pa.DataType]:
    """The staged columns' Arrow types."""
    schema = pq.read_schema(path)
    return dict(zip(schema.names, schema.types, strict=True))


def text_sql(column: str, kind: pa.DataType) -> str:
    """Trimmed text, or null where there is none; 17850.0 is written 17850."""
    if pa.types.is_floating(kind):
        whole = f"{column} = floor({column}) AND abs({column}) < 1e15"
        return f"CASE WHEN isnan({column}) THEN NULL WHEN {whole} THEN {column}::BIGINT::VARCHAR ELSE {column}::VARCHAR END"
    text = f"trim({column}::VARCHAR, {_BLANKS})"
    missing = ", ".join(quoted(word) for word in sorted(MISSING))
    return f"CASE WHEN {text} IN ({missing}) THEN NULL ELSE {text} END"


def id_sql(column: str, kind: pa.DataType, rules: IdRules | None = None) -> str:
    """An id as text; whole numbers that a spreadsheet wrote as 12.0 lose their ".0"."""
    text = text_sql(column, kind)
    if pa.types.is_string(kind):
        text = rf"regexp_replace({text}, '^([0-9]+)\.0$', '\1')"
    if rules and rules.upper:
        text = f"upper({text})"
    if rules and rules.width:
        text = f"CASE WHEN regexp_full_match({text}, '[0-9]{{1,{rules.width}}}') THEN lpad({text}, {rules.width}, '0') ELSE {text} END"
    return text


def id_checks(field: str, name: str, who: str) -> list[Check]:
    """What can be wrong with the id in the column `name`; `who` is what it identifies."""
    return [
        Check(
            f"missing_{who}", field, f"{name} IS NULL", "NULL", f"the {who} has no id. Fill it in or remove the row."
        ),
        Check(
            "control_characters",
            field,
            f"regexp_matches({name}, {quoted(_CONTROL)})",
            name,
            f"the {who}'s id holds invisible characters. Remove them at the source.",
        ),
        Check(
            "long_id",
            field,
            f"length({name}) > {MAX_ID_LENGTH}",
            name,
            f"the {who}'s id is longer than {MAX_ID_LENGTH} characters. Is this the right column?",
        ),
    ]


def number_sql(column: str, kind: pa.DataType) -> str:
    """DOUBLE, null where there is no number; a decimal comma is understood."""
    if pa.types.is_string(kind):
        text = text_sql(column, kind)
        return rf"try_cast(regexp_replace({text}, '^([-+]?[0-9]+),([0-9]{{1,2}})$', '\1.\2') AS DOUBLE)"
    return f"try_cast({column} AS DOUBLE)"


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
