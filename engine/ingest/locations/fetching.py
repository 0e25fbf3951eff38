"""Any location -> files on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.errors import InputError
from engine.ingest.locations.database import fetch_database
from engine.ingest.locations.local import local_files
from engine.ingest.locations.location import OBJECT_STORES, Location, scheme_of
from engine.ingest.locations.object_store import fetch_objects
from engine.ingest.locations.partitions import are_parts, join_parts

__all__ = ["Fetched", "fetch"]

Tell = Callable[[float, str], None]
"""Called with the share that is done, 0 to 1 (0 where nobody knows), and a detail."""


@dataclass(frozen=True)
class Fetched:
    """Files that together hold one table, in order.

    Attributes
    ----------
    notes : where they came from, if from another machine or a database; without passwords.
    """

    paths: list[Path]
    notes: list[str] = field(default_factory=list)


def fetch(location: Location, directory: Path, tell: Tell) -> Fetched:
    """The files of a location; what is not on this machine yet is brought to `directory`, which is made.

    Raises `InputError` naming the place and what to do where it does not exist, cannot be reached or refuses. No message
    and no note holds a password.
    """
    if location.is_database:
        path, note = fetch_database(location.places[0], location.query, directory, tell)
        return Fetched([path], [note])
    paths: list[Path] = []
    notes: list[str] = []
    if twice := [place for place in location.places if location.places.count(place) > 1]:
        raise InputError("this is named twice, and its rows would count twice. Name it once.", file=twice[0])
    for number, place in enumerate(location.places):
        target = directory / str(number)
        if scheme_of(place) in OBJECT_STORES:
            paths += fetch_objects(place, target, tell)
            notes.append(f"read from {place}")
        else:
            paths += local_files(place, target)
    if are_parts(_once(paths)):
        notes.append(f"{len(paths):,} files are parts of one table")
        folder = Path(os.path.commonpath([path.parent.absolute() for path in paths]))
        paths = [join_parts(paths, folder, directory / "parts", partitioned=False)]
    return Fetched(paths, notes)


def _once(paths: list[Path]) -> list[Path]:
    """The paths, of which none may come twice: its rows would count twice."""
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise InputError("this file is named twice, and its rows would count twice. Name it once.", file=path.name)
        seen.add(path.resolve())
    return paths
