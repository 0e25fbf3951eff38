from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.catalogue.images import decode_image
from tests.support.colour_profiles import grey_profile, ink_profile, rgb_matrix, rgb_profile

SRGB = [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)]
ADOBE_RGB = [(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)]
DISPLAY_P3 = [(0.68, 0.32), (0.265, 0.69), (0.15, 0.06)]


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def colour(data: bytes) -> np.ndarray:
    return np.array(decode_image(data, name="x").getpixel((8, 8)), dtype=float)


def as_srgb(colour: tuple[int, int, int], primaries: list[tuple[float, float]], gamma: float) -> np.ndarray:
    """By the definition of both colour spaces."""
    linear = np.linalg.solve(rgb_matrix(SRGB), rgb_matrix(primaries) @ (np.array(colour) / 255) ** gamma).clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("primaries", [ADOBE_RGB, DISPLAY_P3])
def test_colours_are_those_of_the_profile(form: str, primaries: list[tuple[float, float]]) -> None:
    given = (160, 90, 60)
    wanted = as_srgb(given, primaries, 2.2)
    options = {"quality": 100} if form != "PNG" and form != "TIFF" else {}
    data = encoded(Image.new("RGB", (16, 16), given), form, icc_profile=rgb_profile(primaries, 2.2), **options)
    assert np.abs(wanted - given).max() > 8
    assert np.abs(colour(data) - wanted).max() <= 3


def test_colours_over_transparency_are_converted_too() -> None:
    image = Image.new("RGBA", (16, 16), (160, 90, 60, 255))
    image.paste((0, 0, 0, 0), (0, 0, 16, 4))
    decoded = decode_image(encoded(image, "PNG", icc_profile=rgb_profile(ADOBE_RGB, 2.2)), name="x")
    assert np.abs(np.array(decoded.getpixel((8, 12))) - as_srgb((160, 90, 60), ADOBE_RGB, 2.2)).max() <= 2
    assert decoded.getpixel((8, 1)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_is_as_bright_as_its_profile_says(mode: str) -> None:
    image = Image.new("L", (16, 16), 128).convert(mode)
    # Linear light: (128 / 255) in sRGB is 188.
    assert np.abs(colour(encoded(image, "PNG", icc_profile=grey_profile(1.0))) - 188).max() <= 2


def test_inks_become_the_colours_of_their_profile() -> None:
    inks = {(0, 0, 0, 0): (255, 255, 255), (0, 0, 0, 255): (0, 0, 0)}
    for ink, wanted in inks.items():
        data = encoded(Image.new("CMYK", (16, 16), ink), "JPEG", icc_profile=ink_profile(), quality=100)
        assert np.abs(colour(data) - wanted).max() <= 3
    magenta = encoded(Image.new("CMYK", (16, 16), (0, 255, 0, 0)), "JPEG", icc_profile=ink_profile(), quality=100)
    # Lab (50, 60, 0) by the formulas of CIE.
    assert np.abs(colour(magenta) - (206, 63, 122)).max() <= 3


@pytest.mark.parametrize(
    "profile",
    [
        b"no profile at all",
        rgb_profile(ADOBE_RGB, 2.2)[:200],
        ink_profile(),
        grey_profile(1.0),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ],
)
def test_a_profile_that_does_not_fit_or_is_srgb_changes_nothing(profile: bytes) -> None:
    image = Image.new("RGB", (16, 16), (160, 90, 60))
    assert tuple(colour(encoded(image, "PNG", icc_profile=profile))) == (160, 90, 60)
