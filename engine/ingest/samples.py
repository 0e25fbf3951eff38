"""The first rows of a file, staged once and kept for the next look at it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from engine.ingest.report import ProblemLog
from engine.ingest.sources import FileForm, Source
from engine.ingest.tables import stage_files

__all__ = ["SAMPLE_ROWS", "sample_values", "staged_samples"]

SAMPLE_ROWS = 5_000
_VALUE_LENGTH = 40
_VALUES_READ = 500


def staged_samples(paths: Sequence[Path], form: FileForm, kept: Path) -> list[Source]:
    """The first `SAMPLE_ROWS` rows of each table in these files, from the folder `kept` if they were staged there before.

    Raises `InputError` as `stage` does.
    """
    folder = kept / _key(paths, form)
    described = folder / "sources.json"
    if not described.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        sources = stage_files(paths, folder, ProblemLog(), form, SAMPLE_ROWS)
        described.write_text(json.dumps([asdict(source) for source in sources], default=str), "utf-8")
    return [_source(facts) for facts in json.loads(described.read_text("utf-8"))]


def _source(facts: dict[str, Any]) -> Source:
    facts = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
    return Source(**facts | {"path": Path(facts["path"])})


def sample_values(source: Source, count: int = 3) -> dict[str, list[str]]:
    """The first different values of every named column as text, shortened."""
    table = pq.read_table(source.path).slice(0, _VALUES_READ)
    return {
        name: _shown(table[source.staged(name)].to_pylist(), count)
        for name in dict.fromkeys(filter(None, source.columns))
    }


def _shown(values: list[object], count: int) -> list[str]:
    texts = dict.fromkeys(_text(value) for value in values if value is not None and value != "")
    return [text if len(text) <= _VALUE_LENGTH else text[: _VALUE_LENGTH - 1] + "…" for text in list(texts)[:count]]


def _text(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else " ".join(str(value).split())


def _key(paths: Sequence[Path], form: FileForm) -> str:
    facts = [
        f"{path.absolute()}|{(known := path.stat()).st_size}|{known.st_mtime_ns}" for path in paths if path.is_file()
    ]
    return hashlib.sha256(f"{facts}|{form}".encode()).hexdigest()[:24]
