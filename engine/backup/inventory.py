"""What of a workspace goes into a backup: everything that cannot be made again.

Snapshots, releases and pictures never change once they are there, so they can be read while others write; of the few files that do
change, the bytes are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.backup.manifest import DATABASE_FOLDER, SECRETS
from engine.core.errors import NotFoundError, ReleaseError
from engine.core.workspace import Workspace
from engine.release.publish import current_release_id, list_releases, published_releases, verify_release

__all__ = ["Inventory", "Pointers", "pictures_in", "read_pointers", "take_inventory"]

_HASH = re.compile(r'"([0-9a-f]{64})"')
_PICTURE_COLUMN = "image"


@dataclass(frozen=True)
class Pointers:
    """The files of a workspace that change, as they are at one moment: path -> bytes."""

    contents: dict[str, bytes]

    def text(self, path: str) -> str | None:
        """The one line of a pointer; None where there is none."""
        found = self.contents.get(path)
        return found.decode("utf-8", "replace").strip() or None if found is not None else None


@dataclass
class Inventory:
    """Path in the workspace -> the file, or its bytes; and what could not be taken along."""

    sources: dict[str, Path | bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_pointers(workspace: Workspace) -> Pointers:
    """Which snapshot and release are in use, the settings, and the keys."""
    paths = ("settings.toml", "shop/current", "releases/current", "releases/history.json", *SECRETS)
    return Pointers({path: data for path in paths if (data := _bytes(workspace.root / path)) is not None})


def take_inventory(workspace: Workspace, pointers: Pointers, dumps: Path, *, all_releases: bool) -> Inventory:
    """Every file of a backup.

    Parameters
    ----------
    dumps : the folder with the dumped tables, of the same moment as the pointers.
    all_releases : also those that were never published.
    """
    found = Inventory(dict(pointers.contents))
    found.sources |= {f"{DATABASE_FOLDER}/{file.name}": file for file in sorted(dumps.glob("*.jsonl"))}
    snapshots = [pointers.text("shop/current")]
    for release_id in _releases(workspace, all_releases=all_releases):
        try:
            snapshots.append(verify_release(workspace, release_id).snapshot_id)
        except (ReleaseError, NotFoundError) as exc:
            found.notes.append(f"{release_id} was left out: {exc}")
            continue
        found.sources |= _files_below(workspace.root, workspace.releases / release_id)
    for snapshot in dict.fromkeys(filter(None, snapshots)):
        found.sources |= _files_below(workspace.root, workspace.snapshots / snapshot)
    _add_pictures(workspace, found)
    return found


def _releases(workspace: Workspace, *, all_releases: bool) -> list[str]:
    published = published_releases(workspace) if current_release_id(workspace) else []
    every = [one.release_id for one in list_releases(workspace, verify=False)] if all_releases else []
    return sorted({*published, *every})


def _files_below(root: Path, folder: Path) -> dict[str, Path | bytes]:
    return {file.relative_to(root).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}


def _add_pictures(workspace: Workspace, found: Inventory) -> None:
    missing = 0
    for image in sorted(set(_pictures(found.sources))):
        for file in (workspace.image_file(image), workspace.thumbnail_file(image)):
            if file.is_file():
                found.sources[file.relative_to(workspace.root).as_posix()] = file
            else:
                missing += 1
    if missing:
        found.notes.append(f"{missing:,} pictures or thumbnails that products name are not stored, and were left out.")


def _pictures(sources: dict[str, Path | bytes]) -> Iterator[str]:
    """Of the products of every snapshot and release, and whatever in the database has the form of a picture's hash."""
    for path, source in sources.items():
        if isinstance(source, Path) and path.endswith("/items.parquet"):
            yield from pictures_in(source)
        elif isinstance(source, Path) and path.startswith(
            (f"{DATABASE_FOLDER}/drafts.", f"{DATABASE_FOLDER}/product_ch")
        ):
            with source.open(encoding="utf-8") as lines:
                for line in lines:
                    yield from _HASH.findall(line)


def pictures_in(file: Path) -> Iterable[str]:
    """The hashes of the pictures that an items.parquet names; none where it cannot be read."""
    try:
        if _PICTURE_COLUMN not in pq.read_schema(file).names:
            return []
        values: list[Any] = pq.read_table(file, columns=[_PICTURE_COLUMN]).column(0).drop_null().unique().to_pylist()
    except (OSError, pa.ArrowException):
        return []  # a damaged snapshot is backed up as it is
    return values


def _bytes(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
