from __future__ import annotations

import io

import pytest
from PIL import Image

from engine.catalogue.picture_headers import MAX_FRAMES, MAX_METADATA_BYTES, check_header, read_header
from engine.core.errors import ImageError


def encoded(form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 8), "teal").save(buffer, form, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def frames(count: int) -> list[Image.Image]:
    return [Image.new("RGB", (4, 4), (number % 256, number // 256, 0)) for number in range(count)]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_format_is_told_by_the_content(form: str) -> None:
    header = check_header(encoded(form), name="dress.txt")
    assert (header.format, header.frames) == (form, 1)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF1234WAVE", b"<svg/>"])
def test_anything_else_is_no_picture(data: bytes) -> None:
    assert read_header(data) is None


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_the_pictures_of_an_animation_are_counted_without_decoding_them(form: str) -> None:
    first, *rest = frames(5)
    buffer = io.BytesIO()
    first.save(buffer, form, save_all=True, append_images=rest, lossless=True)
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
