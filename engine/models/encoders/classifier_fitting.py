"""From picture classifiers to an encoder: the choice of attributes, the scale of vectors, and reuse of earlier trainings."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from engine.core.errors import LongtailError
from engine.core.settings import ImageSettings
from engine.core.storage import atomic_directory, file_sha256
from engine.core.workspace import Workspace
from engine.models.devices import pick_device, seeded
from engine.models.encoders.backbone import Backbone, create_backbone, read_pixels
from engine.models.encoders.cache import remember
from engine.models.encoders.classifier_encoder import Branch, ClassifierEncoder, load_classifier_encoder
from engine.models.encoders.classifiers import activations_of, train_classifiers
from engine.models.encoders.picture_labels import Labels, candidate_labels, most_visible

__all__ = ["fit_classifier_encoder"]

MAX_TRAINING_BYTES = 1_500_000_000
"""Pixels in memory for training; larger catalogues are sampled."""
MAX_BRANCH_DIM = 128
"""Wider activations are reduced to principal components: a classifier's activations have few directions."""
MAX_REMEMBERED = 3
"""Trained encoders in the workspace; older ones are deleted."""
SIDE = {False: 48, True: 128}
"""Pixels a side, for random and for pretrained weights. On the demo shop, 48 px find as many look-alikes as 64 px (0.66 of
ten neighbours by picture share the style family) in half the time."""
PROBE_PICTURES, PROBE_SIDE = 1000, 8


