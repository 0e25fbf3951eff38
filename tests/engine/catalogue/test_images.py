from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.catalogue import images
from engine.catalogue.images import decode_image, load_pixels, store_image
from engine.catalogue.picture_headers import read_header
from engine.core.errors import ImageError
from engine.core.workspace import Workspace

FIXTURES = Path(__file__).parents[2] / "fixtures" / "pictures"


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_format_decodes_to_rgb(form: str) -> None:
    image = decode_image(encoded(Image.new("RGB", (40, 30), (200, 30, 30)), form), name="x")
    assert (image.mode, image.size) == ("RGB", (40, 30))
    assert np.abs(np.array(image.getpixel((20, 15))) - (200, 30, 30)).max() <= 6


def test_pictures_of_phones_decode_upright() -> None:
    plain = decode_image((FIXTURES / "red-and-blue.heic").read_bytes(), name="x")
    assert plain.size == (128, 64)
    for place, wanted in (((16, 32), (30, 60, 200)), ((112, 32), (200, 30, 30))):
        assert np.abs(np.array(plain.getpixel(place)) - wanted).max() <= 12

    # The same picture, turned a quarter to the left by its own header.
    turned = decode_image((FIXTURES / "turned.heic").read_bytes(), name="x")
    assert turned.size == (64, 128)
    assert np.abs(np.array(turned.getpixel((32, 16))) - (200, 30, 30)).max() <= 12


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_what_lacks_its_end_is_refused_where_it_is_no_jpeg(form: str) -> None:
    data = encoded(Image.effect_noise((64, 48), 60).convert("RGB"), form)
    with pytest.raises(ImageError, match=r"dress: the picture is damaged(?!.* at 0x)"):
        decode_image(data[: len(data) * 9 // 10], name="dress")


@pytest.mark.parametrize("form", ["TIFF", "GIF", "AVIF"])
def test_of_several_pictures_the_first_is_read(form: str) -> None:
    first, *rest = (Image.new("RGB", (20, 10), colour) for colour in ("red", "lime", "blue"))
    data = encoded(first, form, save_all=True, append_images=rest)
    pixel = decode_image(data, name="x").getpixel((10, 5))
    assert np.abs(np.array(pixel) - (255, 0, 0)).max() <= 6


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "jpeg", "packbits"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA"])
def test_packed_tiffs_of_every_mode_are_read(compression: str | None, mode: str) -> None:
    data = encoded(Image.new(mode, (40, 30)), "TIFF", compression=compression)
    assert decode_image(data, name="x").size == (40, 30)


def test_transparent_gifs_lie_over_white() -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert decode_image(encoded(image, "GIF"), name="x").getpixel((4, 4)) == (255, 255, 255)


def test_lab_colours_are_converted() -> None:
    lab = Image.merge("LAB", [Image.new("L", (8, 8), value) for value in (136, 208, 195)])
    red, green, blue = decode_image(encoded(lab, "TIFF"), name="x").getpixel((4, 4))
    assert red > 200
    assert max(green, blue) < 60


def test_large_pictures_are_bounded_and_keep_their_shape() -> None:
    assert decode_image(encoded(Image.new("RGB", (2000, 1000))), name="x").size == (640, 320)


def test_transparency_lies_over_white() -> None:
    image = decode_image(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0))), name="x")
    assert image.getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    form = "JPEG" if mode == "CMYK" else "PNG"
    assert decode_image(encoded(Image.new(mode, (9, 9)), form), name="x").mode == "RGB"


def test_sixteen_bit_grey_keeps_its_brightness() -> None:
    grey = Image.fromarray(np.full((8, 8), 0x8000, np.uint16))
    assert decode_image(encoded(grey), name="x").getpixel((4, 4)) == (128, 128, 128)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_exif_tag_turns_the_picture_upright(form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode_image(encoded(Image.new("RGB", (80, 20)), form, exif=exif), name="x").size == (20, 80)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"GIF89a" + b"\0" * 20, "damaged"),
        (b"<svg onload=alert(1)>", "not a JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC"),
        (encoded(Image.new("RGB", (64, 64)), "JPEG")[:-40], "damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 60, "damaged"),
        (b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 40, "damaged"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=rf"dress\.png.*{message}"):
        decode_image(data, name="dress.png")


def test_a_small_file_with_many_pixels_is_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = encoded(Image.new("L", (8000, 7000)), optimize=True)
    assert len(bomb) < 100_000
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ImageError, match="8000 x 7000 pixels are too many"):
        decode_image(bomb, name="bomb.png")


