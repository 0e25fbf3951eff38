"""What ingesting read, kept and rejected, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.catalogue.attribute_kinds import AttributeKind

__all__ = ["SHOWN_PER_KIND", "FileReport", "IngestReport", "Problem", "ProblemLog"]

SHOWN_PER_KIND = 10
_VALUE_LENGTH = 80


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one row (or picture).

    Attributes
    ----------
    row : 1-based data row, the header not counted; None for what has no row.
    kind : a short name that problems of the same sort share, e.g. "missing_id".
    value : what stood there, shortened.
    """

    file: str
    row: int | None
    field: str | None
    kind: str
    message: str
    value: str | None = None


class ProblemLog:
    """Counts all problems and keeps the first `SHOWN_PER_KIND` of each kind."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._shown: dict[str, list[Problem]] = {}

    @property
    def shown(self) -> list[Problem]:
        """The problems kept, kind after kind in the order in which the kinds appeared."""
        return [problem for problems in self._shown.values() for problem in problems]

    def add(self, problem: Problem) -> None:
        self.extend([problem], {problem.kind: 1})

    def extend(self, first: Iterable[Problem], counts: dict[str, int]) -> None:
        """Add problems of which only the first were built; `counts` says how many there are of each kind."""
        self.counts.update(counts)
        for problem in first:
            shown = self._shown.setdefault(problem.kind, [])
            if len(shown) < SHOWN_PER_KIND:
                value = problem.value
                if value is not None and len(value) > _VALUE_LENGTH:
                    value = value[: _VALUE_LENGTH - 1] + "…"
                shown.append(Problem(problem.file, problem.row, problem.field, problem.kind, problem.message, value))

    def summary(self) -> str:
        """One sentence a kind: how many, and the first with file, row and field."""
        lines = []
        for kind, count in self.counts.items():
            first = self._shown[kind][0]
            where = ", ".join(
                part
                for part in (
                    first.file,
                    f"row {first.row}" if first.row is not None else "",
                    f"field {first.field!r}" if first.field else "",
                )
                if part
            )
            found = f" (there: {first.value!r})" if first.value is not None else ""
            lines.append(f"{count:,} x {kind.replace('_', ' ')}; first in {where}: {first.message}{found}")
        return "\n".join(lines)


@dataclass(frozen=True)
class FileReport:
    """One input file.

    Attributes
    ----------
    kind : "products", "events", "products and events", or "pictures".
    read, kept, rejected : rows (or pictures); a row that is kept may still have a problem, e.g. no picture.
    columns : what became of each column, in the file's order, e.g. {"sku": "item_id", "colour": "category"}.
    notes : what was left out or decided without being asked.
    """

    name: str
    kind: str
    read: int
    kept: int
    rejected: int
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class IngestReport:
    """What `ingest` did; `problems` holds the first ten of each kind, `problem_counts` counts them all."""

    files: list[FileReport]
    problems: list[Problem]
    problem_counts: dict[str, int]
    attribute_kinds: dict[str, AttributeKind]
    n_items: int
    n_events: int
    n_users: int
    snapshot_id: str

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, dicts and numbers, fit for JSON."""
        return asdict(self)
