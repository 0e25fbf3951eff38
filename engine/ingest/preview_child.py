"""The child process that looks at the first rows of a stranger's files (see `preview`)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from engine.core.errors import CatalogueError, InputError
from engine.ingest.attributes import LEFT_OUT
from engine.ingest.mapping import ROLES, Corrections, parse_mapping
from engine.ingest.presets import NO_PRESET, load_preset
from engine.ingest.products import clean_products
from engine.ingest.report import ProblemLog
from engine.ingest.samples import sample_values, staged_sample
from engine.ingest.shapes.items import ShapedItems
from engine.ingest.sources import Source
from engine.ingest.tables import Tables, prepare_tables
from engine.untrusted.bounded import serve

__all__ = ["look"]

_MEMORY_BYTES = 1024**3
_FILE_BYTES = 256 * 1024**2


def look(
    files: Mapping[str, Path], preset: str | None, mapping: Mapping[str, str], kept: Path, scratch: Path
) -> dict[str, dict[str, Any]]:
    """Role -> what `engine.ingest.preview.TablePreview` holds, as JSON values. Raises `InputError`.

    `kept` is where the first rows stay for the next look, `scratch` what the parent removes after this one.
    """
    corrections = parse_mapping(mapping)
    sources = {role: [_own_copy(role, path, preset, corrections, kept, scratch)] for role, path in files.items()}
    with duckdb.connect(config={"threads": 1, "temp_directory": str(scratch)}) as connection:
        tables = prepare_tables(connection, sources, preset, corrections)
        return {role: _look(connection, role, tables, corrections) for role in ROLES if role in files}


def _own_copy(role: str, path: Path, preset: str | None, corrections: Corrections, kept: Path, scratch: Path) -> Source:
    """The kept first rows in a folder of their own, in which they may be shaped."""
    rules = load_preset(preset) if preset else NO_PRESET
    encoding = (rules.items if role == "items" else rules.interactions).encoding
    source = staged_sample(path, corrections.encoding(role, encoding), kept)
    own = scratch / role / source.path.name
    own.parent.mkdir(exist_ok=True)
    return replace(source, path=Path(shutil.copy(source.path, own)))


def _look(connection: duckdb.DuckDBPyConnection, role: str, tables: Tables, corrections: Corrections) -> dict[str, Any]:
    if role == "items" and tables.items:
        source, fields, required = tables.items.source, tables.item_columns, ["item_id"]
        kinds = _kinds(connection, tables.items, tables, corrections)
    else:
        assert tables.events
        source, fields, required, kinds = tables.events, tables.event_columns, ["user_id", "item_id"], {}
    became = {column: name for name, column in fields.items()}
    samples = sample_values(source)
    columns = [
        {"name": name, "samples": shown} | _column(became.get(name), kinds.get(name), role)
        for name, shown in samples.items()
    ]
    return {
        "file": source.name,
        "columns": columns,
        "missing": [name for name in required if name not in fields],
        "recognised": tables.recognised.get(role, ""),
        "notes": tables.notes[role],
    }


def _kinds(
    connection: duckdb.DuckDBPyConnection, shaped: ShapedItems, tables: Tables, corrections: Corrections
) -> dict[str, str]:
    """What every column would become, judging by the first rows."""
    if "item_id" not in tables.item_columns:
        return {}
    try:
        cleaned = clean_products(
            connection, shaped, tables.item_columns, tables.preset.items, tables.ids, corrections, ProblemLog()
        )
    except CatalogueError:
        # No row has a usable id yet: the person is about to choose another column.
        return {}
    return cleaned.columns


def _column(field: str | None, became: str | None, role: str) -> dict[str, Any]:
    if field is not None:
        return {"field": field, "kind": None, "note": ""}
    if became is None:
        return {"field": None, "kind": None, "note": "" if role == "items" else "not used"}
    if became.startswith(LEFT_OUT):
        return {"field": None, "kind": None, "note": became}
    return {"field": None, "kind": became.split(",")[0], "note": ""}


def _work(head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        files = {role: Path(path) for role, path in head["files"].items()}
        tables = look(files, head["preset"], head["mapping"], Path(head["kept"]), Path(head["scratch"]))
        return {"tables": tables}, b""
    except InputError as exc:
        if _wants_memory(exc):
            return {"too_large": True}, b""
        return {"error": exc.message, "file": exc.file, "row": exc.row, "field": exc.field}, b""
    except (MemoryError, duckdb.OutOfMemoryException):
        return {"too_large": True}, b""


def _wants_memory(exc: BaseException) -> bool:
    """Whether it was caused by a lack of memory, however the libraries put it."""
    cause = exc.__cause__
    return cause is not None and (isinstance(cause, (MemoryError, duckdb.OutOfMemoryException)) or _wants_memory(cause))


if __name__ == "__main__":
    serve(_work, memory_bytes=_MEMORY_BYTES, file_bytes=_FILE_BYTES)
