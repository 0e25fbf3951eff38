"""Fetched pictures on disk: one file each by the SHA-256 of its address, and beside it what the server said.

A picture is written before its record, each whole or not at all; so a killed run leaves nothing that the next one mistakes
for a picture. A run that ends early leaves its mark, and the next one takes what it had got as it is.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.core.storage import atomic_write, atomic_write_json
from engine.ingest.picture_addresses.asking import Answer

__all__ = ["Kept", "KeptPictures"]

_UNFINISHED = "unfinished.json"


@dataclass(frozen=True)
class Kept:
    """What is known of an address: when it was last asked (seconds since 1970), and what its server said."""

    address: str
    fetched: float
    bytes: int
    etag: str = ""
    last_modified: str = ""


class KeptPictures:
    """The folder of fetched pictures; safe to share between threads that handle different addresses."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        mark = folder / _UNFINISHED
        self._began = _read(mark).get("began", 0.0) if mark.is_file() else 0.0

    def begin(self) -> None:
        """A run begins, or goes on where the last one ended early."""
        if not self._began:
            self._began = time.time()
            atomic_write_json(self._folder / _UNFINISHED, {"began": self._began})

    def end(self, failed: Collection[str], wanted: Collection[str] | None) -> None:
        """A run is complete; pictures of addresses that failed, and all that are not `wanted` unless that is None, are removed."""
        stay = None if wanted is None else {self.file(address).stem for address in wanted}
        go = {self.file(address).stem for address in failed}
        for path in self._folder.glob("*/*"):
            if path.stem in go or (stay is not None and path.stem not in stay):
                path.unlink(missing_ok=True)
        (self._folder / _UNFINISHED).unlink(missing_ok=True)
        self._began = 0.0

    def file(self, address: str) -> Path:
        """Where the picture of an address lies, or will."""
        name = hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / name[:2] / f"{name}.picture"

    def find(self, address: str) -> Kept | None:
        """What is known of an address whose picture is here and whole."""
        file = self.file(address)
        record = _read(file.with_suffix(".json"))
        try:
            kept = Kept(**record)
            return kept if file.stat().st_size == kept.bytes and kept.address == address else None
        except (TypeError, OSError):
            return None

    def is_fresh(self, kept: Kept) -> bool:
        """Whether it was fetched since this run, or the one that it continues, began."""
        return bool(self._began) and kept.fetched >= self._began

    def keep(self, address: str, answer: Answer) -> None:
        """Write a picture, or that it has not changed, and what the server said."""
        file, before = self.file(address), self.find(address)
        if answer.data is not None:
            # Without its record first: a new picture must not lie beside an old one's.
            file.with_suffix(".json").unlink(missing_ok=True)
            atomic_write(file, answer.data)
        etag = answer.etag or (before.etag if before and answer.data is None else "")
        modified = answer.last_modified or (before.last_modified if before and answer.data is None else "")
        kept = Kept(address, time.time(), file.stat().st_size, etag, modified)
        atomic_write_json(file.with_suffix(".json"), asdict(kept))


def _read(path: Path) -> dict[str, Any]:
    """A record; empty where there is none that can be read."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
