"""What a backup says about itself: every file with its size and SHA-256, every table with its rows.

It is the first member of the archive, and carries a checksum of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.core.errors import BackupError

__all__ = ["DATABASE_FOLDER", "FORMAT", "MANIFEST_NAME", "SECRETS", "TOP_LEVEL", "BackupManifest", "FileEntry"]

FORMAT = 1
MANIFEST_NAME = "longtail-backup.json"
DATABASE_FOLDER = "database"
SECRETS = ("shopper.key", "review.key")
TOP_LEVEL = ("settings.toml", "shop", "images", "thumbnails", "releases", *SECRETS)
"""What a backup holds of a workspace, and what a restore replaces; runs, fetched pictures and features stay."""
_MEMBER = re.compile(r"[\x21-\x7e]{1,100}")
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileEntry(_Model):
    """A file: where it belongs in the workspace, and what it must be.

    `member` is its name in the archive where that differs from `path`; `same_as` another file of which it is a hard link, and which
    the archive holds instead.
    """

    path: str = Field(min_length=1, max_length=1000)
    bytes: int = Field(ge=0)
    sha256: Sha256
    member: str | None = None
    same_as: str | None = None

    @property
    def name(self) -> str:
        """Its name in the archive."""
        return self.member or self.path


class BackupManifest(_Model):
    """What is in a backup.

    Attributes
    ----------
    created_at : ISO time with zone, when everything in it was so. longtail : the version that made it.
    schema_version : of the database's tables; "" where the workspace had no database yet.
    shop : its name. snapshot, release : ids of those in use; None where there are none.
    tables : table -> rows. files : in the order of the archive; those under `DATABASE_FOLDER` are the tables.
    notes : what could not be taken along.
    """

    format: int
    created_at: str
    longtail: str
    schema_version: str
    shop: str | None
    snapshot: str | None
    release: str | None
    tables: dict[str, int]
    files: tuple[FileEntry, ...]
    notes: tuple[str, ...] = ()

    @property
    def total_bytes(self) -> int:
        """Of all files, once they are restored."""
        return sum(entry.bytes for entry in self.files if entry.same_as is None)

    @model_validator(mode="after")
    def _names_stay_inside(self) -> BackupManifest:
        paths = Counter(entry.path for entry in self.files)
        names = Counter(entry.name for entry in self.files if entry.same_as is None)
        held = {entry.path for entry in self.files if entry.same_as is None}
        for entry in self.files:
            if not _is_inside(entry.path) or paths[entry.path] > 1:
                raise ValueError(f"the file {entry.path[:200]!r} has no place in a workspace")
            if entry.same_as is None and (not _MEMBER.fullmatch(entry.name) or names[entry.name] > 1):
                raise ValueError(f"the name {entry.name[:200]!r} cannot be in an archive")
            if entry.same_as is not None and entry.same_as not in held:
                raise ValueError(f"{entry.path[:200]!r} is said to be a file that is not there")
        if any(str(parent) in paths for path in paths for parent in list(PurePosixPath(path).parents)[:-1]):
            raise ValueError("a file is said to be a folder too")
        return self

    def to_bytes(self) -> bytes:
        """As JSON with its own checksum."""
        content = self.model_dump(mode="json")
        return json.dumps({**content, "manifest_sha256": _digest(content)}, ensure_ascii=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> BackupManifest:
        """Read and check it; `name` is the backup's. Raises `BackupError`."""
        try:
            content = json.loads(data)
            if content.pop("manifest_sha256", None) != _digest(content):
                raise ValueError("its list of files does not match its own checksum")
            if content.get("format") != FORMAT:
                raise BackupError(
                    f"{name} was made by another version of Longtail (backup format {content.get('format')!r}; this version "
                    f"reads {FORMAT}). Restore it with the version that made it."
                )
            return cls.model_validate_json(json.dumps(content))
        except (ValueError, TypeError, AttributeError, RecursionError, ValidationError) as exc:
            raise BackupError(
                f"{name} is damaged or no backup of Longtail: {_said(exc)}. Nothing was changed."
            ) from exc


def _is_inside(path: str) -> bool:
    """Whether a file may lie there: under a name that a backup holds, and nowhere else."""
    parts = path.split("/")
    return (
        path.isprintable()
        and "\\" not in path
        and all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in parts)
        and parts[0] in (*TOP_LEVEL, DATABASE_FOLDER)
        and (len(parts) == 1) == (parts[0] in ("settings.toml", *SECRETS))
    )


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _said(exc: Exception) -> str:
    if isinstance(exc, ValidationError):
        first = exc.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'its list of files'}: {first['msg']}"
    return str(exc)
