"""The errors that people met lately, with the numbers they were shown, from the end of the log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.core.workspace import Workspace

__all__ = ["LoggedError", "recent_errors"]

DAY = timedelta(days=1)
LOOKED_AT = 2_000_000  # bytes at the end of the log
MOST = 100


@dataclass(frozen=True)
class LoggedError:
    """An error: when (UTC), the number that somebody saw, what was going on, and who met it ("" where that is not known)."""

    at: datetime
    number: str
    message: str
    actor: str


def recent_errors(workspace: Workspace, now: datetime | None = None) -> list[LoggedError]:
    """Those of the last day, the newest first, at most 100. Lines that cannot be read are passed over.

    Raises `OSError` where the log cannot be read.
    """
    if not workspace.log_file.is_file():
        return []
    with workspace.log_file.open("rb") as stream:
        stream.seek(max(stream.seek(0, 2) - LOOKED_AT, 0))
        lines = stream.read(LOOKED_AT).splitlines()
    oldest = (now or datetime.now(UTC)) - DAY
    found = [one for one in map(_read, reversed(lines)) if one is not None and one.at >= oldest]
    return found[:MOST]


def _read(line: bytes) -> LoggedError | None:
    try:
        entry = json.loads(line)
        number = entry["error"]
        at = datetime.fromisoformat(entry["time"])
        message, actor = entry["message"], entry.get("actor", "")
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if at.tzinfo is None or not all(isinstance(one, str) for one in (number, message, actor)):
        return None
    return LoggedError(at, number, message, actor)
