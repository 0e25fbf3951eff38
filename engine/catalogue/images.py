"""Pictures that strangers gave us: untrusted bytes -> bounded RGB, stored once by content hash.

The content decides what format a file has, never its name. Bytes and pixels are bounded before anything is decoded (a
504 KB PNG can decode to 694 MB), and the stored files are encoded by us, not by the stranger.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cache

import numpy as np
import pi_heif
from PIL import AvifImagePlugin, Image, ImageOps, UnidentifiedImageError

from engine.catalogue.colour_profiles import to_srgb
from engine.catalogue.cut_jpegs import cut_off_ends, has_all_rows, whole_part
from engine.catalogue.picture_headers import MAX_PIXELS, Format, check_header, check_size, read_header
from engine.core.errors import ImageError
from engine.core.reading import open_regular
from engine.core.storage import atomic_write
from engine.core.workspace import Workspace

__all__ = [
    "CUT_OFF",
    "MAX_BYTES",
    "MAX_PIXELS",
    "PICTURE_SIDE",
    "THUMBNAIL_SIDE",
    "EncodedPicture",
    "decode_image",
    "encode_picture",
    "is_cut_off",
    "load_pixels",
    "store_image",
    "stored_already",
    "write_picture",
]

MAX_BYTES = 20 * 1024 * 1024
PICTURE_SIDE = 640
CUT_OFF = "the end of the file is missing; the picture was read, and what it lacks is white. Copy or export it again."
THUMBNAIL_SIDE = 320


@dataclass(frozen=True)
class EncodedPicture:
    """Picture and thumbnail as JPEG files of our own making, without any metadata."""

    picture: bytes
    thumbnail: bytes


def decode_image(data: bytes, *, name: str) -> Image.Image:
    """Decode a picture of any of `PICTURE_FORMATS` into RGB, turned upright, long side at most 640 pixels.

    Colours are those of its colour profile, as sRGB. Transparent areas become white, and so does what is missing at the
    bottom of a JPEG whose end is cut off (`PictureHeader.cut`); of several pictures the first is read. `name` is the file's
    name as the person knows it. Raises `ImageError`, which says what to do.
    """
    if not data:
        raise ImageError("the file is empty. Export the picture again.", file=name)
    if len(data) > MAX_BYTES:
        raise ImageError(
            f"{len(data) / 1e6:.0f} MB is too large (at most {MAX_BYTES / 1e6:.0f} MB). Save it smaller.", file=name
        )
    header = check_header(data, name=name)
    try:
        return _upright(*(_decoded_cut(data, name) if header.cut else _decoded(data, header.format, name)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise ImageError(f"it has too many pixels (at most {MAX_PIXELS:,}). Save it smaller.", file=name) from exc
    except ImageError:
        raise
    except MemoryError as exc:
        raise ImageError("reading it needs too much memory. Save it smaller.", file=name) from exc
    except UnidentifiedImageError as exc:
        raise ImageError("the picture is damaged: nothing of it can be read. Export it again.", file=name) from exc
    except Exception as exc:
        # Pillow and its codecs raise nearly every kind of error on damaged files.
        raise ImageError(f"the picture is damaged ({exc}). Export it again.", file=name) from exc


def _decoded(data: bytes, form: Format, name: str) -> tuple[Image.Image, Image.Exif]:
    """The picture as it lies in the file, bounded, in sRGB; and what may say that it must be turned."""
    _prepare_plugins()
    with Image.open(io.BytesIO(data), formats=(form,)) as image:
        check_size(*image.size, name=name)
        image.draft("RGB", (PICTURE_SIDE, PICTURE_SIDE))
        image.load()
        # A decoder may find another size than the header promised.
        check_size(*image.size, name=name)
        return _bounded_rgb(image, image.info.get("icc_profile")), image.getexif()


def _decoded_cut(data: bytes, name: str) -> tuple[Image.Image, Image.Exif]:
    """A JPEG without its end: what is there, over white."""
    (image, exif), (other, _) = (_decoded(end, "JPEG", name) for end in cut_off_ends(data))
    return (image if has_all_rows(data) else whole_part(image, other, name=name)), exif


@cache
def _prepare_plugins() -> None:
    """HEIC as a format that Pillow knows, and decoders that start no threads of their own."""
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def store_image(workspace: Workspace, data: bytes, *, name: str, known: Workspace | None = None) -> str:
    """Decode `data` and store picture and thumbnail; returns the content hash, the SHA-256 of `data` in hex.

    A picture that `workspace` or `known` has already is neither decoded nor written again. Raises `ImageError`, and then
    writes nothing.
    """
    digest = hashlib.sha256(data).hexdigest()
    if not stored_already(workspace, digest) and not (known and stored_already(known, digest)):
        write_picture(workspace, digest, encode_picture(data, name=name))
    return digest


def is_cut_off(data: bytes) -> bool:
    """Whether a picture was read though its end is missing: `CUT_OFF` says so to people."""
    header = read_header(data)
    return header is not None and header.cut


def stored_already(workspace: Workspace, image: str) -> bool:
    """Whether the workspace has the picture and the thumbnail of a content hash."""
    return workspace.image_file(image).is_file() and workspace.thumbnail_file(image).is_file()


def encode_picture(data: bytes, *, name: str) -> EncodedPicture:
    """Decode a picture and encode it again, with its thumbnail. Raises `ImageError`."""
    image = decode_image(data, name=name)
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return EncodedPicture(_jpeg(image, quality=88), _jpeg(small, quality=85))


def write_picture(workspace: Workspace, image: str, encoded: EncodedPicture) -> None:
    """Store both under the content hash, each whole or not at all."""
    # The thumbnail comes first: a stored picture promises a stored thumbnail.
    atomic_write(workspace.thumbnail_file(image), encoded.thumbnail)
    atomic_write(workspace.image_file(image), encoded.picture)


def load_pixels(workspace: Workspace, image: str, size: int) -> np.ndarray:
    """A stored picture as (size, size, 3) uint8, scaled to fit and centred on white.

    `image` is the content hash. Raises `ImageError` if it is not stored or its file is damaged.
    """
    path = workspace.image_file(image)
    try:
        with open_regular(path) as stream, Image.open(stream, formats=["JPEG"]) as stored:
            stored.draft("RGB", (size, size))
            fitted = ImageOps.contain(stored.convert("RGB"), (size, size), Image.Resampling.BILINEAR)
    except Exception as exc:
        raise ImageError(f"the stored picture cannot be read ({exc}). Load the shop again.", file=path.name) from exc
    canvas = np.full((size, size, 3), 255, dtype=np.uint8)
    top, left = (size - fitted.height) // 2, (size - fitted.width) // 2
    canvas[top : top + fitted.height, left : left + fitted.width] = np.asarray(fitted)
    return canvas


def _bounded_rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Shrink first, in a mode that resamples well, and convert afterwards: conversion copies every pixel."""
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow's own conversion clips at 255 and turns it white.
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    elif image.mode in {"P", "PA", "1", "LA", "La"}:
        image = image.convert("RGBA" if image.mode in {"P", "PA", "LA", "La"} else "L")
    image.thumbnail((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    image = to_srgb(image, profile)
    if image.mode in {"RGBA", "RGBa"}:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _upright(image: Image.Image, exif: Image.Exif) -> Image.Image:
    image.info = {}
    if exif.get(0x0112, 1) == 1:
        return image
    tagged = image.copy()
    tagged.getexif()[0x0112] = exif[0x0112]
    return ImageOps.exif_transpose(tagged) or image


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=False, progressive=False)
    return buffer.getvalue()
