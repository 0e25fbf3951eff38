"""A first look at a shop's files: how each column would be read, so that a person can correct it before loading.

The files are strangers': a bounded child reads them, and only its words about them come back.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.core.errors import InputError
from engine.untrusted.bounded import BoundedChildren, BreachError

__all__ = [
    "PREVIEW_SECONDS",
    "ColumnPreview",
    "Fix",
    "LoadWarning",
    "Preview",
    "Question",
    "TablePreview",
    "preview",
    "preview_children",
]

PREVIEW_SECONDS = 30.0
logger = logging.getLogger(__name__)

Confidence = Literal["sure", "likely", "a guess"]


@dataclass(frozen=True)
class ColumnPreview:
    """One column of a file.

    Attributes
    ----------
    samples : its first different values as text, shortened.
    field : the field it is read as, e.g. "title"; None for an attribute and for an unused column.
    kind : an attribute's kind, inferred from the first rows; None for a field and for an unused column.
    note : why it is left out, "" otherwise.
    confidence, why : how sure that is, and what it rests on.
    """

    name: str
    samples: tuple[str, ...]
    field: str | None
    kind: str | None
    note: str
    confidence: Confidence
    why: str


@dataclass(frozen=True)
class TablePreview:
    """One file: its columns, the required fields for which no column was found, and what was decided about its form."""

    role: str
    file: str
    columns: tuple[ColumnPreview, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """What the values alone do not tell: `key` is the mapping's, e.g. "dates.Created", `answers` its values -> words."""

    key: str
    asks: str
    answers: dict[str, str]


@dataclass(frozen=True)
class Fix:
    """A correction that may mend what a warning is about: read `column` of the file `role` as the field."""

    role: str
    column: str
    field: str


@dataclass(frozen=True)
class LoadWarning:
    """What would be loaded otherwise than people expect, what to do, and corrections that may mend it."""

    message: str
    fixes: tuple[Fix, ...]


@dataclass(frozen=True)
class Preview:
    """What to know before loading.

    Attributes
    ----------
    tables : role -> table.
    recognised : role -> what its files were recognised as, in words.
    """

    tables: dict[str, TablePreview]
    warnings: tuple[LoadWarning, ...]
    questions: tuple[Question, ...]
    recognised: dict[str, str]


def preview_children(most: int = 1) -> BoundedChildren:
    """Children for `preview`, of which at most `most` work at a time."""
    return BoundedChildren("engine.ingest.preview_child", most=most, seconds=PREVIEW_SECONDS)


def preview(
    files: Mapping[str, Sequence[Path]],
    preset: str | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    kept: Path | None = None,
    children: BoundedChildren | None = None,
) -> Preview:
    """Read the first rows of each file in a child of at most 1 GB and `PREVIEW_SECONDS`; the shop does not change.

    Parameters
    ----------
    files : "items" and "interactions", either or both, -> the files of that table; "images" -> a zip or folder.
    preset, mapping : as for `ingest`.
    kept : a folder in which the first rows are kept for the next preview of the same files.
    children : from `preview_children`; without them, one is started for these files.

    Raises `InputError` as `ingest` would for a file that cannot be read or a mapping that cannot be followed, and for
    one that cannot be read within bounds; a required field without a column is not an error here but listed in
    `TablePreview.missing`.
    """
    with tempfile.TemporaryDirectory() as directory:
        head = {
            "files": {role: [str(Path(path).absolute()) for path in paths] for role, paths in files.items()},
            "preset": preset,
            "mapping": dict(mapping or {}),
            "kept": str((kept or Path(directory, "kept")).absolute()),
            "scratch": directory,
        }
        if children is not None:
            answer = _ask(children, head, files)
        else:
            with preview_children() as own:
                answer = _ask(own, head, files)
    return Preview(
        {role: _table(role, table) for role, table in answer["tables"].items()},
        tuple(LoadWarning(one["message"], tuple(Fix(*fix) for fix in one["fixes"])) for one in answer["warnings"]),
        tuple(Question(**question) for question in answer["questions"]),
        answer["recognised"],
    )


def _ask(children: BoundedChildren, head: dict[str, Any], files: Mapping[str, Sequence[Path]]) -> dict[str, Any]:
    try:
        answer, _ = children.ask(head, b"")
    except BreachError as exc:
        what = "takes too long to read" if exc.late else "needs too much memory to be read, or is damaged"
        raise InputError(_refusal(what), file=_names(files)) from exc
    if "error" in answer:
        raise InputError(answer["error"], file=answer["file"], row=answer["row"], field=answer["field"])
    if "unexpected" in answer:
        logger.error("the first rows of %s: %s", _names(files), answer["unexpected"])
        raise InputError("its first rows cannot be understood. Export it again, as CSV.", file=_names(files))
    if "too_large" in answer:
        raise InputError(_refusal("needs too much memory to be read"), file=_names(files))
    return answer


def _refusal(what: str) -> str:
    return f"it {what}. Save it as CSV, or in several smaller files, and remove columns of very long texts."


def _names(files: Mapping[str, Sequence[Path]]) -> str:
    return " or ".join(Path(path).name for paths in files.values() for path in paths)


def _table(role: str, table: dict[str, Any]) -> TablePreview:
    columns = tuple(ColumnPreview(**column | {"samples": tuple(column["samples"])}) for column in table["columns"])
    return TablePreview(role, table["file"], columns, tuple(table["missing"]), tuple(table["notes"]))
