"""What an ingest did, in lines for the command line: files, columns, what was decided, and every kind of problem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.ingest.report import FileReport, IngestReport

__all__ = ["report_lines"]

EXAMPLES_SHOWN = 3


def report_lines(report: IngestReport) -> Iterator[str]:
    """A few lines per file, then the problems with their first examples."""
    for file in report.files:
        yield from _file_lines(file)
    yield from _problem_lines(report)
    for name, kind in report.attribute_kinds.items():
        yield f"  attribute {name!r}: {kind}"


def _file_lines(file: FileReport) -> Iterator[str]:
    yield f"{file.name}: {file.read:,} rows read, {file.kept:,} kept, {file.rejected:,} rejected"
    if file.recognised:
        yield f"  {file.recognised}"
    fields: dict[str, list[str]] = {}
    for column, what in file.columns.items():
        if column not in file.unused_columns:
            fields.setdefault(what, []).append(column)
    if fields:
        yield "  read as " + "; ".join(f"{what} = {', '.join(columns)}" for what, columns in fields.items())
    for note in file.notes:
        yield f"  {note}"
    for sentence in file.unused:
        yield f"  {sentence}"
    if file.unused_columns:
        yield f"  not used: {', '.join(file.unused_columns)}"


def _problem_lines(report: IngestReport) -> Iterator[str]:
    for kind, count in report.problem_counts.items():
        examples = [problem for problem in report.problems if problem.kind == kind]
        yield f"  {count:,} x {examples[0].message}"
        for problem in examples[:EXAMPLES_SHOWN]:
            parts = [problem.file or "", f"row {problem.row}" if problem.row is not None else ""]
            parts.append(f"field {problem.field!r}" if problem.field else "")
            value = f" = {problem.value!r}" if problem.value not in (None, "") else ""
            yield f"      {', '.join(part for part in parts if part)}{value}"
        if count > EXAMPLES_SHOWN:
            yield "      ..."
