"""Colours as sRGB, whatever colour profile (ICC) a picture came with."""

from __future__ import annotations

import io
from functools import cache

from PIL import Image, ImageCms

__all__ = ["to_srgb"]

# The colour spaces that a profile may describe, by the modes of pictures that it fits.
_SPACES = {"RGB": "RGB ", "RGBA": "RGB ", "RGBX": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}
_ALPHA = "RGBA"


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture (RGB, RGBA, L, CMYK or LAB) in sRGB; as it is where it has no profile, or one that does not fit it.

    A profile that is damaged or describes another colour space is what a careless program left behind; the colours are
    then taken for sRGB, as browsers do. Relative colorimetric with black point compensation, as photo editors convert.
    """
    if image.mode == "LAB":
        return _converted(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "RGB")
    if not profile:
        return image
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = given.profile.xcolor_space
        if space == "GRAY" and image.mode in {"RGB", _ALPHA} and _is_grey(image):
            # A picture in grey of which only a decoder made three channels.
            grey = _converted(image.convert("L"), given, "RGB")
            if image.mode == _ALPHA:
                grey.putalpha(image.getchannel("A"))
            return grey
        if _SPACES.get(image.mode) != space.ljust(4) or _is_srgb(given):
            return image
        return _converted(image, given, _ALPHA if image.mode == _ALPHA else "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return image


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile, mode: str) -> Image.Image:
    converted = ImageCms.profileToProfile(
        image,
        profile,
        _srgb(),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode=mode,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return image if converted is None else converted


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Whether converting would change nothing but the last bit."""
    return "srgb" in (profile.profile.profile_description or "").lower()


def _is_grey(image: Image.Image) -> bool:
    red, green, blue = image.split()[:3]
    return red.tobytes() == green.tobytes() == blue.tobytes()
