"""The image encoder: attribute classifiers trained on this catalogue, or open_clip; which one is a setting.

The classifiers' vectors are the published way: several networks, each trained on one attribute, their penultimate activations centred,
brought to the same scale and concatenated. They need no download.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save
from torch import Tensor, nn

from engine.core.errors import LongtailError, ReleaseError
from engine.core.settings import ImageSettings
from engine.core.storage import atomic_directory, atomic_write, atomic_write_json, file_sha256
from engine.core.workspace import Workspace
from engine.models.devices import pick_device, seeded
from engine.models.encoders.backbone import Backbone, create_backbone, normalised, pixels_in_batches, read_pixels
from engine.models.encoders.base import Encoder, Features, encode_contents_of, first_use, images_of
from engine.models.encoders.cache import remember
from engine.models.encoders.classifiers import activations_of, train_classifiers
from engine.models.encoders.clip import FILE as CLIP_FILE
from engine.models.encoders.clip import fit_clip_encoder, load_clip_encoder
from engine.models.encoders.picture_labels import Labels, candidate_labels, most_visible

__all__ = ["Branch", "ClassifierEncoder", "fit_image_encoder", "load_image_encoder"]

DESCRIPTION, WEIGHTS = "image.json", "image.safetensors"
MAX_TRAINING_BYTES = 1_500_000_000
"""Pixels held in memory to train on; of larger catalogues a sample."""
MAX_BRANCH_DIM = 128
"""Wider activations are reduced to their principal components: a classifier's activations have few directions."""
FITTED_KEPT = 3
SIDE = {False: 48, True: 128}
"""Pixels a side from random and from pretrained weights. On the demo shop 48 px find as many look-alikes as 64 px
(0.66 of ten neighbours by picture share the style family) in half the time."""
PROBE_PICTURES, PROBE_SIDE = 1000, 8


@dataclass(frozen=True)
class Branch:
    """One network's part in the vector; `name` is the attribute it learned, None for an untouched backbone."""

    name: str | None
    classes: tuple[str, ...] = ()
    accuracy: float | None = None
    majority: float | None = None


class ClassifierEncoder:
    """Concatenated activations of several networks, which are made when the first picture comes: timm takes over a second to
    import, and a product without a picture needs none of it.

    Parameters
    ----------
    backbone : what each network is; its starting weights are not used.
    branches : what the networks learned.
    state : tensors "0.network.*", "0.mean" (width,) and "0.projection" (width, dim) of branch 0, and so on.
    """

    modality = "image"

    def __init__(
        self, backbone: Backbone, branches: Sequence[Branch], state: dict[str, Tensor], size: int, batch_size: int
    ):
        self.backbone, self.branches = backbone, tuple(branches)
        self.size, self.batch_size = size, batch_size
        self._weights = save({name: state[name].cpu().contiguous() for name in sorted(state)})
        self.fingerprint = hashlib.sha256(json.dumps(self._description()).encode() + self._weights).hexdigest()
        self.device = pick_device()
        self.dim = sum(int(state[f"{position}.projection"].shape[1]) for position in range(len(self.branches)))
        self._parts: list[_Part] | None = None

    def contents(self, items: pd.DataFrame) -> list[str | None]:
        return images_of(items)

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        """(n, dim) float32; present where an item has a picture."""
        return encode_contents_of(self, items, workspace)

    def encode_contents(
        self, contents: Sequence[str], workspace: Workspace, progress: Callable[[int], None] = lambda done: None
    ) -> np.ndarray:
        """(len(contents), dim) float32 of stored pictures, by content hash."""
        vectors = np.empty((len(contents), self.dim), dtype=np.float32)
        for rows, pixels in pixels_in_batches(workspace, contents, self.size, self.batch_size, progress):
            vectors[rows] = self.encode_pixels(pixels)
        return vectors

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """(n, dim) float32 from (n, size, size, 3) uint8."""
        parts = self.parts()
        with torch.inference_mode():
            batch = normalised(torch.from_numpy(pixels).to(self.device), self.backbone.mean, self.backbone.deviation)
            blocks = [(part.network(batch) - part.mean) @ part.projection for part in parts]
            return np.asarray(torch.cat(blocks, dim=1).cpu().numpy())

    def parts(self) -> list[_Part]:
        """The networks, made once; `ReleaseError` where the weights do not fit the timm that is installed."""
        with first_use:
            if self._parts is None:
                try:
                    state = load(self._weights)
                    self._parts = [self._part(position, state) for position in range(len(self.branches))]
                except (KeyError, RuntimeError, TypeError, ValueError) as exc:
                    raise ReleaseError(
                        f"The picture networks ({self.backbone.architecture}) cannot be made ({exc}). "
                        "Install the requirements again, or train again."
                    ) from exc
            return self._parts

    def _part(self, position: int, state: Mapping[str, Tensor]) -> _Part:
        return _Part(
            _network_with(self.backbone, state, f"{position}.network.").to(self.device),
            state[f"{position}.mean"].to(self.device),
            state[f"{position}.projection"].to(self.device),
        )

    def save(self, directory: Path) -> None:
        atomic_write(directory / WEIGHTS, self._weights)
        atomic_write_json(directory / DESCRIPTION, self._description())

    def _description(self) -> dict[str, Any]:
        return {
            "kind": "classifiers",
            "architecture": self.backbone.architecture,
            "arguments": self.backbone.arguments,
            "mean": list(self.backbone.mean),
            "deviation": list(self.backbone.deviation),
            "size": self.size,
            "batch_size": self.batch_size,
            "branches": [asdict(branch) for branch in self.branches],
        }


