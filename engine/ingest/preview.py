"""A first look at a shop's files: how each column would be read, so that a person can correct it before loading."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from engine.core.errors import CatalogueError
from engine.ingest.attributes import LEFT_OUT
from engine.ingest.mapping import ROLES, Corrections, parse_mapping, plan_events, plan_items
from engine.ingest.presets import NO_PRESET, Preset, load_preset
from engine.ingest.products import clean_products
from engine.ingest.readers import ROW, Source, stage
from engine.ingest.report import ProblemLog
from engine.ingest.staged_sql import IdRules

__all__ = ["ColumnPreview", "TablePreview", "preview"]

_SAMPLE_ROWS = 5_000
_SHOWN = 5


@dataclass(frozen=True)
class ColumnPreview:
    """One column of a file.

    Attributes
    ----------
    field : the field it is read as, e.g. "title"; None for an attribute and for an unused column.
    kind : an attribute's kind, inferred from the first rows; None for a field and for an unused column.
    note : why it is left out, "" otherwise.
    """

    name: str
    field: str | None
    kind: str | None
    note: str


@dataclass(frozen=True)
class TablePreview:
    """One file: its columns, its first rows as text, and the required fields for which no column was found."""

    role: str
    file: str
    columns: list[ColumnPreview]
    rows: pd.DataFrame
    missing: list[str]


def preview(
    files: Mapping[str, Path], preset: str | None = None, mapping: Mapping[str, str] | None = None
) -> dict[str, TablePreview]:
    """Read the first rows of each file; nothing is stored.

    Parameters
    ----------
    files : "items" and "interactions", either or both, -> path.
    preset, mapping : as for `ingest`.

    Raises `InputError` as `ingest` would for a file that cannot be read or a mapping that cannot be followed; a
    required field without a column is not an error here but listed in `TablePreview.missing`.
    """
    rules = load_preset(preset) if preset else NO_PRESET
    corrections = parse_mapping(mapping)
    with tempfile.TemporaryDirectory() as directory:
        declared = {"items": rules.items.encoding, "interactions": rules.interactions.encoding}
        sources = {}
        for role in [role for role in ROLES if role in files]:
            encoding = corrections.encoding(role, declared[role])
            sources[role] = stage(
                Path(files[role]), Path(directory), ProblemLog(), encoding=encoding, limit=_SAMPLE_ROWS
            )
        return {role: _look(role, sources, rules, corrections) for role in sources}


def _look(role: str, sources: Mapping[str, Source], rules: Preset, corrections: Corrections) -> TablePreview:
    source = sources[role]
    other = next((sources[name].columns for name in sources if name != role), ())
    if role == "items":
        fields = plan_items(source, rules, corrections, other)
        required = ["item_id"]
        kinds = _kinds(source, fields, rules, corrections)
    else:
        fields = plan_events(source, rules, corrections, derive="items" not in sources, elsewhere=other)
        required = ["user_id", "item_id"]
        kinds = {}
    became = {column: name for name, column in fields.items()}
    columns = [_column(name, became.get(name), kinds.get(name), role) for name in source.columns if name]
    missing = [name for name in required if name not in fields]
    return TablePreview(role, source.name, columns, _first_rows(source), missing)


def _first_rows(source: Source) -> pd.DataFrame:
    rows = pq.read_table(source.path).slice(0, _SHOWN).drop_columns([ROW]).to_pandas()
    rows.columns = list(source.columns)
    rows = rows.loc[:, [name for name in source.columns if name]].astype(object)
    shown: pd.DataFrame = rows.where(rows.notna(), "").map(str)
    return shown


def _kinds(source: Source, fields: Mapping[str, str], rules: Preset, corrections: Corrections) -> dict[str, str]:
    """What every column would become, judging by the first rows."""
    if "item_id" not in fields:
        return {}
    try:
        with duckdb.connect() as connection:
            ids = IdRules(rules.upper_ids, rules.id_width)
            cleaned = clean_products(connection, source, fields, rules.items, ids, corrections.kinds, ProblemLog())
    except CatalogueError:
        # No row has a usable id yet: the person is about to choose another column.
        return {}
    return cleaned.columns


def _column(name: str, field: str | None, became: str | None, role: str) -> ColumnPreview:
    if field is not None:
        return ColumnPreview(name, field, None, "")
    if became is None:
        return ColumnPreview(name, None, None, "" if role == "items" else "not used")
    if became.startswith(LEFT_OUT):
        return ColumnPreview(name, None, None, became)
    return ColumnPreview(name, None, became.split(",")[0], "")
