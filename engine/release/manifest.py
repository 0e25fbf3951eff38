"""What a release says about itself: manifest.json, and the check that every file is still what was written.

The manifest carries its own checksum, so that a flipped digit in it (a dimension, a count) is noticed like a flipped bit
in any other file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.core.errors import ReleaseContentError, ReleaseError, ReleaseFormatError
from engine.core.reading import read_json
from engine.core.storage import atomic_write_json, file_sha256
from engine.release.checksums import checked_sha256

__all__ = [
    "FORMAT_VERSION",
    "MANIFEST_FILE",
    "Manifest",
    "described_files",
    "read_manifest",
    "verify_files",
    "write_manifest",
]

MANIFEST_FILE = "manifest.json"
FORMAT_VERSION = 5
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
    digest : of everything the manifest says; another release has another one, whatever its id.
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
    digest: str = ""
    damage: str | None = None
    outdated: bool = False

    @property
    def edition(self) -> str:
        """The id, and of what content: a release that was restored or trained again under the same id has another one."""
        return f"{self.release_id}-{self.digest[:12]}"

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
    content = {
        "dims": {},
        "metrics": {},
        **fields,
        "release_id": release_id,
        "format_version": FORMAT_VERSION,
        "created_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "files": described_files(directory),
    }
    try:
        content["manifest_sha256"] = _digest(content)
        atomic_write_json(directory / MANIFEST_FILE, content)
    except (TypeError, ValueError) as exc:
        raise ReleaseError(f"{MANIFEST_FILE}: its fields are not plain JSON ({exc}).") from exc


def described_files(directory: Path) -> dict[str, dict[str, Any]]:
    """What a manifest says of the files that lie in a directory: file -> {"bytes", "sha256"}."""
    return {
        path.relative_to(directory).as_posix(): {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def read_manifest(directory: Path) -> Manifest:
    """Read and check manifest.json. Raises `ReleaseError` saying what is wrong with it, `ReleaseFormatError` where another
    version of Longtail wrote it."""
    try:
        content = read_json(directory / MANIFEST_FILE)
    except FileNotFoundError as exc:
        raise ReleaseError(f"{MANIFEST_FILE} is missing") from exc
    except OSError as exc:
        raise ReleaseError(f"{MANIFEST_FILE} cannot be read ({exc.strerror or exc})") from exc
    except ValueError as exc:
        raise ReleaseError(f"{MANIFEST_FILE} cannot be read ({exc})") from exc
    if not isinstance(content, dict):
        raise ReleaseError(f"{MANIFEST_FILE} is not a description of a release")
    digest = content.pop("manifest_sha256", None)
    try:
        fits = digest == _digest(content)
    except ValueError:  # NaN is none of JSON's numbers
        fits = False
    if not fits:
        raise ReleaseError(f"{MANIFEST_FILE} does not match its own checksum")
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        raise ReleaseFormatError(
            f"{Manifest(directory.name).label} was written by another version of Longtail (release format "
            f"{str(version)[:20]}; this version reads {FORMAT_VERSION}). Train again; everything else in the workspace is kept."
        )
    _check_fields(content)
    if content["release_id"] != directory.name:
        raise ReleaseError(f"{MANIFEST_FILE} belongs to release {content['release_id'][:20]}")
    known = {name: content[name] for name in (_REQUIRED | _OPTIONAL | dict.fromkeys(_OWN)) if name in content}
    extra = {name: value for name, value in content.items() if name not in known}
    return Manifest(**known, extra=extra, digest=str(digest))


def _check_fields(content: Mapping[str, Any]) -> None:
    """Raise `ReleaseContentError` naming the first field that is not what a writer of releases puts there."""
    try:
        _Fields.model_validate(content)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part)[:60] for part in first["loc"])
        raise ReleaseContentError(f"{MANIFEST_FILE} makes no sense ({where}: {first['msg']})") from exc


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _FileFacts(_Model):
    bytes: Annotated[int, Field(ge=0, lt=2**53)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Counts(_Model):
    n_items: Annotated[int, Field(ge=0, lt=2**31)]


class _Beside(_Model):
    """What stands beside a side's own columns (`engine.release.arm_files`)."""

    file: str
    at: Annotated[int, Field(ge=0, lt=2**20)]
    centre: str | None


class _Arm(_Model):
    """One arm, as `engine.release.arm_writer` describes it."""

    query: str
    candidates: str
    query_beside: _Beside | None = None
    candidates_beside: _Beside | None = None
    dim: Annotated[int, Field(ge=1, lt=2**20)]
    exact: bool = False
    search_k: Annotated[int, Field(ge=0, lt=2**31)] = 0
    probes: Annotated[int, Field(ge=0, lt=2**31)] = 0
    index: dict[str, Any] | None
    facts: dict[str, Annotated[float, Field(allow_inf_nan=False)] | int]


class _Step(_Model):
    name: str
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | int


class _Fields(_Model):
    """What must be true of every manifest before anything else looks at it."""

    release_id: str
    snapshot_id: str
    seed: int
    created_at: str
    settings: dict[str, Any]
    counts: _Counts
    dims: dict[str, Any]
    metrics: dict[str, Any]
    files: Annotated[dict[str, _FileFacts], Field(max_length=10_000)]
    arms: Annotated[dict[str, _Arm], Field(max_length=100)]
    steps: list[_Step] = []

    @field_validator("created_at")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        if datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("a time has a zone")
        return value

    @field_validator("files")
    @classmethod
    def _lie_in_the_release(cls, value: dict[str, _FileFacts]) -> dict[str, _FileFacts]:
        for name in value:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\0" in name or str(path) != name:
                raise ValueError(f"names the file {name[:100]!r} outside the release")
        return value


def verify_files(directory: Path, manifest: Manifest, names: Collection[str] | None = None) -> None:
    """Check size and SHA-256 of every file, or of those with these names. Raises `ReleaseError` naming the first that is not what was written."""
    for name, facts in manifest.files.items():
        if names is not None and name not in names:
            continue
        try:
            path = directory / name
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
