"""The first rows of a file, staged once and kept for the next look at it."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq

from engine.ingest.report import ProblemLog
from engine.ingest.sources import FileForm, Source, stage

__all__ = ["SAMPLE_ROWS", "sample_values", "staged_sample"]

SAMPLE_ROWS = 5_000
_VALUE_LENGTH = 60
_VALUES_READ = 500


def staged_sample(path: Path, encoding: str | None, kept: Path) -> Source:
    """The first `SAMPLE_ROWS` rows of `path`, from the folder `kept` if they were staged there before.

    Raises `InputError` as `stage` does.
    """
    folder = kept / _key(path, encoding)
    described = folder / "source.json"
    if not described.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        source = stage(path, folder, ProblemLog(), form=FileForm(encoding=encoding), limit=SAMPLE_ROWS)
        described.write_text(json.dumps(asdict(source), default=str), "utf-8")
    facts = json.loads(described.read_text("utf-8"))
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
    texts = dict.fromkeys(str(value).strip() for value in values if value is not None and value != "")
    return [text if len(text) <= _VALUE_LENGTH else text[: _VALUE_LENGTH - 1] + "…" for text in list(texts)[:count]]


def _key(path: Path, encoding: str | None) -> str:
    facts = path.stat()
    known_by = f"{path.absolute()}|{facts.st_size}|{facts.st_mtime_ns}|{encoding}"
    return hashlib.sha256(known_by.encode()).hexdigest()[:24]
