"""The image encoder: attribute classifiers trained on this catalogue, or open_clip; which one is a setting.

The classifiers' vectors are made as published: several networks, each trained on one attribute, their penultimate activations
centred, brought to the same scale and concatenated. They need no download. Importing this imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from engine.core.settings import ImageSettings
from engine.core.workspace import Workspace
from engine.models.encoders.base import Encoder, Modality, images_of

__all__ = ["MODALITY", "fit_image_encoder", "load_image_encoder"]

LEARNING_STEP = "Learning what pictures show"


def fit_image_encoder(
    items: pd.DataFrame,
    attribute_kinds: Mapping[str, str],
    workspace: Workspace,
    settings: ImageSettings,
    seed: int,
    progress: Callable[[float, str], None] = lambda done, message: None,
) -> Encoder | None:
    """The configured encoder; None if pictures are switched off, no product has one, or nothing can be learned from them.

    `progress` is called with the share that is done and a detail; the last call gives the result.
    """
    shown = items[[image is not None for image in images_of(items)]]
    if settings.kind == "none" or shown.empty:
        return None
    if settings.kind == "open_clip":
        from engine.models.encoders.clip import fit_clip_encoder

        return fit_clip_encoder(settings)
    from engine.models.encoders.classifier_fitting import fit_classifier_encoder

    return fit_classifier_encoder(shown, attribute_kinds, workspace, settings, seed, progress)


def load_image_encoder(directory: Path) -> Encoder:
    """Read what `save` wrote; `ReleaseError` if a file is missing or damaged."""
    from engine.models.encoders.classifier_encoder import load_classifier_encoder
    from engine.models.encoders.clip import FILE, load_clip_encoder

    return load_clip_encoder(directory) if (directory / FILE).is_file() else load_classifier_encoder(directory)


MODALITY = Modality(
    name="image",
    step="Looking at pictures",
    example="a picture",
    likeness="similar pictures",
    fit=lambda shop, workspace, settings, seed, progress: fit_image_encoder(
        shop.items,
        shop.attribute_kinds,
        workspace,
        settings.image,
        seed,
        lambda done, message: progress(LEARNING_STEP, done, message),
    ),
    load=load_image_encoder,
)
