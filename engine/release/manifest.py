"""What a release says about itself: manifest.json, and the check that every file is still what was written.

The manifest carries its own checksum, so that a flipped digit in it (a dimension, a count) is noticed like a flipped bit
in any other file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from engine.core.errors import ReleaseError, ReleaseFormatError
from engine.core.storage import atomic_write_json, file_sha256
from engine.release.checksums import checked_sha256

__all__ = ["FORMAT_VERSION", "MANIFEST_FILE", "Manifest", "read_manifest", "verify_files", "write_manifest"]

MANIFEST_FILE = "manifest.json"
FORMAT_VERSION = 3
"""Goes up with every change to what a release holds; a release of another format must be trained again."""
_REQUIRED = {"snapshot_id": str, "seed": int, "settings": dict, "counts": dict, "arms": dict}
_OPTIONAL = {"dims": dict, "metrics": dict}
_OWN = {"release_id", "created_at", "format_version", "files", "manifest_sha256"}


@dataclass(frozen=True)
class Manifest:
    """A release's facts.

    Attributes
    ----------
    created_at : ISO time with zone; "" where the manifest cannot be read.
    counts : at least n_items, n_users, n_interactions.
    arms : arm -> files, dimension, measured recall and the facts of its index (`engine.release.arm_index`).
    metrics : the summary that lists of releases show; all figures are in metrics.json.
    files : file -> {"bytes", "sha256"}.
    extra : whatever else training noted.
    damage : what is wrong with the release; None for one that verified.
    outdated : whether that is only that another version of Longtail wrote it.
    """

    release_id: str
    created_at: str = ""
    format_version: int = FORMAT_VERSION
    snapshot_id: str = ""
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    dims: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    arms: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    damage: str | None = None
    outdated: bool = False

    @property
    def number(self) -> str:
        """What people call it: `12` of `r0012`."""
        digits = self.release_id.removeprefix("r")
        return str(int(digits)) if digits.isascii() and digits.isdigit() else self.release_id

    @property
    def label(self) -> str:
        """`Release 12`."""
        return f"Release {self.number}"

    @property
    def n_items(self) -> int:
        return int(self.counts.get("n_items", 0))

    @property
    def steps(self) -> dict[str, float]:
        """Step of the training -> seconds it took, in order."""
        return {step["name"]: float(step["seconds"]) for step in self.extra.get("steps", [])}


def write_manifest(directory: Path, release_id: str, fields: Mapping[str, Any]) -> None:
    """Describe the files that lie in `directory` and what `fields` says of them, in manifest.json.

    `fields` needs `snapshot_id`, `seed`, `settings`, `counts` (with `n_items`) and `arms`; `dims`, `metrics` and anything
    else are welcome. Raises `ReleaseError` naming the field that is missing or cannot be written as JSON.
    """
    for name, kind in (_REQUIRED | _OPTIONAL).items():
        if name in fields and isinstance(fields[name], kind):
            continue
        if name in _REQUIRED or name in fields:
            raise ReleaseError(f"{MANIFEST_FILE}: {name} must be a {kind.__name__}, not {fields.get(name)!r}.")
    if clash := _OWN & set(fields):
        raise ReleaseError(f"{MANIFEST_FILE}: {sorted(clash)[0]} is written by the release itself.")
    if not isinstance(fields["counts"].get("n_items"), int):
        raise ReleaseError(f"{MANIFEST_FILE}: counts must hold n_items.")
    files = {
        path.relative_to(directory).as_posix(): {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    content = {
        "dims": {},
        "metrics": {},
        **fields,
        "release_id": release_id,
        "format_version": FORMAT_VERSION,
        "created_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "files": files,
    }
    try:
        content["manifest_sha256"] = _digest(content)
        atomic_write_json(directory / MANIFEST_FILE, content)
    except (TypeError, ValueError) as exc:
        raise ReleaseError(f"{MANIFEST_FILE}: its fields are not plain JSON ({exc}).") from exc


def read_manifest(directory: Path) -> Manifest:
    """Read and check manifest.json. Raises `ReleaseError` saying what is wrong with it, `ReleaseFormatError` where another
    version of Longtail wrote it."""
    try:
        content = json.loads((directory / MANIFEST_FILE).read_text("utf-8"))
    except FileNotFoundError as exc:
        raise ReleaseError(f"{MANIFEST_FILE} is missing") from exc
    except (OSError, ValueError, RecursionError) as exc:
        raise ReleaseError(f"{MANIFEST_FILE} cannot be read ({exc})") from exc
    if not isinstance(content, dict):
        raise ReleaseError(f"{MANIFEST_FILE} is not a description of a release")
    if content.pop("manifest_sha256", None) != _digest(content):
        raise ReleaseError(f"{MANIFEST_FILE} does not match its own checksum")
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        raise ReleaseFormatError(
            f"{Manifest(directory.name).label} was written by another version of Longtail (release format {version}; this "
            f"version reads {FORMAT_VERSION}). Train again; everything else in the workspace is kept."
        )
    if content["release_id"] != directory.name:
        raise ReleaseError(f"{MANIFEST_FILE} belongs to release {content['release_id']}")
    known = {name: content[name] for name in (_REQUIRED | _OPTIONAL | dict.fromkeys(_OWN)) if name in content}
    extra = {name: value for name, value in content.items() if name not in known}
    return Manifest(**known, extra=extra)


def verify_files(directory: Path, manifest: Manifest) -> None:
    """Check size and SHA-256 of every file. Raises `ReleaseError` naming the first that is not what was written."""
    for name, facts in manifest.files.items():
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts:
            raise ReleaseError(f"{MANIFEST_FILE} names the file {name!r} outside the release")
        try:
            path = directory / relative
            if path.stat().st_size != facts["bytes"]:
                raise ReleaseError(f"{name} has {path.stat().st_size} bytes, not {facts['bytes']}")
            if checked_sha256(path) != facts["sha256"]:
                raise ReleaseError(f"{name} does not match its checksum")
        except FileNotFoundError as exc:
            raise ReleaseError(f"{name} is missing") from exc
        except OSError as exc:
            raise ReleaseError(f"{name} cannot be read ({exc.strerror or exc})") from exc


def _digest(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