def fit_classifier_encoder(
    items: pd.DataFrame,
    attribute_kinds: Mapping[str, str],
    workspace: Workspace,
    settings: ImageSettings,
    seed: int,
    progress: Callable[[float, str], None],
) -> ClassifierEncoder | None:
    """Train classifiers on `items`, which all have a picture; None if nothing can be learned from them.

    Classifiers that were trained on the same pictures, values, settings and seed before come from the workspace.
    """
    backbone = create_backbone(settings)
    size = settings.size or SIDE[backbone.pretrained]
    items = _sample(items, max(1, MAX_TRAINING_BYTES // (size**2 * 3)), seed)
    candidates = candidate_labels(items, attribute_kinds) if settings.epochs else []
    if not candidates and not backbone.pretrained:
        progress(1.0, "left out: no attribute to learn pictures by, and no pretrained weights (image.weights)")
        return None
    images = [str(image) for image in items["image"]]
    folder = workspace.features / "classifiers" / _request(images, candidates, settings, seed)
    encoder = _fitted_before(folder)
    if encoder is None:
        progress(0.0, f"loading {len(images):,} pictures")
        pixels = read_pixels(workspace, images, size)
        encoder, vectors = _fit(backbone, pixels, candidates, settings, seed, progress)
        remember(encoder, images, vectors, workspace)
        _store(encoder, folder)
    progress(1.0, _summary(encoder.branches))
    return encoder


def _sample(items: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """At most `most` of the items, drawn at random, in their order."""
    if len(items) <= most:
        return items
    return items.iloc[sorted(np.random.default_rng(seed).choice(len(items), most, replace=False).tolist())]


def _fit(
    backbone: Backbone,
    pixels: np.ndarray,
    candidates: Sequence[Labels],
    settings: ImageSettings,
    seed: int,
    progress: Callable[[float, str], None],
) -> tuple[ClassifierEncoder, np.ndarray]:
    """The encoder and its vectors (n, dim) float32 of the pictures it was trained on."""
    if not candidates:
        network = backbone.network().to(pick_device())
        activations = activations_of(network, backbone, _on_device(pixels), settings.batch_size)
        return _assemble(backbone, [(Branch(None), network, activations)], pixels.shape[1], settings.batch_size)
    chosen = _most_visible_attributes(backbone, pixels, candidates, settings, seed)
    trained = train_classifiers(backbone, pixels, chosen, settings, seed, progress)
    # One that is no better than chance only adds noise; if none is better, the best of them is used.
    useful = [c for c in trained if c.accuracy > c.majority] or [max(trained, key=lambda c: c.accuracy - c.majority)]
    branches = [(Branch(c.name, c.classes, c.accuracy, c.majority), c.network, c.activations) for c in useful]
    return _assemble(backbone, branches, pixels.shape[1], settings.batch_size)


def _most_visible_attributes(
    backbone: Backbone, pixels: np.ndarray, candidates: Sequence[Labels], settings: ImageSettings, seed: int
) -> list[Labels]:
    with seeded(seed):
        rows = np.sort(np.random.default_rng(seed).permutation(len(pixels))[:PROBE_PICTURES])
        probe = _probe_features(backbone, pixels[rows], settings.batch_size)
    return most_visible(candidates, rows, probe, settings.attributes, seed)


def _assemble(
    backbone: Backbone, branches: Sequence[tuple[Branch, nn.Module, np.ndarray]], size: int, batch_size: int
) -> tuple[ClassifierEncoder, np.ndarray]:
    """Put networks with their activations (n, width) together: the encoder, and its vectors (n, dim) float32."""
    state: dict[str, Tensor] = {}
    vectors = []
    for position, (_, network, activations) in enumerate(branches):
        mean, projection, projected = _projected(activations, len(branches))
        state |= {f"{position}.network.{name}": tensor for name, tensor in network.state_dict().items()}
        state |= {f"{position}.mean": torch.from_numpy(mean), f"{position}.projection": torch.from_numpy(projection)}
        vectors.append(projected)
    learned = [branch for branch, _, _ in branches]
    encoder = ClassifierEncoder(backbone, learned, state, size, batch_size)
    return encoder, np.concatenate(vectors, axis=1)


def _projected(activations: np.ndarray, n_branches: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (width,), projection (width, dim) and vectors (n, dim), all float32: centred over the catalogue, and scaled so
    that the vectors of all branches have a mean square length of one together."""
    mean = activations.mean(0, dtype=np.float64).astype(np.float32)
    centred = activations - mean
    directions = np.eye(centred.shape[1], dtype=np.float32)
    if centred.shape[1] > MAX_BRANCH_DIM:
        directions = np.linalg.eigh(centred.T @ centred)[1][:, : -MAX_BRANCH_DIM - 1 : -1]
    length = math.sqrt(float(np.square(centred @ directions).sum(1).mean()) * n_branches)
    projection = np.ascontiguousarray(directions / max(length, 1e-12), dtype=np.float32)
    return mean, projection, centred @ projection


def _probe_features(backbone: Backbone, pixels: np.ndarray, batch_size: int) -> np.ndarray:
    """Cheap features: the picture at 8 x 8 pixels, and the activations of the untrained (or pretrained) backbone."""
    step = pixels.shape[1] // PROBE_SIDE
    cropped = pixels[:, : step * PROBE_SIDE, : step * PROBE_SIDE]
    small = cropped.reshape(len(pixels), PROBE_SIDE, step, PROBE_SIDE, step, 3).mean((2, 4)).reshape(len(pixels), -1)
    network = backbone.network().to(pick_device())
    return np.hstack([small / 255, activations_of(network, backbone, _on_device(pixels), batch_size)])


def _on_device(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels).to(pick_device())


def _request(images: Sequence[str], candidates: Sequence[Labels], settings: ImageSettings, seed: int) -> str:
    """A folder name for everything that a training of classifiers depends on."""
    digest = hashlib.sha256(f"{settings.model_dump_json()}/{seed}/{torch.__version__}".encode())
    if settings.weights is not None:
        digest.update(file_sha256(settings.weights).encode())
    digest.update("".join(images).encode())
    for labels in candidates:
        digest.update(json.dumps([labels.name, labels.classes]).encode() + labels.targets.tobytes())
    return digest.hexdigest()[:32]


def _fitted_before(folder: Path) -> ClassifierEncoder | None:
    try:
        encoder = load_classifier_encoder(folder)
        encoder.parts()  # those of another version of timm may not fit
        return encoder
    except LongtailError:
        return None


def _store(encoder: ClassifierEncoder, folder: Path) -> None:
    """Save a trained encoder for the next training, and delete all but the latest few."""
    shutil.rmtree(folder, ignore_errors=True)
    with atomic_directory(folder) as directory:
        encoder.save(directory)
    stored = sorted(folder.parent.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in stored[MAX_REMEMBERED:]:
        shutil.rmtree(old, ignore_errors=True)


def _summary(branches: Sequence[Branch]) -> str:
    learned = [f"{b.name} {b.accuracy:.0%}" for b in branches if b.name is not None and b.accuracy is not None]
    return "accuracy on held-out pictures: " + ", ".join(learned) if learned else "pretrained network as it is"
