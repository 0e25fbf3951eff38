"""A log that nobody can flood: of messages of one kind the first few are written, the others are counted.

Put a `RepeatedMessages` of its own on each handler. Messages are of one kind when they come from the same logger at the same level,
with the same text but for its numbers, and from the same place where they tell of an error.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["RepeatedMessages"]

# Numbers, UUIDs, hashes and addresses differ from message to message of one kind.
_NUMBERS = re.compile(r"\b(?=[\w-]*\d)[0-9A-Fa-fx-]+\b|\d+")
_TOLD_APART = 200  # characters of a text
_MOST_KINDS = 1_000
_SUMMARY = "repeated_by"  # attribute of a record that is a summary: the filter it is for

Kind = tuple[str, int, str, str]


@dataclass
class _Count:
    began: float
    example: str
    seen: int = 0
    written: int = 0


class RepeatedMessages(logging.Filter):
    """Lets the first messages of a kind through in every span of time, then counts.

    What was held back is told with the next message of any kind after the span: "... (the same 1,204 times more)".

    Parameters
    ----------
    shown : messages of one kind that are written in a span: enough that several people who quote a number find it.
    seconds : length of a span.
    most : messages of all kinds together that are written in a span, so that texts that always differ fill no disk either.
    clock : seconds, monotonic.
    """

    def __init__(
        self, *, shown: int = 20, seconds: float = 60.0, most: int = 600, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._shown, self._seconds, self._most, self._clock = shown, seconds, most, clock
        self._lock = threading.Lock()
        self._kinds: dict[Kind, _Count] = {}
        self._written, self._began = 0, clock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; the summaries of spans that have ended are written ahead of it."""
        owner = getattr(record, _SUMMARY, None)
        if owner is not None:
            return bool(owner == id(self))
        with self._lock:
            now = self._clock()
            ended = self._end_spans(now)
            written = self._count(record, now)
        for (name, level, _, _), count in ended:
            self._tell(name, level, count)
        return written

    def _count(self, record: logging.LogRecord, now: float) -> bool:
        text = _text(record)
        kind = (record.name, record.levelno, _NUMBERS.sub("#", text), _place(record))
        if kind not in self._kinds and len(self._kinds) >= _MOST_KINDS:
            kind = (record.name, record.levelno, "", "")
        count = self._kinds.setdefault(kind, _Count(now, text))
        count.seen += 1
        if count.written >= self._shown or self._written >= self._most:
            return False
        count.written += 1
        self._written += 1
        return True

    def _end_spans(self, now: float) -> list[tuple[Kind, _Count]]:
        """The kinds whose span is over and of which something was held back."""
        if now - self._began >= self._seconds:
            self._written, self._began = 0, now
        ended = [(kind, count) for kind, count in self._kinds.items() if now - count.began >= self._seconds]
        for kind, _ in ended:
            del self._kinds[kind]
        return [(kind, count) for kind, count in ended if count.seen > count.written][: self._most]

    def _tell(self, name: str, level: int, count: _Count) -> None:
        logger = logging.getLogger(name)
        values = (count.example, f"{count.seen - count.written:,}")
        about = {_SUMMARY: id(self)}
        logger.handle(logger.makeRecord(name, level, "", 0, "%s (the same %s times more)", values, None, extra=about))


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()[:_TOLD_APART]
    except (TypeError, ValueError):  # its values do not fit its text, which the handler will say
        return str(record.msg)[:_TOLD_APART]


def _place(record: logging.LogRecord) -> str:
    """Where an error was raised."""
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    trace = record.exc_info[2]
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return f"{record.exc_info[0].__name__} {where}"
