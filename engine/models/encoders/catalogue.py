"""All encoders of a shop together: fit, save, load, and encode its catalogue through the feature cache."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from engine.catalogue.snapshot import Shop
from engine.core.errors import ReleaseError, TrainingError
from engine.core.progress import Progress, silent
from engine.core.settings import Settings
from engine.core.storage import atomic_write_json
from engine.core.workspace import Workspace
from engine.models.encoders.base import ContentEncoder, Encoder, Features, LeftOut
from engine.models.encoders.cache import encode_through_cache
from engine.models.encoders.registry import MODALITIES

__all__ = ["encode_catalogue", "fit_encoders", "fit_modalities", "load_encoders", "save_encoders"]

FILE = "encoders.json"


def fit_encoders(
    shop: Shop, workspace: Workspace, settings: Settings, seed: int, progress: Progress = silent
) -> dict[str, Encoder]:
    """The encoders that this shop's data and the settings require, by modality, in the order of `MODALITIES`.

    Raises `TrainingError` if the catalogue has nothing to encode, `SettingsError` if a model cannot be loaded.
    """
    return fit_modalities(shop, workspace, settings, seed, progress)[0]


def fit_modalities(
    shop: Shop, workspace: Workspace, settings: Settings, seed: int, progress: Progress = silent
) -> tuple[dict[str, Encoder], dict[str, str]]:
    """What `fit_encoders` gives, and a sentence for each modality that has none: why it is left out."""
    encoders: dict[str, Encoder] = {}
    left_out: dict[str, str] = {}
    for name, one in MODALITIES.items():
        fitted = one.fit(shop, workspace, settings, seed, progress)
        if fitted is None:
            left_out[name] = f"No product has {one.example}, so neighbours are found without."
        elif isinstance(fitted, LeftOut):
            left_out[name] = fitted.reason
        else:
            encoders[name] = fitted
    if not encoders:
        raise TrainingError(
            "The products have no text, picture or attribute that distinguishes any two of them, so nothing can be "
            "predicted for new ones. Load the shop again with titles, pictures or attributes."
        )
    return encoders, left_out


def save_encoders(encoders: Mapping[str, Encoder], directory: Path) -> None:
    """Write encoders into `directory`, which is created if it does not exist."""
    directory.mkdir(parents=True, exist_ok=True)
    for encoder in encoders.values():
        encoder.save(directory)
    atomic_write_json(directory / FILE, {modality: encoder.fingerprint for modality, encoder in encoders.items()})


def load_encoders(directory: Path) -> dict[str, Encoder]:
    """Read what `save_encoders` wrote. Raises `ReleaseError` if files are missing or damaged, or a model has changed."""
    try:
        fingerprints = json.loads((directory / FILE).read_text("utf-8"))
        encoders = {name: one.load(directory) for name, one in MODALITIES.items() if name in fingerprints}
    except (OSError, ValueError, TypeError) as exc:
        raise ReleaseError(
            f"{directory / FILE} cannot be read ({exc}). Train again, or roll back to an older release."
        ) from exc
    for modality, encoder in encoders.items():
        if encoder.fingerprint != fingerprints[modality]:
            raise ReleaseError(
                f"The {modality} encoder in {directory} is not the one that the release was trained with. "
                "Train again, or roll back to an older release."
            )
    return encoders


def encode_catalogue(
    encoders: Mapping[str, Encoder], items: pd.DataFrame, workspace: Workspace, progress: Progress = silent
) -> dict[str, Features]:
    """Features of all items, by modality; texts and pictures that were encoded before come from the workspace's cache."""
    features = {}
    for modality, encoder in encoders.items():
        step = MODALITIES[modality].step
        progress(step, 0.0)
        if isinstance(encoder, ContentEncoder):
            features[modality] = encode_through_cache(
                encoder,
                items,
                workspace,
                lambda done, total, step=step: progress(step, done / total, f"{done:,} of {total:,}"),  # type: ignore[misc]
            )
        else:
            features[modality] = encoder.encode(items, workspace)
        progress(step, 1.0)
    return features
