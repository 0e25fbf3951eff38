"""Stored pictures of 640 pixels to features: several a call, decoded at a smaller scale beside the network, against one at a time.

The network is the one that reads pictures by default. One at a time means what it would cost without: each picture decoded at its
full size, then read by itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image

from benchmarks.parts import Measured
from benchmarks.scale.shop import write_shop
from benchmarks.scale.timing import in_turns
from engine.catalogue.images import store_image
from engine.core.settings import ImageSettings
from engine.core.workspace import Workspace
from engine.models.encoders.backbone import create_backbone, normalised, read_in_parallel
from engine.models.encoders.classifier_fitting import SIDE

__all__ = ["measure"]

PICTURES = 192
"""More take proportionally longer."""


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Times as fast as one at a time, by the processor's time."""
    folder = write_shop(arguments.folder / "pictured", 2_000, seed=arguments.seed, pictures=PICTURES)
    workspace, settings = Workspace(arguments.folder / "pictures"), ImageSettings()
    images = [
        store_image(workspace, file.read_bytes(), name=file.name) for file in sorted((folder / "images").iterdir())
    ]
    backbone = create_backbone(settings)
    network = backbone.network().eval()
    size = SIDE[True]

    def features(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            batch = normalised(torch.from_numpy(pixels), backbone.mean, backbone.deviation)
            return np.asarray(network(batch).numpy())

    def several() -> None:
        read_in_parallel(
            workspace, images, size, settings.batch_size, lambda rows, pixels: _forget(features(pixels)), _forget
        )

    def one_at_a_time() -> None:
        for image in images:
            with Image.open(workspace.image_file(image)) as stored:
                pixels = np.asarray(stored.convert("RGB").resize((size, size), Image.Resampling.BILINEAR))
            features(pixels[None].copy())

    turns = in_turns(arguments.rounds, several, one_at_a_time)
    details = turns.details(pictures=len(images), side=size, several_at_once=settings.batch_size)
    return {"pictures_several_over_one_at_a_time": (turns.times_as_fast, ">= 3", details)}


_forget: Callable[[object], None] = lambda _: None  # noqa: E731
