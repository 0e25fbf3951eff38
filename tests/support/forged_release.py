"""A release as somebody forges it who can write to its directory: other content, and a manifest whose checksums fit it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.release.manifest import MANIFEST_FILE, write_manifest

__all__ = ["forge"]

_WRITTEN = ("release_id", "created_at", "format_version", "files", "manifest_sha256")


def forge(directory: Path, change: Callable[[dict[str, Any]], object] = lambda fields: None) -> None:
    """Write the manifest again, so that it describes what lies in `directory` by now, with `change` done to its fields."""
    file = directory / MANIFEST_FILE
    fields = {name: value for name, value in json.loads(file.read_text()).items() if name not in _WRITTEN}
    change(fields)
    file.unlink()
    write_manifest(directory, directory.name, fields)
