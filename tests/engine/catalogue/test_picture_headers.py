from __future__ import annotations

import io
import struct
import time
from pathlib import Path

import pytest
from PIL import Image

from engine.catalogue.picture_headers import MAX_FRAMES, MAX_METADATA_BYTES, check_header, read_header
from engine.core.errors import ImageError

HEIC = Path(__file__).parents[2] / "fixtures" / "pictures" / "red-and-blue.heic"


def encoded(form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 8), "teal").save(buffer, form, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def frames(count: int) -> list[Image.Image]:
    return [Image.new("RGB", (4, 4), (number % 256, number // 256, 0)) for number in range(count)]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_the_format_is_told_by_the_content(form: str) -> None:
    header = check_header(encoded(form), name="dress.txt")
    assert (header.format, header.frames) == (form, 1)


@pytest.mark.parametrize(
    "data", [b"", b"GIF88a", b"RIFF1234WAVE", b"<svg/>", b"BMW,Audi\n" * 9, b"\0\0\0\x18ftypisom" + bytes(16)]
)
def test_anything_else_is_no_picture(data: bytes) -> None:
    assert read_header(data) is None


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_the_size_is_known_before_decoding(form: str) -> None:
    data = HEIC.read_bytes() if form == "HEIF" else encoded(form)
    header = check_header(data, name="dress")
    assert (header.format, header.width, header.height) == (form, *((128, 64) if form == "HEIF" else (16, 8)))


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_what_stands_behind_or_beside_the_picture_is_hidden_data(form: str) -> None:
    data = HEIC.read_bytes() if form == "HEIF" else encoded(form)
    box = (10_008).to_bytes(4, "big") + b"free" if form in {"AVIF", "HEIF"} else b""
    plain, noted = read_header(data), read_header(data + box + b"x" * 10_000)
    assert plain is not None
    assert noted is not None
    assert plain.metadata_bytes < 2_000
    assert noted.metadata_bytes - plain.metadata_bytes in {10_000, 10_001}


@pytest.mark.parametrize("form", ["AVIF", "TIFF"])
def test_notes_within_the_picture_count_as_hidden_data(form: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 10_000
    noted = read_header(encoded(form, exif=exif))
    assert noted is not None
    assert noted.metadata_bytes >= 10_000


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a" + (9_000).to_bytes(2, "little") * 2 + bytes(20),
        b"GIF89a" + bytes(7) + b",\0\0\0\0" + (9_000).to_bytes(2, "little") * 2 + bytes(20),
        b"BM" + bytes(8) + struct.pack("<IIiiHH", 54, 40, 9_000, -9_000, 1, 24) + bytes(24),
        b"II*\0" + struct.pack("<IHHHIIHHII", 8, 2, 256, 4, 1, 9_000, 257, 4, 1, 9_000) + bytes(8),
        struct.pack(">I4s4sI", 16, b"ftyp", b"avif", 0) + struct.pack(">I4sI", 48, b"meta", 0)
        + struct.pack(">I4sI4s", 36, b"iprp", 28, b"ipco") + struct.pack(">I4sIII", 20, b"ispe", 0, 9_000, 9_000),
    ],
    ids=["gif", "gif frame", "bmp", "tiff", "avif"],
)  # fmt: skip
def test_more_pixels_than_a_picture_may_have_are_refused_by_the_header_alone(data: bytes) -> None:
    with pytest.raises(ImageError, match="9000 x 9000 pixels are too many"):
        check_header(data, name="dress")


def test_a_tiff_whose_directories_go_in_circles_ends() -> None:
    header = read_header(b"MM\0*" + struct.pack(">IHI", 8, 0, 8))
    assert header is not None
    assert header.frames == 1


def test_a_tiff_of_too_many_directories_is_refused() -> None:
    chain = b"".join(struct.pack("<HI", 0, 8 + 6 * (place + 1)) for place in range(MAX_FRAMES + 1))
    with pytest.raises(ImageError, match="animation of"):
        check_header(b"II*\0" + struct.pack("<I", 8) + chain + bytes(8), name="dress.tif")


@pytest.mark.parametrize("beginning", [b"\0\0\0\x10ftypavif\0\0\0\0", b"GIF89a" + bytes(7), b"II*\0\x08\0\0\0"])
@pytest.mark.parametrize("part", [b"\0\0\0\x08moov", b"!\xff\0", b"\xff\xff\xff\xff", b"\0\0\0\x08free", bytes(8)])
def test_a_file_of_a_million_parts_is_described_quickly(beginning: bytes, part: bytes) -> None:
    began = time.monotonic()
    read_header(beginning + part * 1_000_000)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "AVIF"])
def test_the_pictures_of_an_animation_are_counted_without_decoding_them(form: str) -> None:
    first, *rest = frames(5)
    buffer = io.BytesIO()
    first.save(buffer, form, save_all=True, append_images=rest, **({"lossless": True} if form == "WEBP" else {}))
    header = read_header(buffer.getvalue())
    assert header is not None
    assert header.frames == 5


def test_an_animation_of_too_many_pictures_is_refused_with_its_number() -> None:
    png = encoded("PNG")
    claim = (8).to_bytes(4, "big") + b"acTL" + (MAX_FRAMES + 1).to_bytes(4, "big") + bytes(8)
    with pytest.raises(ImageError, match=f"animation of {MAX_FRAMES + 1} pictures"):
        check_header(png[:33] + claim + png[33:], name="dress.png")


def test_a_notes_bytes_count_as_hidden_data() -> None:
    plain, noted = read_header(encoded("JPEG")), read_header(encoded("JPEG", comment=b"x" * 1_000))
    assert plain is not None
    assert noted is not None
    assert noted.metadata_bytes - plain.metadata_bytes == 1_004


def test_a_picture_that_is_mostly_hidden_data_is_refused() -> None:
    jpeg = encoded("JPEG")
    note = b"\xff\xfe" + (65_535).to_bytes(2, "big") + bytes(65_533)
    with pytest.raises(ImageError, match="notes and colour profiles"):
        check_header(jpeg[:2] + note * (MAX_METADATA_BYTES // 65_535 + 1) + jpeg[2:], name="dress.jpg")


def test_a_picture_of_endless_empty_parts_is_refused_quickly() -> None:
    png = encoded("PNG")
    with pytest.raises(ImageError, match="notes and colour profiles"):
        check_header(png[:33] + (bytes(4) + b"IDAT" + bytes(4)) * 100_000, name="dress.png")
