"""From picture classifiers to an encoder: the choice of attributes, the scale of vectors, and reuse of earlier trainings."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from engine.core.errors import LongtailError
from engine.core.settings import ImageSettings
from engine.core.storage import atomic_directory, file_sha256
from engine.core.workspace import Workspace
from engine.models.devices import pick_device, seeded
from engine.models.encoders.backbone import Backbone, create_backbone, normalised, read_in_parallel
from engine.models.encoders.base import LeftOut
from engine.models.encoders.cache import remember
from engine.models.encoders.classifier_encoder import Branch, ClassifierEncoder, load_classifier_encoder
from engine.models.encoders.classifiers import Pictures, Trained, train_classifiers
from engine.models.encoders.on_openvino import OPENVINO
from engine.models.encoders.picture_labels import Labels, most_visible
from engine.models.encoders.quick_pictures import tail_to_look_with, trunk_to_look_with
from engine.models.encoders.stages import stages_of

__all__ = ["fit_classifier_encoder"]

MAX_TRAINING_BYTES = 1_000_000_000
"""Pictures as they enter the tail, in memory for training; larger catalogues are sampled."""
MAX_BRANCH_DIM = 128
"""Wider features are reduced to principal components."""
MAX_REMEMBERED = 3
"""Trained encoders in the workspace; older ones are deleted."""
SIDE = {False: 48, True: 160}
"""Pixels a side, for random and for pretrained weights. At 160 px, 7-nn accuracy on the garment photos is 0.79, at 128 px 0.72,
at 96 px 0.67; on the demo shop, small random networks find as many look-alikes at 48 px as at 64."""
MIN_SKILL = 0.05
"""How far a classifier has to get from always guessing the most frequent value (0) to being always right (1)."""
EPOCHS = {False: 9, True: 2}
PROBE_PICTURES, PROBE_SIDE = 1000, 8


def fit_classifier_encoder(
    items: pd.DataFrame,
    candidates: Sequence[Labels],
    workspace: Workspace,
    settings: ImageSettings,
    seed: int,
    progress: Callable[[float, str], None],
) -> ClassifierEncoder | LeftOut:
    """Train classifiers of the most visible `candidates` on `items`, which all have a picture.

    Classifiers that were trained on the same pictures, values, settings and seed before come from the workspace.
    """
    backbone = create_backbone(settings)
    size = settings.size or SIDE[backbone.pretrained]
    if not backbone.pretrained and settings.epochs == 0:
        candidates = []
    if not candidates and not backbone.pretrained:
        return LeftOut(
            "Pictures are not used: the products have no attribute, text or behaviour to learn them by, and there are no "
            "pretrained weights (image.weights)."
        )
    rows = _sample(len(items), max(1, MAX_TRAINING_BYTES // _bytes_each(backbone, size)), seed)
    images = [str(image) for image in items["image"].iloc[rows]]
    candidates = [Labels(one.name, one.classes, one.targets[rows], one.several) for one in candidates]
    folder = workspace.features / "classifiers" / _request(images, candidates, backbone, settings, seed)
    encoder = _fitted_before(folder)
    if encoder is None:
        encoder, vectors = _Fitting(backbone, size, settings, seed, workspace, progress).fit(images, candidates)
        remember(encoder, images, vectors, workspace)
        _store(encoder, folder)
    progress(1.0, encoder.remark)
    return encoder


def _sample(n: int, most: int, seed: int) -> np.ndarray:
    """At most `most` of n rows, drawn at random, in their order."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _bytes_each(backbone: Backbone, size: int) -> int:
    """What one picture takes in memory as it enters the tail."""
    with torch.inference_mode():
        middle = stages_of(backbone, whole=not backbone.pretrained).trunk(torch.zeros(1, 3, size, size))
    return int(middle.numel() * middle.element_size())


