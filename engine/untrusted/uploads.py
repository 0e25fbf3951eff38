"""Uploaded pictures: decoded by a child process with limited memory and time, and encoded again before they are stored."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from engine.catalogue.images import MAX_BYTES, EncodedPicture, encode_picture, stored_already, write_picture
from engine.core.errors import ImageError
from engine.core.workspace import Workspace
from engine.untrusted.bounded import BoundedChildren, BreachError, serve

__all__ = ["picture_children", "store_upload"]


def picture_children(most: int = 1) -> BoundedChildren:
    """Children for `store_upload`, of which at most `most` work at a time; for many pictures, or to be ready for the next."""
    return BoundedChildren("engine.untrusted.uploads", most=most)


def store_upload(workspace: Workspace, data: bytes, *, name: str, children: BoundedChildren | None = None) -> str:
    """Decode a picture in a child of at most 512 MB and 5 s, and store it and its thumbnail; returns the content hash.

    Without `children`, one is started for this picture. Raises `ImageError`, which says what is wrong with the file, and
    then writes nothing.
    """
    if len(data) > MAX_BYTES:
        raise ImageError(f"more than {MAX_BYTES / 1e6:.0f} MB is too large. Save it smaller.", file=name)
    digest = hashlib.sha256(data).hexdigest()
    if stored_already(workspace, digest):
        return digest
    if children is not None:
        encoded = _encoded(children, data, name)
    else:
        with picture_children() as own:
            encoded = _encoded(own, data, name)
    write_picture(workspace, digest, encoded)
    return digest


def _encoded(children: BoundedChildren, data: bytes, name: str) -> EncodedPicture:
    try:
        answer, body = children.ask({}, data)
    except BreachError as exc:
        if exc.late:
            raise ImageError("decoding the picture took too long. Export it again.", file=name) from exc
        raise ImageError("the picture cannot be decoded within bounds. Export it again, smaller.", file=name) from exc
    if "error" in answer:
        raise ImageError(str(answer["error"]), file=name)
    size = int(answer["picture_bytes"])
    return EncodedPicture(body[:size], body[size:])


def _work(head: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        encoded = encode_picture(data, name="the picture")
    except ImageError as exc:
        return {"error": exc.message}, b""
    return {"picture_bytes": len(encoded.picture)}, encoded.picture + encoded.thumbnail


if __name__ == "__main__":
    os.nice(5)  # a collection has hundreds of pictures, and people wait for pages meanwhile
    serve(_work)
