"""What the values of a column do not tell, as questions for a person, out of what the reading of columns says about them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from engine.ingest.dry_run import DryRun

__all__ = ["open_questions"]

_ANSWERS = {
    "dates": {
        "day-first": "The day comes first: 01/02/2026 is 1 February",
        "month-first": "The month comes first: 01/02/2026 is 2 January",
    },
    "numbers": {
        "point": "The point is the decimal mark: 1.299 is little more than one, and 1,299 more than a thousand",
        "comma": "The comma is the decimal mark: 1.299 is more than a thousand, and 1,299 little more than one",
    },
}


def open_questions(run: DryRun) -> list[dict[str, Any]]:
    """`engine.ingest.preview.Question`s as JSON values: those notes that say how to answer, e.g. `dates.Created=month-first`."""
    notes = [note for lines in run.notes.values() for note in lines]
    columns = dict.fromkeys(column for role in run.roles for column in run.source(role).columns if column)
    found = {}
    for what, answers in _ANSWERS.items():
        for column in columns:
            key = f"{what}.{column}"
            if (note := _note_about(f"{key}=", notes)) is not None:
                found[key] = {"key": key, "asks": _without_instructions(note, f"{key}="), "answers": answers}
    return list(found.values())


def _note_about(answer: str, notes: Iterable[str]) -> str | None:
    return next((note for note in notes if answer in note), None)


def _without_instructions(note: str, answer: str) -> str:
    """The note without the sentences for the command line."""
    sentences = re.split(r"(?<=[.;])\s+", note)
    return " ".join(sentence for sentence in sentences if answer not in sentence)
