"""What a person said about columns (`--map field=column`), checked against the files and made into one plan per file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from engine.errors import InputError
from engine.shop.columns import EVENT_FIELDS, ITEM_FIELDS, guess_columns, suggest
from engine.shop.kinds import AttributeKind

__all__ = ["Corrections", "parse_mapping", "plan_columns"]

ROLES = ("items", "interactions")
_KINDS = (*get_args(AttributeKind), "skip")


@dataclass(frozen=True)
class Corrections:
    """A mapping taken apart.

    Attributes
    ----------
    fields : role ("items", "interactions", or "" for whichever file has the column) -> field -> column; an empty
        column means that no column is this field.
    encodings : role or "" -> encoding.
    kinds : column -> attribute kind or "skip".
    """

    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    encodings: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def encoding(self, role: str, preset: str | None) -> str | None:
        """The encoding declared for a file, else the preset's, else None."""
        return self.encodings.get(role) or self.encodings.get("") or preset


def parse_mapping(mapping: Mapping[str, str] | None) -> Corrections:
    """Understand `field=column`, `items.field=column`, `interactions.field=column`, `encoding=NAME`, `kind.column=KIND`.

    Raises `InputError` for a field or kind that does not exist.
    """
    corrections = Corrections()
    known = sorted({*ITEM_FIELDS, *EVENT_FIELDS, "encoding"})
    for key, value in (mapping or {}).items():
        role, _, name = (
            key.strip().rpartition(".")
            if key.startswith(tuple(f"{role}." for role in ROLES))
            else ("", "", key.strip())
        )
        if key.startswith("kind."):
            if value not in _KINDS:
                raise InputError(f"a kind is one of {', '.join(_KINDS)}, not {value!r}.", field=key)
            corrections.kinds[key.removeprefix("kind.")] = value
        elif name == "encoding":
            corrections.encodings[role] = value
        elif name in known and (not role or name in (ITEM_FIELDS if role == "items" else EVENT_FIELDS)):
            corrections.fields.setdefault(role, {})[name] = value.strip()
        else:
            hint = suggest(name, known).replace("columns", "fields")
            raise InputError(f"there is no field {name!r} to map. {hint}", field=key)
    return corrections


def plan_columns(
    role: str,
    columns: tuple[str, ...],
    file: str,
    preset: Mapping[str, str],
    corrections: Corrections,
    fields: Mapping[str, tuple[str, ...]],
    elsewhere: tuple[str, ...] = (),
) -> dict[str, str]:
    """field -> column of one file: what a person said, then the preset, then names known by heart.

    Parameters
    ----------
    preset : the preset's mapping; where it has one, nothing is guessed for required fields that it leaves out.
    elsewhere : columns of the other file, where a mapping without a role may belong instead.

    Raises `InputError` naming field and column when a column that was asked for is not there.
    """
    folded = {name.lower(): name for name in reversed(columns) if name}
    said: dict[str, str] = {}
    for scope in ("", role):
        for name, column in corrections.fields.get(scope, {}).items():
            if name not in fields:
                continue
            actual = column if column in columns else folded.get(column.lower(), "")
            if column and not actual:
                if not scope and column.lower() in {other.lower() for other in elsewhere}:
                    continue
                raise InputError(f"there is no column {column!r}. {suggest(column, columns)}", file=file, field=name)
            said[name] = actual
    given = dict(said)
    for name, column in preset.items():
        actual = column if column in columns else folded.get(column.lower(), "")
        if name in fields and name not in given and actual and actual not in given.values():
            given[name] = actual
    if preset:
        return {name: column for name, column in given.items() if column}
    refused = {name for name, column in given.items() if not column}
    guessed = guess_columns(
        columns, {name: names for name, names in fields.items() if name not in refused}, _filled(given)
    )
    if any(said.get(name) for name in ("rating", "quantity", "value")):
        # The number that a person named is the number.
        guessed = {k: v for k, v in guessed.items() if k not in {"rating", "quantity", "value"} or k in said}
    return guessed


def _filled(given: Mapping[str, str]) -> dict[str, str]:
    return {name: column for name, column in given.items() if column}
