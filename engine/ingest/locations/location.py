"""What a person names as the place of a table, and what kind of place it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import InputError

__all__ = ["OBJECT_STORES", "Location", "as_location", "scheme_of"]

OBJECT_STORES = frozenset({"s3", "gs", "az"})
_VARIABLE = re.compile(r"(\$)\{\w+\}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True)
class Location:
    """Where one table lies.

    Attributes
    ----------
    places : paths, globs, folders, addresses in an object store: together one table. Or the URL of one database.
    query : what to read from the database: SQL, or the name of a table or view.
    """

    places: tuple[str, ...]
    query: str | None = None

    def __post_init__(self) -> None:
        if self.is_database and len(self.places) > 1:
            raise InputError("a database is given beside other places. Name the database alone, or files alone.")
        if self.query is not None and not self.is_database:
            raise InputError(
                "a query asks a database, but the place is a file. Name the database, e.g. postgresql://user@host/shop,"
                " or leave the query out."
            )

    @property
    def is_database(self) -> bool:
        """Whether a database is among the places."""
        return any(scheme_of(place) not in {None, *OBJECT_STORES} for place in self.places)


def as_location(given: Location | Path | str | Sequence[Path | str]) -> Location:
    """A path, an address or several of them as a `Location`."""
    if isinstance(given, Location):
        return given
    return Location((str(given),) if isinstance(given, Path | str) else tuple(map(str, given)))


def scheme_of(place: str) -> str | None:
    """What stands before `://`, in lower case; None for a path. A variable alone (`${SHOP_URL}`) holds a database's URL."""
    match = _SCHEME.match(place) or _VARIABLE.fullmatch(place)
    return match[1].lower() if match else None
