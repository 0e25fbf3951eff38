"""The child process that looks at the first rows of a stranger's files (see `preview`)."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from engine.core.errors import InputError
from engine.ingest.attributes import LEFT_OUT
from engine.ingest.confidence import how_sure
from engine.ingest.dry_run import DryRun, dry_run
from engine.ingest.load_warnings import load_warnings
from engine.ingest.mapping import ROLES, Corrections, parse_mapping
from engine.ingest.open_questions import open_questions
from engine.ingest.presets import NO_PRESET, load_preset
from engine.ingest.profiles import profile_columns
from engine.ingest.report import NOT_USED
from engine.ingest.samples import sample_values, staged_samples
from engine.ingest.sources import FileForm, Source
from engine.ingest.tables import prepare_tables
from engine.untrusted.bounded import serve

__all__ = ["look"]

_MEMORY_BYTES = 1024**3
_FILE_BYTES = 256 * 1024**2
_MOST_LOGGED = 20_000
_REQUIRED = {"items": ("item_id",), "interactions": ("user_id", "item_id")}


def look(
    files: Mapping[str, Sequence[Path]], preset: str | None, mapping: Mapping[str, str], kept: Path, scratch: Path
) -> dict[str, Any]:
    """What `engine.ingest.preview.Preview` holds, as JSON values. Raises `InputError`.

    `kept` is where the first rows stay for the next look, `scratch` what the parent removes after this one.
    """
    corrections = parse_mapping(mapping)
    sources = {
        role: _own_copies(role, files[role], preset, corrections, kept, scratch) for role in ROLES if role in files
    }
    with duckdb.connect(config={"threads": 1, "temp_directory": str(scratch)}) as connection:
        tables = prepare_tables(connection, sources, preset, corrections)
        n_rows = {role: sum(one.n_rows for one in own) for role, own in sources.items()}
        run = dry_run(connection, tables, corrections, n_rows, next(iter(files.get("images", ())), None))
    return {
        "tables": {role: _table(role, run) for role in sources},
        "warnings": load_warnings(run),
        "questions": open_questions(run),
        "recognised": {role: run.preset_of(role) for role in tables.recognised},
    }


def _own_copies(
    role: str, paths: Sequence[Path], preset: str | None, corrections: Corrections, kept: Path, scratch: Path
) -> list[Source]:
    """The kept first rows in a folder of their own, in which they may be shaped."""
    known = load_preset(preset) if preset else NO_PRESET
    rules = known.items if role == "items" else known.interactions
    form = FileForm(encoding=corrections.encoding(role, rules.encoding), delimiter=rules.delimiter)
    own = scratch / role
    own.mkdir()
    return [
        replace(source, path=Path(shutil.copy(source.path, own / f"{position}.parquet")))
        for position, source in enumerate(staged_samples(paths, form, kept))
    ]


def _table(role: str, run: DryRun) -> dict[str, Any]:
    source, field_of = run.source(role), run.field_of(role)
    profiles = profile_columns(source)
    columns = []
    elsewhere = run.tables.items.ignored if role == "items" and run.tables.items else ()
    for name, shown in sample_values(source).items():
        if name in elsewhere:
            continue  # names and values of attributes, which are columns of their own
        became = _became(field_of.get(name), run.became(role).get(name, NOT_USED))
        sure, why = how_sure(
            became["field"], became["kind"], name, profiles[name], run.preset_of(role), headerless=source.headerless
        )
        columns.append({"name": name, "samples": shown, "confidence": sure, "why": why} | became)
    missing = [name for name in _REQUIRED[role] if name not in run.fields(role)]
    return {"file": source.name, "columns": columns, "missing": missing, "notes": run.notes[role]}


def _became(field: str | None, became: str) -> dict[str, Any]:
    """Field, kind and note of a column."""
    if field is not None:
        return {"field": field, "kind": None, "note": ""}
    if became == NOT_USED or became.startswith(LEFT_OUT):
        return {"field": None, "kind": None, "note": became}
    return {"field": None, "kind": became.split(",")[0], "note": ""}


def _work(head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        files = {role: [Path(path) for path in paths] for role, paths in head["files"].items()}
        return look(files, head["preset"], head["mapping"], Path(head["kept"]), Path(head["scratch"])), b""
    except InputError as exc:
        if _wants_memory(exc):
            return {"too_large": True}, b""
        return {"error": exc.message, "file": exc.file, "row": exc.row, "field": exc.field}, b""
    except (MemoryError, duckdb.OutOfMemoryException):
        return {"too_large": True}, b""
    except Exception as exc:
        # The parent writes it to its log: a child has nowhere to write.
        return {"unexpected": "".join(traceback.format_exception(exc))[-_MOST_LOGGED:]}, b""


def _wants_memory(exc: BaseException) -> bool:
    """Whether it was caused by a lack of memory, however the libraries put it."""
    cause = exc.__cause__
    return cause is not None and (isinstance(cause, (MemoryError, duckdb.OutOfMemoryException)) or _wants_memory(cause))


if __name__ == "__main__":
    serve(_work, memory_bytes=_MEMORY_BYTES, file_bytes=_FILE_BYTES)
