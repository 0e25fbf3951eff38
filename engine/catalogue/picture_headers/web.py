"""Headers of the formats of the web: JPEG, PNG, WebP, GIF; and of BMP."""

from __future__ import annotations

import struct

from engine.catalogue.picture_headers.header import MAX_PARTS, TOO_MUCH, PictureHeader

__all__ = ["read_bmp", "read_gif", "read_jpeg", "read_png", "read_webp"]

# Chunks of a PNG that carry the picture or say how to draw it; all others are hidden data.
_PNG_DRAWN = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"gAMA", b"cHRM", b"sRGB"}
)
_WEBP_DRAWN = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH"})
_GIF_MAX_BLOCKS = 500_000
_BMP_CORE_HEADER = 12
_BMP_HEADERS = frozenset({_BMP_CORE_HEADER, 40, 52, 56, 64, 108, 124})
_BMP_UNPACKED = (0, 3, 6)


def read_jpeg(data: bytes) -> PictureHeader:
    """Segments up to the first scan."""
    position, hidden, width, height = 2, 0, 0, 0
    cut = True
    for _ in range(MAX_PARTS):
        if position + 4 > len(data) or data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in {0xD9, 0xDA}:
            # Within the picture's own bytes 0xFF is followed by 0 or by the number of a restart.
            cut = data.find(b"\xff\xd9", position) < 0
            break
        length = int.from_bytes(data[position + 2 : position + 4], "big") + 2
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC} and position + 9 <= len(data):
            height, width = struct.unpack_from(">HH", data, position + 5)
        if 0xE0 <= marker <= 0xEF or marker == 0xFE:
            hidden += min(length, len(data) - position)
        position += length
    return PictureHeader("JPEG", 1, hidden, width, height, cut)


def read_png(data: bytes) -> PictureHeader:
    """Chunks up to the end of the picture."""
    position, hidden, frames, parts = 8, 0, 1, 0
    width, height = struct.unpack_from(">II", data, 16) if data[12:16] == b"IHDR" and len(data) >= 24 else (0, 0)
    while position + 8 <= len(data) and parts < MAX_PARTS:
        length, kind = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        if kind == b"IEND":
            return PictureHeader("PNG", frames, hidden, width, height)
        if kind == b"acTL":
            frames = max(frames, int.from_bytes(data[position + 8 : position + 12], "big"))
        if kind not in _PNG_DRAWN:
            hidden += min(length, len(data) - position) + 12
        position += length + 12
        parts += 1
    return PictureHeader("PNG", frames, hidden if parts < MAX_PARTS else TOO_MUCH, width, height)


def read_webp(data: bytes) -> PictureHeader:
    """Chunks to the end of the file; the decoder itself says how large the picture is, before it decodes."""
    position, hidden, frames, parts = 12, 0, 0, 0
    while position + 8 <= len(data) and parts < MAX_PARTS:
        kind, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        frames += kind == b"ANMF"
        if kind not in _WEBP_DRAWN:
            hidden += min(length, len(data) - position) + 8
        position += 8 + length + (length & 1)
        parts += 1
    return PictureHeader("WEBP", max(frames, 1), hidden if parts < MAX_PARTS else TOO_MUCH)


def read_gif(data: bytes) -> PictureHeader:
    """Blocks up to the trailer; comments, notes of programs, and what stands behind the trailer are hidden data."""
    if len(data) < 13:
        return PictureHeader("GIF", 1, 0)
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position, hidden, frames = 13 + _gif_colours(flags), 0, 0
    for _ in range(_GIF_MAX_BLOCKS):
        kind = data[position : position + 1]
        if kind == b"!":
            end = _gif_end(data, position + 2)
            if data[position + 1 : position + 2] != b"\xf9":
                hidden += end - position
        elif kind == b"," and position + 10 <= len(data):
            left, top, across, down, flags = struct.unpack_from("<HHHHB", data, position + 1)
            if not frames:
                width, height = max(width, left + across), max(height, top + down)
            frames += 1
            end = _gif_end(data, position + 11 + _gif_colours(flags))
        else:
            return PictureHeader("GIF", max(frames, 1), hidden + max(len(data) - position - 1, 0), width, height)
        position = end
    return PictureHeader("GIF", max(frames, 1), TOO_MUCH, width, height)


def _gif_colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_end(data: bytes, position: int) -> int:
    """Behind the sub-blocks that begin at `position`."""
    while position < len(data) and data[position]:
        position += data[position] + 1
    return min(position + 1, len(data))


def read_bmp(data: bytes) -> PictureHeader | None:
    """The two headers; what stands between or behind them and the pixels is hidden data. None for texts that begin as one."""
    start, size = struct.unpack_from("<II", data, 10) if len(data) >= 30 else (0, 0)
    if size not in _BMP_HEADERS:
        return None
    if size == _BMP_CORE_HEADER:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        packing, packed = 0, 0
    else:
        width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
        packing, packed = struct.unpack_from("<II", data, 30) if len(data) >= 38 else (0, 0)
    width, height = abs(width), abs(height)
    pixels = (width * bits + 31) // 32 * 4 * height if packing in _BMP_UNPACKED else packed
    palette = 4 * 256 + 16
    between = max(start - 14 - size - palette, 0)
    return PictureHeader("BMP", 1, between + max(len(data) - start - pixels, 0), width, height)
