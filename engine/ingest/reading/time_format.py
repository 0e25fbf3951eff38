"""The form of a column of times, as SQL in DuckDB: the one way in which items and events read times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from engine.ingest.reading.column_format import ColumnFormat
from engine.ingest.reading.epochs import LATEST, Epochs
from engine.ingest.reading.number_format import PLAIN
from engine.ingest.staged_sql import quoted

__all__ = ["NO_TIMES", "Preparation", "TimeFormat"]

_COMMA = "([0-9]+),([0-9]+)"


@dataclass(frozen=True)
class Preparation:
    """What is replaced before a time is read, in this order, in Python and in SQL alike.

    Attributes
    ----------
    odd : character -> the plain one it stands for.
    patterns : (pattern, replacement) in the syntax that Python's `re` and RE2 share; matched in lower case if `words` is
        not empty.
    words : month name in lower case -> English abbreviation, longer names first.
    """

    odd: Mapping[str, str] = field(default_factory=dict)
    patterns: tuple[tuple[str, str], ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)

    def apply(self, text: str) -> str:
        """The text, ready for strptime."""
        for odd, plain in self.odd.items():
            text = text.replace(odd, plain)
        text = text.lower() if self.words else text
        for pattern, replacement in self.patterns:
            text = re.sub(pattern, replacement, text, count=1)
        for word, month in self.words.items():
            text = text.replace(word, month)
        return text.strip(" ")

    def sql(self, text: str) -> str:
        """SQL for the same."""
        for odd, plain in self.odd.items():
            text = f"replace({text}, {quoted(odd)}, {quoted(plain)})"
        text = f"lower({text})" if self.words else text
        for pattern, replacement in self.patterns:
            text = f"regexp_replace({text}, {quoted(pattern)}, {quoted(replacement)})"
        for word, month in self.words.items():
            text = f"replace({text}, {quoted(word)}, {quoted(month)})"
        return f"trim({text}, ' ')" if self.odd or self.patterns else text


@dataclass(frozen=True, kw_only=True)
class TimeFormat(ColumnFormat):
    """How the times of a column are written.

    The SQL comes in two steps, `number` and `seconds`: in one nested expression, DuckDB would compute each part many times.

    Attributes
    ----------
    typed : SQL over the staged column for DOUBLE seconds or numbers where its type is no text, "" for a column of texts.
    timestamps : whether the type already is a time, so that `typed` gives seconds.
    epochs : what numbers mean.
    preparation : what is replaced before a text is read.
    iso : whether texts in ISO 8601 occur.
    formats : (seconds by which the text is ahead of UTC, strptime format), tried in this order.
    missing : texts that stand for no time, in lower case.
    order : "day-first" or "month-first", None where no dates are of numbers alone, or not all in one order.
    """

    typed: str = ""
    timestamps: bool = False
    epochs: Epochs = field(default_factory=lambda: Epochs("{n}"))
    preparation: Preparation = field(default_factory=Preparation)
    iso: bool = False
    formats: tuple[tuple[int, str], ...] = ()
    missing: tuple[str, ...] = ()
    order: str | None = None

    @property
    def number(self) -> str:
        """SQL over the staged column and `time_text`: the time as a number (DOUBLE), null where it is none."""
        if self.typed:
            return self.typed
        text = "time_text"
        plain = f"CASE WHEN regexp_full_match({text}, {quoted(PLAIN)}) THEN try_cast({text} AS DOUBLE)"
        return (
            f"{plain} WHEN regexp_full_match({text}, '{_COMMA}') THEN try_cast(replace({text}, ',', '.') AS DOUBLE) END"
        )

    @property
    def seconds(self) -> str:
        """SQL over `time_text` and `time_number`: DOUBLE seconds since 1970 in UTC, or null."""
        if self.timestamps:
            return "time_number"
        numbers = self.epochs.seconds("time_number")
        if self.typed:
            return numbers
        texts = [f"epoch(try_cast({self.preparation.sql('time_text')} AS TIMESTAMPTZ))"] if self.iso else []
        # DuckDB keeps the zone of one format for the next in a list, so those with a zone stay among themselves.
        groups = groupby(self.formats, key=lambda one: (one[0], "%z" in one[1]))
        texts += [self._parsed(ahead, [form for _, form in group]) for (ahead, _), group in groups]
        read = f"coalesce({', '.join(texts)})" if len(texts) > 1 else (texts or ["NULL"])[0]
        return f"CASE WHEN time_number IS NOT NULL THEN {numbers} ELSE {read} END"

    def answers(self, column: str) -> dict[str, str]:
        """What a person would have to say of `column` for its dates to be read like these."""
        return {f"dates.{column}": self.order} if self.order else {}

    def present_sql(self, text: str) -> str:
        """SQL for the texts that are meant to hold a time: null for those that say there is none."""
        if not self.missing:
            return text
        return f"CASE WHEN lower({text}) IN ({', '.join(map(quoted, self.missing))}) THEN NULL ELSE {text} END"

    @staticmethod
    def whole(seconds: str) -> str:
        """SQL for BIGINT seconds of the column `seconds`; null for what cannot be a time."""
        return f"CASE WHEN {seconds} > 0 AND {seconds} < {LATEST} THEN floor({seconds})::BIGINT END"

    def _parsed(self, ahead: int, formats: Sequence[str]) -> str:
        listed = ", ".join(map(quoted, formats))
        parsed = f"epoch(try_strptime({self.preparation.sql('time_text')}, [{listed}]))"
        return f"({parsed} - {ahead})" if ahead else parsed


NO_TIMES = TimeFormat(typed="NULL::DOUBLE", timestamps=True)
