"""What every decision about a column tells people: how it was read, and what they alone can answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["ColumnFormat", "answer_for", "option"]


@dataclass(frozen=True, kw_only=True)
class ColumnFormat:
    """How a column is written.

    Attributes
    ----------
    note : how it is read where that is not plain, e.g. "read with a decimal comma: 1.299 is 1299"; "" otherwise.
    question : what the values alone do not tell, what was assumed, and how to answer it; None where nothing is open.
    """

    note: str = ""
    question: str | None = None

    def notes(self, column: str) -> list[str]:
        """The lines for a report about `column`."""
        return [f"{column}: {line}" for line in (self.note, self.question) if line]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, dicts, texts and numbers, fit for JSON."""
        return asdict(self)


def option(what: str, column: str, answer: str) -> str:
    """What a person types to say that "numbers" or "dates" of `column` are written like this."""
    said = f"{what}.{column}={answer}"
    return f'--map "{said}"' if " " in said else f"--map {said}"


def answer_for(formats: Mapping[str, str], what: str, column: str) -> str | None:
    """What the person said about "numbers" or "dates" of `column` ("numbers.COLUMN" before "numbers"), or None."""
    return formats.get(f"{what}.{column}") or formats.get(what)
