from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from engine.catalogue.images import decode_image, is_cut_off
from engine.core.errors import ImageError


def photo(**options: object) -> bytes:
    """Green above blue, with some noise."""
    pixels = np.random.default_rng(0).integers(0, 60, (300, 200, 3), dtype=np.uint8)
    pixels[:150, :, 1] += 150
    pixels[150:, :, 2] += 150
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def test_a_whole_picture_is_not_cut_off() -> None:
    assert not is_cut_off(photo())
    assert not is_cut_off(photo() + b"what a program left behind")
    assert not is_cut_off(b"no picture")


@pytest.mark.parametrize("lost", [2, 200, 5_000])
def test_a_picture_that_lacks_its_last_bytes_is_read_over_white(lost: int) -> None:
    data = photo()
    assert is_cut_off(data[:-lost])
    whole, cut = (np.asarray(decode_image(each, name="x")).astype(int) for each in (data, data[:-lost]))
    assert cut.shape == whole.shape
    same = (cut == whole).all(axis=(1, 2))
    kept = int(np.flatnonzero(~same)[0]) if not same.all() else len(same)
    assert kept >= 300 * (1 - lost / len(data)) - 24
    assert (cut[kept:] == 255).all()


def test_even_one_colour_tells_where_it_ends() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (400, 400), (200, 30, 30)).save(buffer, "JPEG")
    pixels = np.asarray(decode_image(buffer.getvalue()[:-100], name="x"))
    assert np.abs(pixels[100].astype(int) - (200, 30, 30)).max() <= 3
    assert (pixels[-1] == 255).all()


def test_what_lacks_more_than_half_is_refused() -> None:
    data = photo()
    with pytest.raises(ImageError, match=r"dress\.jpg: the picture is damaged: the file is cut off, .* \d+ % of it"):
        decode_image(data[: len(data) // 3], name="dress.jpg")


def test_a_picture_that_comes_in_passes_needs_only_the_first_ones() -> None:
    data = photo(progressive=True)
    image = np.asarray(decode_image(data[: len(data) * 2 // 3], name="x")).astype(int)
    assert np.abs(image[:140].mean(axis=(0, 1)) - (30, 180, 30)).max() < 20
    assert np.abs(image[160:].mean(axis=(0, 1)) - (30, 30, 180)).max() < 20


def test_a_turned_picture_lacks_what_lay_at_its_bottom() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.asarray(decode_image(photo(exif=exif)[:-5_000], name="x"))
    assert pixels.shape == (200, 300, 3)
    assert (pixels[:, :20] == 255).all()
    assert (pixels[:, -20:] != 255).any()
