"""What an ingest read, loaded and rejected, and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from engine.catalogue.attribute_kinds import AttributeKind

__all__ = ["NOT_USED", "SHOWN_PER_KIND", "Appended", "FileReport", "IngestReport", "Problem", "ProblemLog"]

NOT_USED = "not used"
SHOWN_PER_KIND = 10
_VALUE_LENGTH = 80
_EMAIL = re.compile(r"[^\s@,;|\"'<>]+@[^\s@,;|\"'<>]+\.[^\s@,;|\"'<>]+")


@dataclass(frozen=True)
class Problem:
    """One fault of one row (or picture).

    Attributes
    ----------
    row : 1-based data row, the header not counted; None if it concerns no row.
    kind : a short name that problems of the same sort share, e.g. "missing_id".
    value : what the cell holds, shortened and without e-mail addresses.
    """

    file: str
    row: int | None
    field: str | None
    kind: str
    message: str
    value: str | None = None


class ProblemLog:
    """Counts all problems and remembers the first `SHOWN_PER_KIND` of each kind."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._shown: dict[str, list[Problem]] = {}
        self._parts: dict[str, Sequence[tuple[str, int]]] = {}

    @property
    def shown(self) -> list[Problem]:
        """The remembered problems, grouped by kind, in the order in which the kinds appeared."""
        return [problem for problems in self._shown.values() for problem in problems]

    def add(self, problem: Problem) -> None:
        self.extend([problem], {problem.kind: 1})

    def extend(self, first: Iterable[Problem], counts: dict[str, int]) -> None:
        """Add the `first` problems of each kind; `counts` is the number of all of them, by kind."""
        self.counts.update(counts)
        for problem in first:
            shown = self._shown.setdefault(problem.kind, [])
            if len(shown) < SHOWN_PER_KIND:
                shown.append(replace(self._placed(problem), value=_shortened(problem.value)))

    def place(self, name: str, parts: Sequence[tuple[str, int]]) -> None:
        """Say that the table `name` consists of several files: each one's name, and the number of rows before it."""
        self._parts[name] = parts

    def summary(self) -> str:
        """One line per kind: the number of problems, and the first with file, row and field."""
        lines = []
        for kind, count in self.counts.items():
            first = self._shown[kind][0]
            found = f" (found: {first.value!r})" if first.value is not None else ""
            lines.append(f"{count:,} x {kind.replace('_', ' ')}; first in {_where(first)}: {first.message}{found}")
        return "\n".join(lines)

    def _placed(self, problem: Problem) -> Problem:
        """The problem with the file and the row in it, where a table consists of several files."""
        row = problem.row
        if row is None or problem.file not in self._parts:
            return problem
        file, before = next(part for part in reversed(self._parts[problem.file]) if part[1] < row)
        return replace(problem, file=file, row=row - before)


def _shortened(value: str | None) -> str | None:
    """At most 80 signs, without e-mail addresses: who shops here stays out of reports and logs."""
    if value is None:
        return None
    kept = _EMAIL.sub("(an e-mail address)", value) if "@" in value else value
    return kept if len(kept) <= _VALUE_LENGTH else kept[: _VALUE_LENGTH - 1] + "…"


def _where(problem: Problem) -> str:
    row = f"row {problem.row}" if problem.row is not None else ""
    field = f"field {problem.field!r}" if problem.field else ""
    return ", ".join(part for part in (problem.file, row, field) if part)


@dataclass(frozen=True)
class FileReport:
    """One input file.

    Attributes
    ----------
    kind : "products", "events", "products and events", or "pictures".
    read, kept, rejected : rows (or pictures); a loaded row counts as kept and may still have a problem, e.g. no picture.
    columns : what became of each column, in the file's order, e.g. {"sku": "item_id", "colour": "category"}.
    notes : what Longtail left out or decided by itself.
    recognised : the system or data set that the file is from, in words; "" for any other.
    unused : sentences about columns that are not used and look as if they mattered, the most important first.
    """

    name: str
    kind: str
    read: int
    kept: int
    rejected: int
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    recognised: str = ""
    unused: list[str] = field(default_factory=list)

    @property
    def unused_columns(self) -> list[str]:
        """All columns of which nothing was loaded."""
        return [name for name, what in self.columns.items() if what == NOT_USED or what.startswith("left out")]


@dataclass(frozen=True)
class Appended:
    """What was new to the shop, and how many events it had already, which count once."""

    new_products: int
    changed_products: int
    new_events: int
    known_events: int

    @property
    def is_nothing(self) -> bool:
        """Whether the shop is as it was."""
        return not (self.new_products or self.changed_products or self.new_events)


@dataclass(frozen=True)
class IngestReport:
    """What `ingest` did; `problems` holds the first ten of each kind, `problem_counts` counts them all.

    `n_items`, `n_events` and `n_users` are the shop's; `appended` is None where everything was loaded anew.
    """

    files: list[FileReport]
    problems: list[Problem]
    problem_counts: dict[str, int]
    attribute_kinds: dict[str, AttributeKind]
    n_items: int
    n_events: int
    n_users: int
    snapshot_id: str
    appended: Appended | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, dicts and numbers, fit for JSON."""
        return asdict(self)
