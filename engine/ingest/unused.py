"""Columns of which nothing was loaded, and what they look like: the ones that matter most come first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.ingest.attributes import LEFT_OUT, NOT_CONTENT
from engine.ingest.columns import named_alike, named_vaguely
from engine.ingest.profiles import ColumnProfile, names_events, profile_columns
from engine.ingest.report import NOT_USED
from engine.ingest.sources import Source

__all__ = ["UnusedColumn", "important_columns", "unused_columns"]

_MOST_SAID = 3
_HARDLY_FILLED = 0.05
# What a table can lack, the most important first: field -> what a column for it looks like, and in words what it would be.
_WANTED: dict[str, dict[str, tuple[frozenset[str], str]]] = {
    "interactions": {
        "timestamp": (frozenset({"time"}), "the time of the events"),
        "event": (frozenset({"words"}), "the kind of the events"),
        "visitor_id": (frozenset({"e-mail"}), "the shoppers"),
        "price": (frozenset({"money"}), "a price"),
        "status": (frozenset(), "the state of the orders"),
        "rating": (frozenset(), "a rating"),
        "quantity": (frozenset(), "a quantity"),
    },
    "items": {
        "price": (frozenset({"money"}), "the price"),
        "image": (frozenset({"picture", "address"}), "the picture"),
        "title": (frozenset({"words"}), "the title"),
        "description": (frozenset({"text"}), "a description"),
        "category": (frozenset({"words"}), "the category"),
    },
}


@dataclass(frozen=True)
class UnusedColumn:
    """A column that looks like a field that its table lacks, or has its name; `words` say what it looks like."""

    column: str
    field: str
    words: str


def unused_columns(
    role: str, source: Source, columns: Mapping[str, str], became: Mapping[str, str]
) -> list[UnusedColumn]:
    """At most three columns that look like something that the table lacks.

    Parameters
    ----------
    role : "items" or "interactions".
    columns : field -> column, as the table is read.
    became : column -> what became of it.
    """
    unused = [
        name for name, what in became.items()
        if (what == NOT_USED or what.startswith(LEFT_OUT)) and not what.endswith(NOT_CONTENT)
    ]  # fmt: skip
    found = {*columns, *became.values()}
    profiles = {name: profile for name, profile in profile_columns(source).items() if name in unused}
    important: list[UnusedColumn] = []
    for field, (looks, words) in _WANTED[role].items():
        if field in found or (field == "visitor_id" and "user_id" in found):
            continue
        alike = [name for name, profile in profiles.items() if profile.looks in looks and _holds(field, profile)]
        alike = alike or [name for name in profiles if _is_named(field, name, role) and profiles[name].distinct > 1]
        if alike:
            best = max(alike, key=lambda name: profiles[name].filled)
            del profiles[best]
            important.append(UnusedColumn(best, "user_id" if field == "visitor_id" else field, words))
    return important[:_MOST_SAID]


def important_columns(role: str, source: Source, columns: Mapping[str, str], became: Mapping[str, str]) -> list[str]:
    """A sentence about each of `unused_columns`, with how to use it."""
    return [
        f"{one.column!r} looks like {one.words} and is not used: --map {one.field}={_shell(one.column)}"
        for one in unused_columns(role, source, columns, became)
    ]


def _holds(field: str, profile: ColumnProfile) -> bool:
    if profile.filled < _HARDLY_FILLED:
        return False
    return field != "event" or names_events(profile)


def _is_named(field: str, column: str, role: str) -> bool:
    """Whether a column has the name of the field, though its values could not be read as such."""
    return (role == "interactions" or field == "price") and named_alike(column, field) and not named_vaguely(column)


def _shell(name: str) -> str:
    return name if name.replace("_", "").isalnum() else f'"{name}"'
