"""Headers of TIFF files, classic and big: a chain of directories, each of which describes a picture."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from engine.catalogue.picture_headers.header import MAX_PARTS, TOO_MUCH, PictureHeader

__all__ = ["read_tiff"]

_WIDTH, _HEIGHT, _STRIP_BYTES, _TILE_BYTES = 256, 257, 279, 325
_LETTERS = {1: "B", 3: "H", 4: "I", 16: "Q"}


@dataclass(frozen=True)
class _Form:
    """How numbers are written: their order, and whether offsets have 8 bytes, as in BigTIFF."""

    order: str
    big: bool

    @property
    def entry(self) -> int:
        return 20 if self.big else 12

    def number(self, data: bytes, position: int, letter: str) -> int:
        """0 beyond the end of the data."""
        size = struct.calcsize(letter)
        return int(struct.unpack_from(self.order + letter, data, position)[0]) if position + size <= len(data) else 0

    def offset(self, data: bytes, position: int) -> int:
        return self.number(data, position, "Q" if self.big else "I")


def read_tiff(data: bytes) -> PictureHeader:
    """All directories of the chain; what is neither a directory nor a picture's strip or tile is hidden data."""
    form = _Form("<" if data[:2] == b"II" else ">", big=data[2:4] in {b"+\0", b"\0+"})
    position = form.offset(data, 8 if form.big else 4)
    seen: set[int] = set()
    pictures = entries = width = height = 0
    while position and position not in seen and position < len(data):
        seen.add(position)
        count = form.number(data, position, "Q" if form.big else "H")
        first = position + (8 if form.big else 2)
        entries += count
        if entries > MAX_PARTS:
            return PictureHeader("TIFF", len(seen), TOO_MUCH, width, height)
        for entry in range(first, min(first + count * form.entry, len(data)), form.entry):
            tag = form.number(data, entry, "H")
            if tag in {_STRIP_BYTES, _TILE_BYTES}:
                pictures += sum(_values(data, entry, form))
            elif len(seen) == 1 and tag in {_WIDTH, _HEIGHT}:
                value = max(_values(data, entry, form), default=0)
                width, height = (value, height) if tag == _WIDTH else (width, value)
        position = form.offset(data, first + count * form.entry)
    hidden = max(len(data) - min(pictures, len(data)) - entries * form.entry, 0)
    return PictureHeader("TIFF", max(len(seen), 1), hidden, width, height)


def _values(data: bytes, entry: int, form: _Form) -> tuple[int, ...]:
    """The whole numbers of a directory's entry, as far as they are in the file."""
    letter = _LETTERS.get(form.number(data, entry + 2, "H"))
    if letter is None:
        return ()
    size = struct.calcsize(letter)
    count = form.number(data, entry + 4, "Q" if form.big else "I")
    place = entry + (12 if form.big else 8)
    if count * size > (8 if form.big else 4):
        place = form.offset(data, place)
    count = min(count, max(len(data) - place, 0) // size)
    return () if not count else struct.unpack_from(f"{form.order}{count}{letter}", data, place)
