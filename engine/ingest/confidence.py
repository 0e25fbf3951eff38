"""How sure it is that a column is what it is taken for, and why, in words for people."""

from __future__ import annotations

from typing import Literal

from engine.ingest.columns import EVENT_FIELDS, ITEM_FIELDS, same_name
from engine.ingest.profiles import ColumnProfile, fits

__all__ = ["Confidence", "how_sure"]

Confidence = Literal["sure", "likely", "a guess"]
_LOOKS = {
    "number": "numbers",
    "money": "amounts of money",
    "time": "times",
    "e-mail": "e-mail addresses",
    "picture": "names of pictures",
    "address": "web addresses",
    "nested": "several values in one",
    "flag": "yes and no",
    "product kind": "technical kinds of products",
    "words": "words",
    "text": "longer texts",
}


def how_sure(
    field: str | None, kind: str | None, column: str, profile: ColumnProfile, preset: str, *, headerless: bool
) -> tuple[Confidence, str]:
    """The confidence in what a column was taken for, and the reason.

    Parameters
    ----------
    field, kind : what it was taken for; both None for a column without a use.
    preset : title of the system or data set that the file was recognised as, "" for none.
    headerless : the file names no columns.
    """
    if field is None:
        return ("likely", "Judged by its values.") if kind else ("likely", "")
    if profile.looks == "empty":
        return "a guess", "It is empty in the first rows; only its name says so."
    looks = _LOOKS[profile.looks]
    if not fits(field, profile):
        return "a guess", f"Its name says so, but its values look like {looks}."
    if headerless:
        return "a guess", f"The file names no columns. The values look like {looks}."
    if preset:
        return "sure", f"It has this meaning in {preset}."
    known = (*ITEM_FIELDS.get(field, ()), *EVENT_FIELDS.get(field, ()))
    if any(same_name(column, name) for name in known):
        return "sure", f"Its name says so, and its values ({looks}) agree."
    return "likely", f"Its name suggests it, and its values ({looks}) agree."
