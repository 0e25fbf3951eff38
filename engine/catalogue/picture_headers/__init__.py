"""The header of a picture file, read before anything is decoded: format, size, number of frames, hidden data."""

from __future__ import annotations

from engine.catalogue.picture_formats import PICTURE_NAMES
from engine.catalogue.picture_headers.boxes import read_boxes
from engine.catalogue.picture_headers.header import Format, PictureHeader
from engine.catalogue.picture_headers.tiff import read_tiff
from engine.catalogue.picture_headers.web import read_bmp, read_gif, read_jpeg, read_png, read_webp
from engine.core.errors import ImageError

__all__ = [
    "MAX_FRAMES",
    "MAX_METADATA_BYTES",
    "MAX_PIXELS",
    "Format",
    "PictureHeader",
    "check_header",
    "check_size",
    "read_header",
]

MAX_METADATA_BYTES = 8 * 1024 * 1024
MAX_FRAMES = 200
MAX_PIXELS = 50_000_000


def check_header(data: bytes, *, name: str) -> PictureHeader:
    """Read the header; raises `ImageError` for another format, too many pixels or frames, or too much hidden data."""
    header = read_header(data)
    if header is None:
        raise ImageError(f"this is not a {PICTURE_NAMES} picture. Save it as one of these.", file=name)
    check_size(header.width, header.height, name=name)
    if header.frames > MAX_FRAMES:
        raise ImageError(
            f"it is an animation of {header.frames:,} pictures (at most {MAX_FRAMES}). Save one of them as a single picture.",
            file=name,
        )
    if header.metadata_bytes > MAX_METADATA_BYTES:
        raise ImageError(
            f"{header.metadata_bytes / 1e6:.0f} MB of it are notes and colour profiles, not picture (at most"
            f" {MAX_METADATA_BYTES / 1e6:.0f} MB). Save it for the web.",
            file=name,
        )
    return header


def check_size(width: int, height: int, *, name: str) -> None:
    """Raises `ImageError` for more than `MAX_PIXELS`."""
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{width} x {height} pixels are too many (at most {MAX_PIXELS:,} in all). Save it smaller.", file=name
        )


def read_header(data: bytes) -> PictureHeader | None:
    """The header by the content alone; None for other formats. A damaged file is described as far as it can be read."""
    if data.startswith(b"\xff\xd8\xff"):
        return read_jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return read_png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return read_webp(data)
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return read_gif(data)
    if data[:2] == b"BM":
        return read_bmp(data)
    if data[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return read_tiff(data)
    return read_boxes(data) if data[4:8] == b"ftyp" else None
