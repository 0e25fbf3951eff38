"""A picture that came through the browser: decoded by a child process with little memory and time, stored by us."""

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
    """Children for `store_upload`, at most `most` at work at a time; for many pictures, or to be ready for the next."""
    return BoundedChildren("engine.untrusted.uploads", most=most)


def store_upload(workspace: Workspace, data: bytes, *, name: str, children: BoundedChildren | None = None) -> str:
    """Decode a picture in a child of at most 512 MB and 5 s, and store it and its thumbnail: the content hash.

    `children` are used again where they are given; otherwise one is started for this picture. Raises `ImageError`
    saying what is wrong with the file; nothing is written then.
    """
    if len(data) > MAX_BYTES:
        raise ImageError(f"more than {MAX_BYTES / 1e6:.0f} MB is too large. Save it smaller.", file=name)
    digest = hashlib.sha256(data).hexdigest()
    if stored_already(workspace, digest):
        return digest
    own = children or picture_children()
    try:
        answer, body = own.ask({}, data)
    except BreachError as exc:
        if exc.late:
            raise ImageError("decoding the picture took too long. Export it again.", file=name) from exc
        raise ImageError("the picture cannot be decoded within bounds. Export it again, smaller.", file=name) from exc
    finally:
        if own is not children:
            own.close()
    if "error" in answer:
        raise ImageError(str(answer["error"]), file=name)
    size = int(answer["picture_bytes"])
    write_picture(workspace, digest, EncodedPicture(body[:size], body[size:]))
    return digest


def _work(head: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        encoded = encode_picture(data, name="the picture")
    except ImageError as exc:
        return {"error": exc.message}, b""
    return {"picture_bytes": len(encoded.picture)}, encoded.picture + encoded.thumbnail


if __name__ == "__main__":
    os.nice(5)  # a collection is hundreds of them, and pages are waited for meanwhile
    serve(_work)
