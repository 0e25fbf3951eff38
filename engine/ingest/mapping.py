"""What a person said about columns (`--map field=column`), checked against the files and made into one plan per file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from engine.catalogue.attribute_kinds import AttributeKind
from engine.core.errors import InputError
from engine.ingest.columns import EVENT_FIELDS, ITEM_FIELDS, ITEM_TEXTS, guess_columns, suggest
from engine.ingest.presets import Preset
from engine.ingest.readers import Source

__all__ = ["ROLES", "Corrections", "parse_mapping", "plan_events", "plan_items"]

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


def plan_items(
    source: Source, preset: Preset, corrections: Corrections, elsewhere: tuple[str, ...] = ()
) -> dict[str, str]:
    """field -> column of a file of products; `elsewhere` are the columns of the events' file.

    Raises `InputError` naming field and column when a column that was asked for is not there.
    """
    return _plan("items", source, preset.items.columns, corrections, ITEM_FIELDS, elsewhere)


def plan_events(
    source: Source, preset: Preset, corrections: Corrections, *, derive: bool, elsewhere: tuple[str, ...] = ()
) -> dict[str, str]:
    """field -> column of a file of events; with `derive`, of the products' texts that stand beside the events too."""
    fields, columns = dict(EVENT_FIELDS), dict(preset.interactions.columns)
    if derive:
        fields |= {name: ITEM_FIELDS[name] for name in ITEM_TEXTS}
        columns |= {name: column for name, column in preset.items.columns.items() if name in ITEM_TEXTS}
    return _plan("interactions", source, columns, corrections, fields, elsewhere)


def _plan(
    role: str,
    source: Source,
    preset: Mapping[str, str],
    corrections: Corrections,
    fields: Mapping[str, tuple[str, ...]],
    elsewhere: tuple[str, ...],
) -> dict[str, str]:
    """What a person said, then the preset, and where there is none, the names known by heart."""
    columns = source.columns
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
                raise InputError(
                    f"there is no column {column!r}. {suggest(column, columns)}", file=source.name, field=name
                )
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
    if "title" in fields and "title" not in guessed and "title" not in refused and "description" not in said:
        # A shop whose only text is called a description calls its products by it.
        guessed |= {"title": guessed.pop("description")} if "description" in guessed else {}
    return guessed


def _filled(given: Mapping[str, str]) -> dict[str, str]:
    return {name: column for name, column in given.items() if column}
