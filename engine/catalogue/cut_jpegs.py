"""JPEG files that lack their last bytes: how much of the picture is there."""

from __future__ import annotations

import numpy as np
from PIL import Image

from engine.core.errors import ImageError

__all__ = ["LEAST_SHARE", "cut_off_ends", "has_all_rows", "whole_part"]

LEAST_SHARE = 0.5
"""A picture of which less than this is there, from the top, is refused."""
_END = b"\xff\xd9"
_PROGRESSIVE, _SCAN = b"\xff\xc2", b"\xff\xda"
# The first pass has the colour of every eighth pixel; those behind it come with detail.
_ENOUGH_SCANS = 3
# Stands for bytes that a decoder turns into something else than the nothing that it puts where data end.
_NOISE = bytes(range(1, 250, 3)) * 4


def cut_off_ends(data: bytes) -> tuple[bytes, bytes]:
    """The file closed in two ways: with nothing, and with noise. Where both give the same pixels, these are the file's own."""
    kept = data.rstrip(b"\xff")
    return kept + _END, kept + _NOISE + _END


def has_all_rows(data: bytes) -> bool:
    """Whether the picture comes in passes (a progressive JPEG), of which so many are there that only detail is missing."""
    start = data.rfind(_PROGRESSIVE)
    return start >= 0 and data.count(_SCAN, start) >= _ENOUGH_SCANS


def whole_part(image: Image.Image, other: Image.Image, *, name: str) -> Image.Image:
    """`image` with white from the first row in which `other`, of the same size, differs.

    Raises `ImageError` where less than half of the picture is there.
    """
    pixels = np.array(image)
    differs = (pixels != np.asarray(other)).any(axis=2)
    rows = np.flatnonzero(differs.any(axis=1))
    first = int(rows[0]) if len(rows) else len(pixels)
    if first < LEAST_SHARE * len(pixels):
        raise ImageError(
            f"the picture is damaged: the file is cut off, and only the upper {100 * first // len(pixels)} % of it is there."
            " Copy or export it again.",
            file=name,
        )
    pixels[first:] = 255
    return Image.fromarray(pixels)
