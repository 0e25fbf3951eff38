"""The layout of a shop's files on disk.

settings.toml         settings, if any are changed
shop/current          the id of the snapshot in use, replaced atomically
shop/<snapshot>/      items.parquet, interactions.parquet, shop.json, report.json: written once, never changed
images/, thumbnails/  pictures by content hash, shared by all snapshots and drafts
fetched/              pictures by web address, as `ingest --fetch-pictures` got them; may be removed at any time
features/             encoder outputs by encoder fingerprint and content hash; edits/: vectors of drafts and changed products, by release
releases/             see engine.release.publish
runs/<run>/           progress and log of a training or demo run
logs/                 what dashboards and commands logged, as JSON lines; see engine.core.logs
shopper.key           the key that shoppers' e-mail addresses are hashed with; nobody else may read it
longtail.db           judgements and drafts, unless a database URL is set
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import NoDataError
from engine.core.reading import read_bounded
from engine.core.storage import atomic_write

__all__ = ["SNAPSHOT_ID", "Workspace"]

_POINTER_BYTES = 200
SNAPSHOT_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")


@dataclass(frozen=True)
class Workspace:
    """The directory of a shop; it is created when something is first written."""

    root: Path

    @property
    def settings_file(self) -> Path:
        return self.root / "settings.toml"

    @property
    def snapshots(self) -> Path:
        return self.root / "shop"

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def thumbnails(self) -> Path:
        return self.root / "thumbnails"

    @property
    def fetched(self) -> Path:
        return self.root / "fetched"

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def finished_parts(self) -> Path:
        """Parts of trainings, by what they were made from; the folder may be removed at any time."""
        return self.root / "training"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def release_changes(self) -> Path:
        """What releases change, as small files; any of them may be removed at any time."""
        return self.root / "releases" / "changes"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def log_file(self) -> Path:
        """The newest lines of the log; older ones lie beside it."""
        return self.root / "logs" / "longtail.jsonl"

    @property
    def shopper_key(self) -> Path:
        """The key that shoppers' e-mail addresses are hashed with."""
        return self.root / "shopper.key"

    @property
    def judgements_file(self) -> Path:
        """Judgements and drafts, where no database URL is set."""
        return self.root / "longtail.db"

    @property
    def database_url(self) -> str:
        """The default database: SQLite in the workspace."""
        return f"sqlite:///{self.judgements_file.absolute()}"

    def image_file(self, image: str) -> Path:
        """The stored picture whose content hash is `image` (64 hex digits)."""
        return self.images / image[:2] / f"{image}.jpg"

    def thumbnail_file(self, image: str) -> Path:
        """The thumbnail of the picture whose content hash is `image`."""
        return self.thumbnails / image[:2] / f"{image}.jpg"

    def current_snapshot(self) -> Path:
        """The directory of the snapshot in use; raises `NoDataError` before a shop was loaded."""
        if not os.path.lexists(self.snapshots / "current"):
            raise NoDataError(f"No shop in {self.root}. Load one with `ingest`, or build the demo shop with `demo`.")
        named = self.snapshot_in_use()
        if named is None:
            raise NoDataError(f"shop/current in {self.root} cannot be read. Load the shop again with `ingest`.")
        snapshot = self.snapshots / named
        if not (snapshot / "shop.json").is_file():
            raise NoDataError(
                f"The shop data {snapshot.name} in {self.root} is missing. Load the shop again with `ingest`."
            )
        return snapshot

    def snapshot_in_use(self) -> str | None:
        """The id that `shop/current` names, whether or not the snapshot is whole; None before a shop was loaded, and where
        nothing that could be an id stands there."""
        try:
            text = read_bounded(self.snapshots / "current", _POINTER_BYTES).decode("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return text if SNAPSHOT_ID.fullmatch(text) else None

    def use_snapshot(self, snapshot_id: str) -> None:
        """Point the workspace at a complete snapshot, atomically."""
        if not (self.snapshots / snapshot_id / "shop.json").is_file():
            raise NoDataError(f"Snapshot {snapshot_id} is not complete; the shop in use has not changed.")
        atomic_write(self.snapshots / "current", snapshot_id + "\n")
