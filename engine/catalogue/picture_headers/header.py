"""What the header of a picture file says, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["MAX_PARTS", "TOO_MUCH", "Format", "PictureHeader"]

Format = Literal["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"]
"""The formats by the names that Pillow has for them."""
MAX_PARTS = 50_000
TOO_MUCH = 2**62
"""Hidden data of a file of more parts than any camera or program writes: certainly refused."""


@dataclass(frozen=True)
class PictureHeader:
    """A file's format and what it holds.

    Attributes
    ----------
    frames : the number of pictures.
    metadata_bytes : bytes that are not picture: EXIF, colour profiles, texts, and what stands behind the picture.
    width, height : as the header claims them, in pixels; 0 where it does not say.
    cut : whether the end of the file is missing; known of JPEG alone.
    """

    format: Format
    frames: int
    metadata_bytes: int
    width: int = 0
    height: int = 0
    cut: bool = False