class _Fitting:
    """One training: the network with its starting weights, and the settings."""

    def __init__(
        self,
        backbone: Backbone,
        size: int,
        settings: ImageSettings,
        seed: int,
        workspace: Workspace,
        progress: Callable[[float, str], None],
    ):
        self.backbone, self.size, self.settings, self.seed = backbone, size, settings, seed
        self.workspace, self.progress = workspace, progress
        self.epochs = EPOCHS[backbone.pretrained] if settings.epochs is None else settings.epochs
        device = pick_device()
        with seeded(seed):
            self.stages = stages_of(backbone, whole=not backbone.pretrained)
        self.stages.trunk.to(device)
        self.stages.tail.to(device)
        self.precision = "float32" if self.stages.exact is None else settings.precision
        self.looking = (self.stages.trunk, self.stages.tail)
        if self.precision != "float32" and self.stages.exact is not None:
            self.looking = (
                trunk_to_look_with(self.stages.trunk, self.stages.exact, self.precision),
                tail_to_look_with(self.stages.tail, self.precision),
            )

    def fit(self, images: Sequence[str], candidates: Sequence[Labels]) -> tuple[ClassifierEncoder, np.ndarray]:
        """The encoder and its vectors (n, dim) float32 of the pictures it was trained on."""
        pictures, small = self._looked_at(images)
        plain = pictures.pooled.cpu().numpy()
        branches: list[tuple[Branch, np.ndarray]] = []
        state = {f"trunk.{name}": tensor for name, tensor in self.stages.trunk.state_dict().items()}
        state |= {"centre": torch.zeros(plain.shape[1]), "scale": torch.ones(())}
        if candidates:
            chosen = self._most_visible(candidates, plain, small)
            trained = train_classifiers(
                self.stages,
                pictures,
                chosen,
                self.epochs,
                self.settings.batch_size,
                self.seed,
                lambda done, detail: self.progress(0.5 + done / 2, detail),
                pretrained=self.backbone.pretrained,
            )
            learned, tensors = _useful(chosen, trained, at_least=0 if self.backbone.pretrained else 1)
            branches += learned
            state |= tensors
        if self.backbone.pretrained:
            branches.append((Branch(None), plain))
            state |= {f"plain.{name}": tensor for name, tensor in self.stages.tail.state_dict().items()}
        encoder, vectors = self._assemble(branches, state)
        # Classifiers learn in float32; where their tail is looked with in less, so are these pictures.
        return encoder, encoder.encode_middle(pictures.middle) if self.precision == OPENVINO else vectors

    def _looked_at(self, images: Sequence[str]) -> tuple[Pictures, np.ndarray]:
        """What the network makes of the pictures, and the pictures themselves at 8 x 8 pixels, (n, 192) float32 in [0, 1]."""
        middle: dict[int, Tensor] = {}
        pooled: dict[int, Tensor] = {}
        small = np.empty((len(images), PROBE_SIDE**2 * 3), dtype=np.float32)
        device, total, (trunk, tail) = pick_device(), len(images), self.looking

        def read(rows: slice, pixels: np.ndarray) -> None:
            small[rows] = _tiny(pixels)
            with torch.inference_mode():
                batch = normalised(torch.from_numpy(pixels).to(device), self.backbone.mean, self.backbone.deviation)
                middle[rows.start] = trunk(batch)
                pooled[rows.start] = tail(middle[rows.start]).float()

        def done(count: int) -> None:
            self.progress(count / total / 2, f"{count:,} of {total:,} pictures")

        read_in_parallel(self.workspace, images, self.size, self.settings.batch_size, read, done)
        # Cloned, because tensors made for inference cannot be learned from.
        joined = [torch.cat([parts[start] for start in sorted(parts)]).clone() for parts in (middle, pooled)]
        return Pictures(*joined), small

    def _most_visible(self, candidates: Sequence[Labels], plain: np.ndarray, small: np.ndarray) -> list[Labels]:
        """The attributes that pictures show best, by cheap features of some of them."""
        rows = np.sort(np.random.default_rng(self.seed).permutation(len(plain))[:PROBE_PICTURES])
        probe = np.hstack([small[rows], plain[rows]])
        return most_visible(candidates, rows, probe, self.settings.attributes, self.seed)

    def _assemble(
        self, branches: Sequence[tuple[Branch, np.ndarray]], state: dict[str, Tensor]
    ) -> tuple[ClassifierEncoder, np.ndarray]:
        """The encoder of these branches and their features (n, width), and its vectors (n, dim) float32."""
        vectors = []
        for position, (_, features) in enumerate(branches):
            mean, projection, projected = _projected(features, len(branches))
            state |= {
                f"{position}.mean": torch.from_numpy(mean),
                f"{position}.projection": torch.from_numpy(projection),
            }
            vectors.append(projected)
        learned = [branch for branch, _ in branches]
        encoder = ClassifierEncoder(
            self.backbone,
            learned,
            state,
            self.size,
            self.settings.batch_size,
            pretrained=self.backbone.pretrained,
            remark=_remark(learned, self.backbone),
            precision=self.precision,
        )
        return encoder, np.concatenate(vectors, axis=1)