@dataclass(frozen=True)
class _Part:
    network: nn.Module
    mean: Tensor
    projection: Tensor


def fit_image_encoder(
    items: pd.DataFrame,
    attribute_kinds: Mapping[str, str],
    workspace: Workspace,
    settings: ImageSettings,
    seed: int,
    progress: Callable[[float, str], None] = lambda done, message: None,
) -> Encoder | None:
    """The configured encoder; None where pictures are switched off, there are none, or nothing can be learned from them.

    Classifiers that were trained before on the same pictures, values, settings and seed are taken from the workspace.
    `progress` hears the share done and what is going on; the last call says what came of it.
    """
    pictures = [row for row, image in enumerate(images_of(items)) if image is not None]
    if settings.kind == "none" or not pictures:
        return None
    if settings.kind == "open_clip":
        return fit_clip_encoder(settings)
    backbone = create_backbone(settings)
    size = settings.size or SIDE[backbone.pretrained]
    most = max(1, MAX_TRAINING_BYTES // (size**2 * 3))
    if len(pictures) > most:
        pictures = sorted(np.random.default_rng(seed).choice(pictures, most, replace=False).tolist())
    shown = items.iloc[pictures]
    candidates = candidate_labels(shown, attribute_kinds) if settings.epochs else []
    if not candidates and not backbone.pretrained:
        progress(1.0, "left out: no attribute to learn pictures by, and no pretrained weights (image.weights)")
        return None
    images = [image for image in images_of(shown) if image is not None]
    folder = workspace.features / "classifiers" / _request(images, candidates, settings, seed)
    encoder = _fitted_before(folder)
    if encoder is None:
        progress(0.0, f"loading {len(images):,} pictures")
        pixels = read_pixels(workspace, images, size)
        encoder, vectors = _fit(backbone, pixels, candidates, settings, seed, progress)
        remember(encoder, images, vectors, workspace)
        _keep(encoder, folder)
    progress(1.0, _summary(encoder.branches))
    return encoder


def load_image_encoder(directory: Path) -> Encoder:
    """Read what `save` wrote; `ReleaseError` where a file is missing or damaged."""
    if (directory / CLIP_FILE).is_file():
        return load_clip_encoder(directory)
    try:
        return _load(directory)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as exc:
        raise ReleaseError(
            f"The picture networks in {directory} cannot be read ({exc}). Train again, or roll back to an older release."
        ) from exc


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
    with seeded(seed):
        rows = np.sort(np.random.default_rng(seed).permutation(len(pixels))[:PROBE_PICTURES])
        probe = _probe_features(backbone, pixels[rows], settings.batch_size)
    chosen = most_visible(candidates, rows, probe, settings.attributes, seed)
    trained = train_classifiers(backbone, pixels, chosen, settings, seed, progress)
    # One that does no better than chance adds noise; of several bad ones the best is kept.
    useful = [c for c in trained if c.accuracy > c.majority] or [max(trained, key=lambda c: c.accuracy - c.majority)]
    branches = [(Branch(c.name, c.classes, c.accuracy, c.majority), c.network, c.activations) for c in useful]
    return _assemble(backbone, branches, pixels.shape[1], settings.batch_size)


def _assemble(
    backbone: Backbone, branches: Sequence[tuple[Branch, nn.Module, np.ndarray]], size: int, batch_size: int
) -> tuple[ClassifierEncoder, np.ndarray]:
    """Centre each network's activations over the catalogue and scale them to a mean square length of one in all."""
    state: dict[str, Tensor] = {}
    vectors = []
    for position, (_, network, activations) in enumerate(branches):
        mean = activations.mean(0, dtype=np.float64).astype(np.float32)
        centred = activations - mean
        directions = np.eye(centred.shape[1], dtype=np.float32)
        if centred.shape[1] > MAX_BRANCH_DIM:
            directions = np.linalg.eigh(centred.T @ centred)[1][:, : -MAX_BRANCH_DIM - 1 : -1]
        length = math.sqrt(float(np.square(centred @ directions).sum(1).mean()) * len(branches))
        projection = np.ascontiguousarray(directions / max(length, 1e-12), dtype=np.float32)
        state |= {f"{position}.network.{name}": tensor for name, tensor in network.state_dict().items()}
        state |= {f"{position}.mean": torch.from_numpy(mean), f"{position}.projection": torch.from_numpy(projection)}
        vectors.append(centred @ projection)
    learned = [branch for branch, _, _ in branches]
    encoder = ClassifierEncoder(backbone, learned, state, size, batch_size)
    return encoder, np.concatenate(vectors, axis=1)


def _probe_features(backbone: Backbone, pixels: np.ndarray, batch_size: int) -> np.ndarray:
    """What is visible at a glance: the picture at 8 x 8, and the activations of the untrained (or pretrained) backbone."""
    step = pixels.shape[1] // PROBE_SIDE
    cropped = pixels[:, : step * PROBE_SIDE, : step * PROBE_SIDE]
    small = cropped.reshape(len(pixels), PROBE_SIDE, step, PROBE_SIDE, step, 3).mean((2, 4)).reshape(len(pixels), -1)
    network = backbone.network().to(pick_device())
    return np.hstack([small / 255, activations_of(network, backbone, _on_device(pixels), batch_size)])


def _on_device(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels).to(pick_device())


def _request(images: Sequence[str], candidates: Sequence[Labels], settings: ImageSettings, seed: int) -> str:
    """What a training of classifiers depends on, as a folder name."""
    digest = hashlib.sha256(f"{settings.model_dump_json()}/{seed}/{torch.__version__}".encode())
    if settings.weights is not None:
        digest.update(file_sha256(settings.weights).encode())
    digest.update("".join(images).encode())
    for labels in candidates:
        digest.update(json.dumps([labels.name, labels.classes]).encode() + labels.targets.tobytes())
    return digest.hexdigest()[:32]


def _fitted_before(folder: Path) -> ClassifierEncoder | None:
    try:
        encoder = _load(folder)
        encoder.parts()  # those of another timm may not fit any more
        return encoder
    except (LongtailError, OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError):
        return None


def _keep(encoder: ClassifierEncoder, folder: Path) -> None:
    """Keep a trained encoder for the next training, and only the latest few."""
    shutil.rmtree(folder, ignore_errors=True)
    with atomic_directory(folder) as directory:
        encoder.save(directory)
    kept = sorted(folder.parent.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in kept[FITTED_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _load(directory: Path) -> ClassifierEncoder:
    values = json.loads((directory / DESCRIPTION).read_text("utf-8"))
    backbone = Backbone(values["architecture"], tuple(values["mean"]), tuple(values["deviation"]), values["arguments"])
    branches = [Branch(**{**branch, "classes": tuple(branch["classes"])}) for branch in values["branches"]]
    return ClassifierEncoder(backbone, branches, load_file(directory / WEIGHTS), values["size"], values["batch_size"])


def _network_with(backbone: Backbone, state: Mapping[str, Tensor], prefix: str) -> nn.Module:
    network = backbone.network()
    network.load_state_dict({name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)})
    return network.eval()


def _summary(branches: Sequence[Branch]) -> str:
    learned = [f"{b.name} {b.accuracy:.0%}" for b in branches if b.name is not None and b.accuracy is not None]
    return "right on pictures held back: " + ", ".join(learned) if learned else "pretrained network as it is"
