"""What a database says when it refuses, in a sentence that a person can act on."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from engine.core.errors import BusyError, StoreError
from engine.core.redaction import redact
from engine.store.dialect import BUSY_SECONDS, STATEMENT_SECONDS, display_name

__all__ = ["busy", "readable_rows", "sentence", "translated"]

BUSY_SIGNS = ("locked", "lock timeout", "lock_timeout", "busy", "queuepool limit", "deadlock")

# By words in what the database said; the first that fits is taken.
SENTENCES = (
    (
        BUSY_SIGNS,
        f"is busy: something else has held it for {BUSY_SECONDS} seconds. Nothing was stored; try again.",
    ),
    (
        ("readonly", "read-only", "permission denied"),
        "cannot be written. Nothing was stored; give Longtail the right to write to it: to the file and its folder, "
        "or as the user of a database server.",
    ),
    (
        ("statement timeout",),
        f"took more than {STATEMENT_SECONDS} seconds to answer. Nothing was stored; try again when less is going on.",
    ),
    (
        ("too many connections", "remaining connection slots", "too many clients"),
        "has no connection left. Nothing was stored; close other programs that use it, or let it have more connections.",
    ),
    (
        (
            "password authentication failed",
            "no password supplied",
            "no pg_hba.conf entry",
            "is not permitted to log in",
        ),
        "does not let Longtail in. Nothing was stored; check the user and the password in database_url.",
    ),
    (
        ("unable to open", "no such table", "no such file", "does not exist", "not a directory"),
        "is gone or was replaced. Nothing was stored; put it back, or restart Longtail to begin a new one.",
    ),
    (
        ("disk i/o error",),
        "cannot be written or read: its disk is full or failing. Nothing was stored; free some space, or check the disk.",
    ),
    (
        ("malformed", "not a database"),
        "is damaged. Nothing was stored; restore it from a backup.",
    ),
    (
        ("connection", "connect", "server closed", "terminating"),
        "cannot be reached. Nothing was stored; check that it is running and that database_url is right.",
    ),
)
DISK_IS_FULL = ("disk is full", "no space left", "disk full")


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn whatever the database says into a `StoreError` that says what happened and what to do."""
    try:
        yield
    except SQLAlchemyError as exc:
        cause = str(getattr(exc, "orig", None) or exc)
        raise _error(url, cause) from exc
    except (OSError, sqlite3.Error) as exc:
        raise _error(url, str(exc)) from exc


@contextmanager
def readable_rows(url: URL) -> Iterator[None]:
    """Turn a stored value that is none of its kind (a time that no clock shows) into a `StoreError`: SQLite keeps no checksums."""
    try:
        yield
    except (ValueError, TypeError, LookupError) as exc:
        if not _raised_by_sqlalchemy(exc):
            raise
        raise _error(url, f"malformed row: {exc}") from exc


def _raised_by_sqlalchemy(error: Exception) -> bool:
    """Whether it was SQLAlchemy, or the reader of JSON on its behalf, that could not make sense of a value, and not the code that asked."""
    frames = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    while frames and frames[-1].partition(".")[0] == "json":
        frames.pop()
    return bool(frames) and frames[-1].startswith("sqlalchemy.")


def busy(url: URL) -> BusyError:
    """The error of who waited for their turn in this process in vain."""
    return BusyError(sentence("", "busy"), f"{display_name(url)}: other threads write")


def _error(url: URL, cause: str) -> StoreError:
    name = display_name(url)
    said = next(iter(cause.strip().splitlines()), "")
    kind = BusyError if any(sign in cause.lower() for sign in BUSY_SIGNS) else StoreError
    return kind(sentence(name, cause), f"{name}: {redact(said)}")


def sentence(name: str, cause: str) -> str:
    """What to tell a person.

    Parameters
    ----------
    name : of the database, as `display_name` gives it; only looked at, not said.
    cause : what the database said.
    """
    cause = cause.lower()
    if "unable to open" in cause and Path(name).is_file():
        cause = "readonly"  # SQLite says so of the journal that it may not make beside the file
    if any(sign in cause for sign in DISK_IS_FULL):
        return "The disk that holds the judgements database is full. Nothing was stored; free some space."
    for signs, said in SENTENCES:
        if any(sign in cause for sign in signs):
            return f"The judgements database {said}"
    return "The judgements database refused. Nothing was stored."
