"""The columns a person chose (`--map field=column`), checked against the files and completed to one plan per file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from engine.catalogue.attribute_kinds import AttributeKind
from engine.core.errors import InputError
from engine.ingest.columns import EVENT_FIELDS, ITEM_FIELDS, ITEM_TEXTS, guess_columns, suggest
from engine.ingest.presets import Preset
from engine.ingest.sources import Source

__all__ = ["ROLES", "Corrections", "parse_mapping", "plan_events", "plan_items"]

ROLES = ("items", "interactions")
_KINDS = (*get_args(AttributeKind), "skip")
_NUMBERS = ("rating", "quantity", "value")
_FORMATS = {"dates": ("day-first", "month-first"), "numbers": ("point", "comma")}


@dataclass(frozen=True)
class Corrections:
    """A parsed mapping.

    Attributes
    ----------
    fields : role ("items", "interactions", or "" for whichever file has the column) -> field -> column; an empty
        column means that the file has no such field.
    encodings : role or "" -> encoding.
    kinds : column -> attribute kind or "skip".
    formats : "dates", "numbers", or one of them with a dot and a column -> how they are written, e.g. "day-first".
    """

    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    encodings: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)

    def encoding(self, role: str, preset: str | None) -> str | None:
        """The encoding declared for a file, else the preset's, else None."""
        return self.encodings.get(role) or self.encodings.get("") or preset


def parse_mapping(mapping: Mapping[str, str] | None) -> Corrections:
    """Parse `field=column`, `items.field=column`, `interactions.field=column`, `encoding=NAME`, `kind.column=KIND`,
    `dates=day-first`, `dates.column=month-first`, `numbers=point`, `numbers.column=comma`.

    Raises `InputError` for a field or kind that does not exist.
    """
    corrections = Corrections()
    for key, value in (mapping or {}).items():
        if key.startswith("kind."):
            if value not in _KINDS:
                raise InputError(f"a kind is one of {', '.join(_KINDS)}, not {value!r}.", field=key)
            corrections.kinds[key.removeprefix("kind.")] = value
            continue
        if key.split(".")[0] in _FORMATS:
            corrections.formats[key] = _checked_format(key, value)
            continue
        role, name = _role_and_field(key)
        if name == "encoding":
            corrections.encodings[role] = value
        else:
            corrections.fields.setdefault(role, {})[name] = value.strip()
    return corrections


def _checked_format(key: str, value: str) -> str:
    allowed = _FORMATS[key.split(".")[0]]
    if value not in allowed:
        raise InputError(f"it is {' or '.join(allowed)}, not {value!r}.", field=key)
    return value


def _role_and_field(key: str) -> tuple[str, str]:
    """("items", "title") of "items.title", ("", "title") of "title"."""
    role, dot, name = key.strip().partition(".")
    if not dot or role not in ROLES:
        role, name = "", key.strip()
    known = sorted({*ITEM_FIELDS, *EVENT_FIELDS, "encoding"})
    of_role = {"items": ITEM_FIELDS, "interactions": EVENT_FIELDS}
    if name in known and (not role or name == "encoding" or name in of_role[role]):
        return role, name
    hint = suggest(name, known).replace("columns", "fields")
    raise InputError(f"there is no field {name!r} to map. {hint}", field=key)


def plan_items(
    source: Source, preset: Preset, corrections: Corrections, elsewhere: tuple[str, ...] = ()
) -> dict[str, str]:
    """field -> column of a products file; `elsewhere` are the columns of the events file.

    Raises `InputError` naming field and column when the file lacks a column that the mapping names.
    """
    return _plan("items", source, preset.items.columns, corrections, ITEM_FIELDS, elsewhere)


def plan_events(
    source: Source, preset: Preset, corrections: Corrections, *, derive: bool, elsewhere: tuple[str, ...] = ()
) -> dict[str, str]:
    """field -> column of an events file; with `derive`, of the product texts in it too."""
    fields, columns = dict(EVENT_FIELDS), dict(preset.interactions.columns)
    if derive:
        fields |= {name: ITEM_FIELDS[name] for name in ITEM_TEXTS}
        columns |= {name: column for name, column in preset.items.columns.items() if name in ITEM_TEXTS}
    planned = _plan("interactions", source, columns, corrections, fields, elsewhere)
    if "user_id" not in planned and "visitor_id" in planned:
        # Visitors are all the shoppers there are.
        planned["user_id"] = planned.pop("visitor_id")
    return planned


def _plan(
    role: str,
    source: Source,
    preset: Mapping[str, str],
    corrections: Corrections,
    fields: Mapping[str, tuple[str, ...]],
    elsewhere: tuple[str, ...],
) -> dict[str, str]:
    """The person's columns come first, then the preset's; without a preset, columns are recognised by their names."""
    asked = _asked_for(role, source, corrections, fields, elsewhere)
    given = asked | _from_preset(preset, source.columns, fields, asked)
    if preset:
        return _without_refused(given)
    offered = {name: names for name, names in fields.items() if given.get(name) != ""}
    guessed = guess_columns(source.columns, offered, _without_refused(given))
    if any(asked.get(name) for name in _NUMBERS):
        # The number that the person named is the only one.
        guessed = {name: column for name, column in guessed.items() if name not in _NUMBERS or name in asked}
    if "title" in offered and "title" not in guessed and "description" in guessed and "description" not in asked:
        # In a shop whose only text is a description, that text is the product's name.
        guessed["title"] = guessed.pop("description")
    return guessed


def _asked_for(
    role: str,
    source: Source,
    corrections: Corrections,
    fields: Mapping[str, tuple[str, ...]],
    elsewhere: tuple[str, ...],
) -> dict[str, str]:
    """field -> column as the person chose; "" where the file has no such field."""
    asked: dict[str, str] = {}
    for scope in ("", role):
        for name, column in corrections.fields.get(scope, {}).items():
            if name not in fields:
                continue
            actual = _actual(column, source.columns)
            if actual or not column:
                asked[name] = actual
            elif scope or column.lower() not in {other.lower() for other in elsewhere}:
                raise InputError(
                    f"there is no column {column!r}. {suggest(column, source.columns)}", file=source.name, field=name
                )
    return asked


def _from_preset(
    preset: Mapping[str, str], columns: tuple[str, ...], fields: Mapping[str, tuple[str, ...]], asked: Mapping[str, str]
) -> dict[str, str]:
    """The preset's columns that the file has, for fields that the person left open; a column serves once."""
    chosen: dict[str, str] = {}
    for name, column in preset.items():
        actual = _actual(column, columns)
        free = actual not in asked.values() and actual not in chosen.values()
        if name in fields and name not in asked and actual and free:
            chosen[name] = actual
    return chosen


def _actual(column: str, columns: tuple[str, ...]) -> str:
    """The file's own spelling of a column's name, the first if case alone tells several apart; "" where it has none."""
    if column in columns:
        return column
    return next((name for name in columns if name and name.lower() == column.lower()), "")


def _without_refused(given: Mapping[str, str]) -> dict[str, str]:
    return {name: column for name, column in given.items() if column}
