"""The header of a picture file, read before anything is decoded: format, number of frames, hidden data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.core.errors import ImageError

__all__ = ["MAX_FRAMES", "MAX_METADATA_BYTES", "PictureHeader", "check_header", "read_header"]

MAX_METADATA_BYTES = 8 * 1024 * 1024
MAX_FRAMES = 200
_MAX_PARTS = 50_000
# Chunks of a PNG that carry the picture or say how to draw it; all others are hidden data.
_PNG_DRAWN = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"gAMA", b"cHRM", b"sRGB"}
)
_WEBP_DRAWN = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH"})


@dataclass(frozen=True)
class PictureHeader:
    """A file's format, its number of pictures, and its bytes that are not picture (EXIF, colour profiles, texts)."""

    format: Literal["JPEG", "PNG", "WEBP"]
    frames: int
    metadata_bytes: int


def check_header(data: bytes, *, name: str) -> PictureHeader:
    """Read the header; raises `ImageError` for another format, too many frames or too much hidden data."""
    header = read_header(data)
    if header is None:
        raise ImageError("this is not a JPEG, PNG or WebP picture. Save it as one of these.", file=name)
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


def read_header(data: bytes) -> PictureHeader | None:
    """The header by the content alone; None for other formats. A damaged file is described as far as it can be read."""
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return None


def _jpeg(data: bytes) -> PictureHeader:
    """Segments up to the first scan."""
    position, hidden = 2, 0
    for _ in range(_MAX_PARTS):
        if position + 4 > len(data) or data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in {0xD9, 0xDA}:
            break
        length = int.from_bytes(data[position + 2 : position + 4], "big") + 2
        if 0xE0 <= marker <= 0xEF or marker == 0xFE:
            hidden += min(length, len(data) - position)
        position += length
    return PictureHeader("JPEG", 1, hidden)


def _png(data: bytes) -> PictureHeader:
    position, hidden, frames, parts = 8, 0, 1, 0
    while position + 8 <= len(data) and parts < _MAX_PARTS:
        length, kind = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        if kind == b"IEND":
            return PictureHeader("PNG", frames, hidden)
        if kind == b"acTL":
            frames = max(frames, int.from_bytes(data[position + 8 : position + 12], "big"))
        if kind not in _PNG_DRAWN:
            hidden += min(length, len(data) - position) + 12
        position += length + 12
        parts += 1
    # No camera or program writes a picture of so many parts.
    return PictureHeader("PNG", frames, hidden if parts < _MAX_PARTS else len(data) + MAX_METADATA_BYTES)


def _webp(data: bytes) -> PictureHeader:
    position, hidden, frames, parts = 12, 0, 0, 0
    while position + 8 <= len(data) and parts < _MAX_PARTS:
        kind, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        frames += kind == b"ANMF"
        if kind not in _WEBP_DRAWN:
            hidden += min(length, len(data) - position) + 8
        position += 8 + length + (length & 1)
        parts += 1
    return PictureHeader("WEBP", max(frames, 1), hidden if parts < _MAX_PARTS else len(data) + MAX_METADATA_BYTES)
