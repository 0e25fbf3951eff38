"""Products given as command-line arguments, and the bytes of their files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import InputError
from engine.core.workspace import Workspace

if TYPE_CHECKING:
    from engine.catalogue.product import Product

__all__ = ["given_fields", "given_product", "read_bytes"]

FIELDS = ("title", "description", "brand", "category", "price")


def given_product(arguments: argparse.Namespace, workspace: Workspace) -> Product:
    """The product that --title and the like describe, its picture stored.

    Raises `ImageError` and `InputError` naming the file or the field.
    """
    from engine.catalogue.product import Product

    return Product.of_fields(given_fields(arguments, workspace))


def given_fields(arguments: argparse.Namespace, workspace: Workspace) -> dict[str, Any]:
    """Field (as `Product.fields` names it) -> value of the arguments that were given, "" where one empties a field."""
    from engine.catalogue.images import store_image
    from engine.catalogue.product import attribute_field

    given = {name: getattr(arguments, name) for name in FIELDS if getattr(arguments, name) is not None}
    if arguments.image:
        given["image"] = store_image(workspace, read_bytes(arguments.image), name=arguments.image.name)
    values: dict[str, list[str]] = {}
    for name, value in arguments.attribute:
        values.setdefault(attribute_field(name), []).append(value)
    return given | {name: several[0] if len(several) == 1 else tuple(several) for name, several in values.items()}


def read_bytes(path: Path) -> bytes:
    """A file's bytes; `InputError` where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as exc:
        raise InputError(f"cannot be read ({exc.strerror}).", file=str(path)) from exc
