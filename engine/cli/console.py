"""What a command prints: bars on a terminal, plain lines elsewhere, one JSON object a line for programs.

Results go to standard output; progress, notes and errors to standard error, so that a pipe gets results alone. With
`json`, progress and results are both lines of standard output; `event` distinguishes them. Texts of strangers reach a terminal
without what it would take for a command.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from engine.core.visible_text import printable, visible

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

__all__ = ["Console"]

SECONDS_BETWEEN_LINES = 5.0


class Console:
    """Where a command says what it does. Used as a context manager: bars end with it."""

    def __init__(self, *, json: bool = False):
        self.json = json
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._step = ""
        self._finished = False
        self._said = 0.0

    def __enter__(self) -> Console:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_bars()

    def progress(self, step: str, done: float, message: str = "") -> None:
        """An `engine.core.progress.Progress`."""
        if self.json:
            self._line({"event": "progress", "step": step, "done": round(done, 4), "message": message})
        elif sys.stderr.isatty():
            self._draw(step, done, message)
        else:
            self._tell(step, done, message)

    def result(self, values: Mapping[str, Any], text: str) -> None:
        """What came of the command: `values` for programs, `text` for people."""
        self._end_bars()
        if self.json:
            self._line({"event": "result", **values})
        else:
            print(printable(text), flush=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], values: Mapping[str, Any]) -> None:
        """A result that is a table for people."""
        if self.json:
            self.result(values, "")
            return
        self._end_bars()
        texts = [[visible(cell) for cell in row] for row in [columns, *rows]]
        widths = [max(len(row[column]) for row in texts) for column in range(len(columns))]
        for row in texts:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def note(self, text: str) -> None:
        """Something to know that is no result."""
        if self.json:
            self._line({"event": "note", "message": text})
        else:
            self._end_bars()
            print(printable(text), file=sys.stderr, flush=True)

    def error(self, text: str) -> None:
        """Why the command ended."""
        self._end_bars()
        if self.json:
            self._line({"event": "error", "message": text})
        print(printable(text), file=sys.stderr, flush=True)

    def _line(self, value: Mapping[str, Any]) -> None:
        print(json.dumps(value, allow_nan=False), flush=True)  # ASCII: nothing in it can be a command to a terminal

    def _tell(self, step: str, done: float, message: str) -> None:
        now = time.monotonic()
        new, ended = step != self._step, done >= 1.0 and not self._finished
        if new or ended or now - self._said >= SECONDS_BETWEEN_LINES:
            detail = f" ({message})" if message else ""
            share = "done" if done >= 1.0 else f"{done:.0%}" if done > 0 else ""
            print(printable(f"{step}{detail} ... {share}".rstrip()), file=sys.stderr, flush=True)
            self._said = now
        self._step, self._finished = step, done >= 1.0

    def _draw(self, step: str, done: float, message: str) -> None:
        from rich.console import Console as Terminal
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        if self._bars is None:
            self._bars = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[message]}", style="dim", markup=False),
                console=Terminal(stderr=True),
            )
            self._bars.start()
        if step != self._step or self._task is None:
            if self._task is not None:
                self._bars.update(self._task, completed=1.0)
                self._bars.stop_task(self._task)
            self._task = self._bars.add_task(visible(step), total=1.0, message=visible(message))
        self._step = step
        self._bars.update(self._task, completed=done, message=visible(message))

    def _end_bars(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = self._task = None
