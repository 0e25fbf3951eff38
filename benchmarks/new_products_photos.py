"""Real garment photos that the shop has not seen, cropped a little differently every time, as large as a shop's photos are."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from benchmarks.support import shared_data

__all__ = ["garment_photos"]

LONG_SIDE = 1200
MOST_CUT = 0.06  # share of a side that is cut off at each edge at most


def garment_photos(count: int, seed: int, *, long_side: int = LONG_SIDE) -> Iterator[bytes]:
    """So many JPEG files, no two of them alike and none with bytes that are anybody's already.

    The photos in the shared data are 160 pixels high; they are brought to `long_side`, so that decoding them is the work
    that a shop's photos are.
    """
    files = sorted((shared_data() / "clothing" / "images" / "train").rglob("*.jpg"))
    rng = np.random.default_rng([seed, count])
    for place in range(count):
        if place % len(files) == 0:
            order = rng.permutation(len(files))
        with Image.open(files[order[place % len(files)]]) as photo:
            yield _cut(photo.convert("RGB"), rng, long_side)


def _cut(photo: Image.Image, rng: np.random.Generator, long_side: int) -> bytes:
    """A part of the photo, nearly all of it, enlarged and encoded."""
    left, top, right, bottom = rng.uniform(0, MOST_CUT, 4)
    scale = long_side / max(photo.size)
    size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    box = left * photo.width, top * photo.height, (1 - right) * photo.width, (1 - bottom) * photo.height
    file = io.BytesIO()
    photo.resize(size, Image.Resampling.BICUBIC, box=box).save(file, "JPEG", quality=88)
    return file.getvalue()
