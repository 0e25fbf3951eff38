"""Ids and texts that come from outside, checked at the door: what a database cannot hold never gets as far as one."""

from __future__ import annotations

import uuid

from engine.core.errors import InputError

__all__ = ["check_storable", "check_uuid"]

_SHOWN = 60


def check_uuid(value: object, field: str) -> None:
    """Raise `InputError` naming the field unless it is a UUID in the form that `uuid.UUID` writes."""
    try:
        canonical = str(uuid.UUID(value)) if isinstance(value, str) else None
    except ValueError:
        canonical = None
    if canonical is None or canonical != value:
        raise InputError(f"{ascii(value)[:_SHOWN]} is not a UUID in lower case", field=field)


def check_storable(text: str, field: str) -> None:
    """Raise `InputError` naming the field where a text is empty, or holds what no database can store: NUL, and halves of
    surrogate pairs."""
    if not text.strip():
        raise InputError("a judgement needs it; it is empty", field=field)
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError(f"{ascii(text)[:_SHOWN]} holds a character that cannot be stored", field=field)
