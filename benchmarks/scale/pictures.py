"""Pictures of 640 pixels to features: several a call, decoded at a smaller scale beside a network that calculates in bfloat16 by OpenVINO or torch,
against one at a time; and whether neighbours stay the same.

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
from engine.models.encoders.on_openvino import OPENVINO, is_installed
from engine.models.threads import bounded_threads

__all__ = ["measure"]

PICTURES, TIMED = 400, 64
"""More take proportionally longer."""


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Times as fast as one at a time, by the processor's time, and the share of ten neighbours by picture that stay."""
    workspace = Workspace(arguments.folder / "pictures")
    images = _stored(workspace, arguments.seed)
    quicker = [name for name in ("openvino", "bfloat16") if name != OPENVINO or is_installed()]
    exact = _encoder(workspace, images, "float32")
    some = images[:TIMED]

    def one_at_a_time() -> None:
        for image in some:
            with Image.open(workspace.image_file(image)) as stored:
                pixels = np.asarray(stored.convert("RGB").resize((exact.size, exact.size), Image.Resampling.BILINEAR))
            exact.encode_pixels(pixels[None].copy())

    def several(encoder: ClassifierEncoder) -> Callable[[], object]:
        return lambda: encoder.encode_contents(some, workspace)

    measured: dict[str, Measured] = {}
    with bounded_threads(1):
        turns = in_turns(arguments.rounds, several(exact), one_at_a_time)
        measured["pictures_float32_over_one_at_a_time"] = _ratio(turns, "-", exact.size)
        found = unit_rows(exact.encode_contents(images, workspace))
        for precision in quicker:
            quick = _encoder(workspace, images, precision)
            overlap = overlap_at_10(found, unit_rows(quick.encode_contents(images, workspace)))
            turns = in_turns(arguments.rounds, several(quick), one_at_a_time)
            target = ">= 3" if precision == quicker[0] else "-"
            measured[f"pictures_{precision}_over_one_at_a_time"] = _ratio(turns, target, exact.size)
            measured[f"pictures_{precision}_overlap_at_10"] = (overlap, ">= 0.97", {"pictures": len(images)})
    return measured


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
