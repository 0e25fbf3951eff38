"""The formats of pictures that are read, everywhere: their names, the endings of their files and their media types."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "PICTURE_ENDINGS",
    "PICTURE_FORMATS",
    "PICTURE_MEDIA_TYPES",
    "PICTURE_NAMES",
    "UPLOAD_ENDINGS",
    "PictureFormat",
]


@dataclass(frozen=True)
class PictureFormat:
    """One format: what people call it, the endings its files have, its media types, and endings that hardly any has."""

    name: str
    endings: tuple[str, ...]
    media_types: tuple[str, ...]
    rare_endings: tuple[str, ...] = ()


PICTURE_FORMATS = (
    PictureFormat("JPEG", ("jpg", "jpeg", "jfif"), ("image/jpeg", "image/jpg", "image/pjpeg"), ("jpe", "pjpeg")),
    PictureFormat("PNG", ("png",), ("image/png", "image/apng", "image/x-png"), ("apng",)),
    PictureFormat("WebP", ("webp",), ("image/webp",)),
    PictureFormat("GIF", ("gif",), ("image/gif",)),
    PictureFormat("BMP", ("bmp",), ("image/bmp", "image/x-ms-bmp", "image/x-bmp"), ("dib",)),
    PictureFormat("TIFF", ("tif", "tiff"), ("image/tiff",)),
    PictureFormat("AVIF", ("avif",), ("image/avif",)),
    PictureFormat("HEIC", ("heic", "heif"), ("image/heic", "image/heif"), ("hif",)),
)
PICTURE_NAMES = ", ".join(known.name for known in PICTURE_FORMATS[:-1]) + f" or {PICTURE_FORMATS[-1].name}"
"""The formats as a sentence names them: "JPEG, PNG, ... or HEIC"."""
PICTURE_ENDINGS = frozenset(
    f".{ending}" for known in PICTURE_FORMATS for ending in (*known.endings, *known.rare_endings)
)
"""Every ending with its dot, in small letters."""
UPLOAD_ENDINGS = tuple(ending for known in PICTURE_FORMATS for ending in known.endings)
"""Every ending without its dot, as a form for uploads asks for them."""
PICTURE_MEDIA_TYPES = frozenset(kind for known in PICTURE_FORMATS for kind in known.media_types)
