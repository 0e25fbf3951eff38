"""The columns a person chose (`--map field=column`), checked against the files and completed to one plan per file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from engine.catalogue.attribute_kinds import AttributeKind
from engine.core.errors import InputError
from engine.ingest.columns import EVENT_FIELDS, ITEM_FIELDS, ITEM_TEXTS, guess_columns, same_name, suggest
from engine.ingest.presets import Preset
from engine.ingest.profiles import ColumnProfile, profile_columns
from engine.ingest.sources import Source
from engine.ingest.unnamed import guess_unnamed

__all__ = ["ROLES", "Corrections", "column_of", "parse_mapping", "plan_events", "plan_items"]

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
    optional : columns of `fields` that a file may lack.
    formats : "dates", "numbers", or one of them with a dot and a column -> how they are written, e.g. "day-first".
    """

    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    encodings: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()

    def encoding(self, role: str, preset: str | None) -> str | None:
        """The encoding declared for a file, else the preset's, else None."""
        return self.encodings.get(role) or self.encodings.get("") or preset


def parse_mapping(mapping: Mapping[str, str] | None) -> Corrections:
    """Parse `field=column`, `items.field=column`, `interactions.field=column`, `encoding=NAME`, `kind.column=KIND`,
    `dates=day-first`, `dates.column=month-first`, `numbers=point`, `numbers.column=comma`. A column may be given by its number,
    and then come first: `1=user_id`.

    Raises `InputError` for a field or kind that does not exist.
    """
    corrections = Corrections()
    for given, column in (mapping or {}).items():
        key, value = _turned(given, column)
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


def _turned(key: str, value: str) -> tuple[str, str]:
    """`1=user_id`, a column's number first, as `user_id=1`."""
    role, dot, number = key.strip().rpartition(".")
    if number.isdecimal() and value.strip() in {*ITEM_FIELDS, *EVENT_FIELDS}:
        return f"{role}{dot}{value.strip()}", number
    return key, value


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
    fields = dict(EVENT_FIELDS)
    columns = {name: names for name, names in preset.interactions.columns.items() if name in fields}
    if derive:
        fields |= {name: ITEM_FIELDS[name] for name in ITEM_TEXTS}
        texts = {**preset.items.columns, **preset.interactions.columns}
        columns |= {name: names for name, names in texts.items() if name in ITEM_TEXTS}
    planned = _plan("interactions", source, columns, corrections, fields, elsewhere)
    if "user_id" not in planned and "visitor_id" in planned:
        # Visitors are all the shoppers there are.
        planned["user_id"] = planned.pop("visitor_id")
    return planned


def _plan(
    role: str,
    source: Source,
    preset: Mapping[str, tuple[str, ...]],
    corrections: Corrections,
    fields: Mapping[str, tuple[str, ...]],
    elsewhere: tuple[str, ...],
) -> dict[str, str]:
    """The person's columns come first, then the preset's. Without a preset, or where the file is not as the preset says,
    columns are recognised by their names and values."""
    asked = _asked_for(role, source, corrections, fields, elsewhere)
    profiles = profile_columns(source)
    given = asked | _from_preset(preset, source.columns, fields, asked, profiles)
    if preset and given.get("item_id"):
        return _without_refused(given)
    offered = {name: names for name, names in fields.items() if given.get(name) != ""}
    guessed = guess_columns(source.columns, offered, _without_refused(given), profiles)
    if source.headerless:
        guessed = guess_unnamed(role, profiles, guessed)
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
            actual = column_of(column, source.columns)
            if actual or not column:
                asked[name] = actual
            elif column not in corrections.optional and (scope or not column_of(column, elsewhere)):
                raise InputError(
                    f"there is no column {column!r}. {suggest(column, source.columns)}", file=source.name, field=name
                )
    return asked


def _from_preset(
    preset: Mapping[str, tuple[str, ...]],
    columns: tuple[str, ...],
    fields: Mapping[str, tuple[str, ...]],
    asked: Mapping[str, str],
    profiles: Mapping[str, ColumnProfile],
) -> dict[str, str]:
    """The preset's columns that the file has, for fields that the person left open; a column serves once.

    Of several columns for a field, the first that holds anything counts.
    """
    chosen: dict[str, str] = {}
    for name, candidates in preset.items():
        if name not in fields or name in asked:
            continue
        taken = {*asked.values(), *chosen.values()}
        present = [actual for column in candidates if (actual := column_of(column, columns)) and actual not in taken]
        filled = [column for column in present if profiles[column].looks != "empty"]
        if present:
            chosen[name] = (filled or present)[0]
    return chosen


def column_of(column: str, columns: tuple[str, ...]) -> str:
    """The file's own spelling of a column's name, or the column of that number; "" where it has none."""
    if column in columns:
        return column
    alike = next((name for name in columns if name and name.lower() == column.lower()), "")
    alike = alike or next((name for name in columns if name and column and same_name(name, column)), "")
    if not alike and column.isdecimal() and 0 < int(column) <= len(columns):
        return columns[int(column) - 1]
    return alike


def _without_refused(given: Mapping[str, str]) -> dict[str, str]:
    return {name: column for name, column in given.items() if column}
