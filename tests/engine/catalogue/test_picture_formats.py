from __future__ import annotations

import io

from PIL import Image

from engine.catalogue.picture_formats import PICTURE_ENDINGS, PICTURE_FORMATS, PICTURE_NAMES, UPLOAD_ENDINGS
from engine.catalogue.picture_headers import read_header


def test_every_format_is_named_once_with_its_endings() -> None:
    assert PICTURE_NAMES == "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC"
    assert {f".{ending}" for ending in UPLOAD_ENDINGS} < PICTURE_ENDINGS
    assert len({kind for known in PICTURE_FORMATS for kind in known.media_types}) == sum(
        len(known.media_types) for known in PICTURE_FORMATS
    )


def test_what_is_written_under_an_ending_is_recognised() -> None:
    for ending in UPLOAD_ENDINGS:
        # Pillow writes no HEIC; and .jfif is another name of its JPEG.
        if ending in {"heic", "heif"}:
            continue
        buffer = io.BytesIO()
        Image.new("RGB", (4, 4)).save(buffer, Image.registered_extensions()[f".{ending}"])
        assert read_header(buffer.getvalue()) is not None
