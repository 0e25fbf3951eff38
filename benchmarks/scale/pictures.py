"""Pictures of 640 pixels to features: several a call, decoded at a smaller scale beside a network that calculates in bfloat16, against
one at a time; and whether neighbours stay the same.

The pictures are the garment photos, enlarged. One at a time is the same encoder in float32 with each picture decoded at its full size and
read by itself. What float32 gives with several a call, which is what small shops get, is told beside it.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.parts import Measured
from benchmarks.scale.encoding import overlap_at_10
from benchmarks.scale.timing import Turns, in_turns
from benchmarks.support import shared_data
from engine.catalogue.images import PICTURE_SIDE, store_image
from engine.core.settings import ImageSettings
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.models.devices import has_fast_bfloat16
from engine.models.encoders.classifier_encoder import ClassifierEncoder
from engine.models.encoders.image import fit_image_encoder
from engine.models.threads import bounded_threads

__all__ = ["measure"]

PICTURES, TIMED = 400, 64
"""More take proportionally longer."""


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Times as fast as one at a time, by the processor's time, and the share of ten neighbours by picture that stay."""
    workspace = Workspace(arguments.folder / "pictures")
    images = _stored(workspace, arguments.seed)
    exact, quick = (_encoder(workspace, images, precision) for precision in ("float32", "bfloat16"))
    some = images[:TIMED]

    def one_at_a_time() -> None:
        for image in some:
            with Image.open(workspace.image_file(image)) as stored:
                pixels = np.asarray(stored.convert("RGB").resize((exact.size, exact.size), Image.Resampling.BILINEAR))
            exact.encode_pixels(pixels[None].copy())

    def several(encoder: ClassifierEncoder) -> Callable[[], object]:
        return lambda: encoder.encode_contents(some, workspace)

    with bounded_threads(1):
        turns = {one: in_turns(arguments.rounds, several(one), one_at_a_time) for one in (quick, exact)}
        found = [unit_rows(encoder.encode_contents(images, workspace)) for encoder in (exact, quick)]
    return {
        "pictures_bfloat16_over_one_at_a_time": _ratio(turns[quick], ">= 3", exact.size),
        "pictures_float32_over_one_at_a_time": _ratio(turns[exact], "-", exact.size),
        "pictures_bfloat16_overlap_at_10": (overlap_at_10(*found), ">= 0.97", {"pictures": len(images)}),
    }


def _ratio(turns: Turns, target: str, side: int) -> Measured:
    details = turns.details(pictures=TIMED, side=side, processor_has_bfloat16=has_fast_bfloat16())
    return turns.times_as_fast, target, details


def _encoder(workspace: Workspace, images: list[str], precision: str) -> ClassifierEncoder:
    """The network as it came; what classifiers add is computed from what it gives."""
    settings = ImageSettings.model_validate({"kind": "classifiers", "attributes": 0, "precision": precision})
    encoder = fit_image_encoder(pd.DataFrame({"image": images}), lambda _: [], workspace, settings, 0)
    assert isinstance(encoder, ClassifierEncoder)
    return encoder


def _stored(workspace: Workspace, seed: int) -> list[str]:
    """Photographs with a long side of 640 pixels, by content hash."""
    files = sorted((shared_data() / "clothing" / "images" / "train").glob("*/*.jpg"))
    chosen = np.sort(np.random.default_rng(seed).choice(len(files), PICTURES, replace=False))
    return [store_image(workspace, _enlarged(files[row].read_bytes()), name=files[row].name) for row in chosen]


def _enlarged(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        times = PICTURE_SIDE / max(picture.size)
        large = picture.convert("RGB").resize([round(side * times) for side in picture.size], Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    large.save(stream, "JPEG", quality=85)
    return stream.getvalue()
