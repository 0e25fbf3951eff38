"""Headers of AVIF and HEIC files: boxes within boxes (ISO/IEC 14496-12 and 23008-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from engine.catalogue.picture_headers.header import MAX_PARTS, TOO_MUCH, Format, PictureHeader

__all__ = ["read_boxes"]

_BRANDS: dict[bytes, Format] = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "HEIF"),
}
# Files of any coding may say that they are these; then the brands that they are compatible with tell it.
_ANY = frozenset({b"mif1", b"msf1", b"mif2"})
# Boxes of boxes, and the bytes that stand before the first of them.
_INNER = {
    **dict.fromkeys((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"iprp", b"ipco"), 0),
    **{b"meta": 4, b"iinf": 6},
}
# Boxes that carry the picture or say how to draw it; all others are hidden data.
_DRAWN = frozenset(
    (
        *(b"ftyp", b"mdat", b"moof", b"ispe", b"pixi", b"hvcC", b"av1C", b"ipma", b"pitm", b"hdlr", b"iloc", b"iref"),
        *(b"infe", b"irot", b"imir", b"pasp", b"clap", b"auxC", b"stsz", b"stco", b"co64", b"stts", b"stsc", b"stss"),
    )
)
# Items that are no picture: EXIF, XMP and the like.
_NOTES = frozenset({b"Exif", b"mime", b"uri "})
_MAX_ITEMS = 5_000
# Pictures are described by boxes within at most so many others.
_DEPTH = 6


@dataclass(frozen=True)
class _Box:
    kind: bytes
    start: int
    end: int


def read_boxes(data: bytes) -> PictureHeader | None:
    """The largest picture that the file describes, and the number of frames of a sequence; None for other formats."""
    form = _format(data)
    if form is None:
        return None
    boxes = list(islice(_boxes(data, 0, len(data)), MAX_PARTS))
    items = [box for box in boxes if box.kind == b"infe"]
    sizes = [struct.unpack_from(">II", data, box.start + 4) for box in boxes if _is(box, b"ispe", 12)]
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    samples = (struct.unpack_from(">I", data, box.start + 8)[0] for box in boxes if _is(box, b"stsz", 12))
    if len(boxes) == MAX_PARTS or len(items) > _MAX_ITEMS:
        return PictureHeader(form, 1, TOO_MUCH, width, height)
    hidden = sum(box.end - box.start for box in boxes if box.kind not in _DRAWN and box.kind not in _INNER)
    notes = {number for box in items if (number := _number_of_note(data, box)) is not None}
    for box in boxes:
        if box.kind == b"iloc" and notes:
            hidden += _bytes_of_items(notes, data, box)
    return PictureHeader(form, max(samples, default=1), hidden, width, height)


def _format(data: bytes) -> Format | None:
    """By the brand, or where that is a container's by the brands that the file is compatible with."""
    length = min(int.from_bytes(data[:4], "big"), len(data), 512)
    brands = [data[8:12], *(data[place : place + 4] for place in range(16, length - 3, 4))]
    if brands[0] not in _BRANDS and brands[0] not in _ANY:
        return None
    return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)


def _is(box: _Box, kind: bytes, size: int) -> bool:
    return box.kind == kind and box.end - box.start >= size


def _boxes(data: bytes, start: int, end: int, depth: int = 0) -> Iterator[_Box]:
    """All boxes, those of a box after it."""
    while start + 8 <= end:
        length, kind = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        body = start + 8
        if length == 1:
            length, body = int.from_bytes(data[body : body + 8], "big"), body + 8
        stop = end if length == 0 else min(start + length, end)
        if stop < body:
            return
        yield _Box(kind, body, stop)
        if kind in _INNER and depth < _DEPTH:
            yield from _boxes(data, body + _INNER[kind], stop, depth + 1)
        start = stop


def _number_of_note(data: bytes, box: _Box) -> int | None:
    """The number of an item that is no picture."""
    version = data[box.start]
    form = {2: ">H", 3: ">I"}.get(version)
    if form is None or box.end - box.start < 14:
        return None
    (number,) = struct.unpack_from(form, data, box.start + 4)
    kind = box.start + 4 + struct.calcsize(form) + 2
    return int(number) if data[kind : kind + 4] in _NOTES else None


def _bytes_of_items(numbers: set[int], data: bytes, box: _Box) -> int:
    """The bytes of some items by the table of all items' places."""
    reader = _Reader(data, box.start, box.end)
    version = reader.number(1)
    reader.number(3)
    sizes, more = reader.number(1), reader.number(1)
    offset, length, base, index = sizes >> 4, sizes & 15, more >> 4, more & 15
    total = 0
    for _ in range(min(reader.number(4 if version == 2 else 2), _MAX_ITEMS)):
        item = reader.number(4 if version == 2 else 2)
        reader.number((2 if version else 0) + 2 + base)
        for _ in range(min(reader.number(2), _MAX_ITEMS)):
            reader.number((index if version else 0) + offset)
            size = reader.number(length)
            total += size if item in numbers else 0
            if reader.position >= box.end:
                return min(total, len(data))
    return min(total, len(data))


class _Reader:
    """Reads whole numbers one after the other; 0 behind the end."""

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self._data, self.position, self._end = data, position, end

    def number(self, size: int) -> int:
        value = int.from_bytes(self._data[self.position : min(self.position + size, self._end)], "big")
        self.position += size
        return value