def test_a_file_of_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    with pytest.raises(ImageError, match="too large"):
        decode_image(encoded(Image.effect_noise((64, 64), 50)), name="x")


def test_pictures_are_stored_once_by_content(workspace: Workspace) -> None:
    data = encoded(Image.effect_noise((900, 700), 60).convert("RGB"))
    digest = store_image(workspace, data, name="x")
    assert digest == hashlib.sha256(data).hexdigest()
    with Image.open(workspace.image_file(digest)) as picture, Image.open(workspace.thumbnail_file(digest)) as thumbnail:
        assert (picture.format, max(picture.size)) == ("JPEG", 640)
        assert (thumbnail.format, max(thumbnail.size)) == ("JPEG", 320)
    before = workspace.image_file(digest).stat().st_mtime_ns
    assert store_image(workspace, data, name="y") == digest
    assert workspace.image_file(digest).stat().st_mtime_ns == before


def test_what_another_place_knows_is_not_stored_again(workspace: Workspace, tmp_path: Path) -> None:
    data = encoded(Image.new("RGB", (30, 30)))
    digest = store_image(workspace, data, name="x")
    staging = Workspace(tmp_path / "staging")
    assert store_image(staging, data, name="x", known=workspace) == digest
    assert not staging.image_file(digest).exists()


def test_nothing_of_the_strangers_file_is_stored_but_the_picture(workspace: Workspace) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret note"
    digest = store_image(workspace, encoded(Image.new("RGB", (30, 30)), "JPEG", exif=exif), name="x")
    assert b"secret note" not in workspace.image_file(digest).read_bytes()
    assert b"secret note" not in workspace.thumbnail_file(digest).read_bytes()


def test_a_refused_picture_leaves_nothing(workspace: Workspace) -> None:
    with pytest.raises(ImageError):
        store_image(workspace, b"not a picture", name="x")
    assert not workspace.root.exists()


def test_pixels_are_padded_to_a_square_with_white(workspace: Workspace) -> None:
    digest = store_image(workspace, encoded(Image.new("RGB", (100, 50), (0, 0, 0))), name="x")
    pixels = load_pixels(workspace, digest, 32)
    assert (pixels.shape, pixels.dtype) == ((32, 32, 3), np.uint8)
    assert pixels[0].min() == 255
    assert pixels[16].max() < 20


def test_a_picture_that_is_not_stored_is_an_error(workspace: Workspace) -> None:
    with pytest.raises(ImageError, match="Load the shop again"):
        load_pixels(workspace, "0" * 64, 32)


PICTURES = [
    *(
        encoded(Image.effect_noise((48, 36), 60).convert("RGB"), form)
        for form in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
    ),
    (FIXTURES / "red-and-blue.heic").read_bytes(),
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(PICTURES),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12),
    st.integers(1, 100),
)
def test_a_damaged_picture_decodes_bounded_or_is_refused(
    data: bytes, changes: list[tuple[int, int]], kept: int
) -> None:
    damaged = bytearray(data)
    for position, value in changes:
        # Most of what can go wrong goes wrong in the first bytes.
        damaged[position % (len(damaged) if position % 2 else min(len(damaged), 400))] = value
    read_header(bytes(damaged))
    try:
        image = decode_image(bytes(damaged[: len(damaged) * kept // 100]), name="x")
    except ImageError:
        return
    assert image.mode == "RGB"
    assert max(image.size) <= 640


def test_real_garment_photos_are_stored(workspace: Workspace, shared_data: Path) -> None:
    photos = sorted((shared_data / "clothing/images/test/dress").glob("*.jpg"))[:5]
    assert len(photos) == 5
    for photo in photos:
        digest = store_image(workspace, photo.read_bytes(), name=photo.name)
        with Image.open(photo) as original, Image.open(workspace.image_file(digest)) as stored:
            assert stored.size == original.size
