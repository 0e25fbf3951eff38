"""Products described by arguments: their attributes and the bytes of their files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from engine.core.errors import InputError
from engine.core.workspace import Workspace

__all__ = ["described_by", "read_bytes"]

FIELDS = ("title", "description", "brand", "category", "price")


def described_by(arguments: argparse.Namespace, workspace: Workspace) -> dict[str, Any]:
    """The product that --title and its like describe, its picture stored; fields that were not given are left out.

    Raises `ImageError` and `InputError` naming the file.
    """
    from engine.catalogue.images import store_image

    given = {name: getattr(arguments, name) for name in FIELDS if getattr(arguments, name) is not None}
    if arguments.image:
        given["image"] = store_image(workspace, read_bytes(arguments.image), name=arguments.image.name)
    return given | {"attributes": _attributes(arguments.attribute)}


def read_bytes(path: Path) -> bytes:
    """A file's bytes; `InputError` where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as exc:
        raise InputError(f"cannot be read ({exc.strerror}).", file=str(path)) from exc


def _attributes(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Attributes by name; a name that is given several times holds a list."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: several[0] if len(several) == 1 else several for name, several in values.items()}
