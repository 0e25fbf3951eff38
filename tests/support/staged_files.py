"""Staging a small file and looking at what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from engine.ingest.report import ProblemLog
from engine.ingest.sources import ROW, FileForm, Source, stage


def staged(
    paths: Path | Sequence[Path], form: FileForm | None = None, limit: int | None = None
) -> tuple[Source, list[dict[str, object]], ProblemLog]:
    """The source, its rows by the file's own column names (with `ROW`), and the problems."""
    first = paths if isinstance(paths, Path) else paths[0]
    directory = first.parent / "staging"
    directory.mkdir(exist_ok=True)
    problems = ProblemLog()
    source = stage(paths, directory, problems, form=form or FileForm(), limit=limit)
    rows = pq.read_table(source.path).rename_columns([ROW, *source.columns]).to_pylist()
    return source, rows, problems


def written(folder: Path, content: str | bytes, name: str, encoding: str = "utf-8") -> Path:
    """A file of this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path
