"""The child process that looks at the first rows of a stranger's files (see `preview`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from engine.core.errors import CatalogueError, InputError
from engine.ingest.attributes import LEFT_OUT
from engine.ingest.mapping import ROLES, Corrections, parse_mapping, plan_events, plan_items
from engine.ingest.presets import NO_PRESET, Preset, load_preset
from engine.ingest.products import clean_products
from engine.ingest.report import ProblemLog
from engine.ingest.samples import sample_values, staged_sample
from engine.ingest.sources import Source
from engine.ingest.staged_sql import IdRules
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
    rules = load_preset(preset) if preset else NO_PRESET
    corrections = parse_mapping(mapping)
    declared = {"items": rules.items.encoding, "interactions": rules.interactions.encoding}
    sources = {
        role: staged_sample(files[role], corrections.encoding(role, declared[role]), kept)
        for role in ROLES
        if role in files
    }
    with duckdb.connect(config={"threads": 1, "temp_directory": str(scratch)}) as connection:
        return {role: _look(connection, role, sources, rules, corrections) for role in sources}


def _look(
    connection: duckdb.DuckDBPyConnection,
    role: str,
    sources: Mapping[str, Source],
    rules: Preset,
    corrections: Corrections,
) -> dict[str, Any]:
    source = sources[role]
    other = next((sources[name].columns for name in sources if name != role), ())
    if role == "items":
        fields = plan_items(source, rules, corrections, other)
        required = ["item_id"]
        kinds = _kinds(connection, source, fields, rules, corrections)
    else:
        fields = plan_events(source, rules, corrections, derive="items" not in sources, elsewhere=other)
        required = ["user_id", "item_id"]
        kinds = {}
    became = {column: name for name, column in fields.items()}
    samples = sample_values(source)
    columns = [
        {"name": name, "samples": shown} | _column(became.get(name), kinds.get(name), role)
        for name, shown in samples.items()
    ]
    return {"file": source.name, "columns": columns, "missing": [name for name in required if name not in fields]}


def _kinds(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    fields: Mapping[str, str],
    rules: Preset,
    corrections: Corrections,
) -> dict[str, str]:
    """What every column would become, judging by the first rows."""
    if "item_id" not in fields:
        return {}
    try:
        ids = IdRules(rules.upper_ids, rules.id_width)
        cleaned = clean_products(connection, source, fields, rules.items, ids, corrections.kinds, ProblemLog())
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