def _useful(
    chosen: Sequence[Labels], trained: Trained, at_least: int
) -> tuple[list[tuple[Branch, np.ndarray]], dict[str, Tensor]]:
    """Branches with their activations, and the tensors of the classifiers and the tuned tail.

    A classifier that hardly beats always guessing the same only adds noise; of several such ones, the best `at_least` are used.
    """
    skills = [
        (accuracy - labels.majority) / max(1 - labels.majority, 1e-6)
        for labels, accuracy in zip(chosen, trained.accuracy, strict=True)
    ]
    order = sorted(range(len(skills)), key=lambda position: -skills[position])
    kept = [position for place, position in enumerate(order) if skills[position] >= MIN_SKILL or place < at_least]
    if not kept:
        return [], {}
    branches = []
    state = {"centre": trained.centre, "scale": trained.scale}
    for place, position in enumerate(kept):
        labels = chosen[position]
        branch = Branch(labels.name, labels.classes, trained.accuracy[position], labels.majority)
        branches.append((branch, trained.activations[position]))
        hidden = trained.hidden[position].state_dict()
        state |= {f"{place}.hidden.{name}": tensor for name, tensor in hidden.items()}
    if trained.tail is not None:
        state |= {f"tuned.{name}": tensor for name, tensor in trained.tail.state_dict().items()}
    return branches, state


def _tiny(pixels: np.ndarray) -> np.ndarray:
    """(n, 192) float32 in [0, 1]: pictures (n, size, size, 3) uint8 at 8 x 8 pixels."""
    step = pixels.shape[1] // PROBE_SIDE
    cropped = pixels[:, : step * PROBE_SIDE, : step * PROBE_SIDE]
    small = cropped.reshape(len(pixels), PROBE_SIDE, step, PROBE_SIDE, step, 3).mean((2, 4)).reshape(len(pixels), -1)
    return np.asarray(small / 255, dtype=np.float32)


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


def _request(
    images: Sequence[str], candidates: Sequence[Labels], backbone: Backbone, settings: ImageSettings, seed: int
) -> str:
    """A folder name for everything that a training of classifiers depends on."""
    digest = hashlib.sha256(f"{settings.model_dump_json()}/{seed}/{torch.__version__}".encode())
    digest.update(f"{backbone.architecture}/{backbone.pretrained}".encode())
    if settings.weights is not None:
        digest.update(file_sha256(settings.weights).encode())
    digest.update("".join(images).encode())
    for labels in candidates:
        digest.update(json.dumps([labels.name, labels.classes, labels.several]).encode() + labels.targets.tobytes())
    return digest.hexdigest()[:32]


def _fitted_before(folder: Path) -> ClassifierEncoder | None:
    try:
        encoder = load_classifier_encoder(folder)
        encoder.network()  # those of another version of timm may not fit
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


def _remark(branches: Sequence[Branch], backbone: Backbone) -> str:
    """How pictures are read, in a sentence or two."""
    learned = [f"{b.name} {b.accuracy:.0%}" for b in branches if b.name is not None and b.accuracy is not None]
    said = [] if backbone.remark is None else [backbone.remark]
    if learned:
        said.append(f"What pictures show was recognised on pictures that were set aside: {', '.join(learned)}.")
    else:
        said.append("Pictures are compared by the pretrained network as it is.")
    return " ".join(said)
