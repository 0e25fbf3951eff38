"""The picture classifiers as an encoder: their activations, put together as one vector per picture."""

from __future__ import annotations

import hashlib
import json
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

from engine.core.errors import ReleaseError
from engine.core.storage import atomic_write, atomic_write_json
from engine.core.workspace import Workspace
from engine.models.devices import pick_device
from engine.models.encoders.backbone import Backbone, normalised, pixels_in_batches
from engine.models.encoders.base import Features, encode_contents_of, first_use, images_of

__all__ = ["Branch", "ClassifierEncoder", "load_classifier_encoder"]

DESCRIPTION, WEIGHTS = "image.json", "image.safetensors"


@dataclass(frozen=True)
class Branch:
    """One network's part of the vector; `name` is the attribute it learned, None for an untrained backbone."""

    name: str | None
    classes: tuple[str, ...] = ()
    accuracy: float | None = None
    majority: float | None = None


class ClassifierEncoder:
    """Concatenated activations of several networks, which are built when the first picture comes: importing timm takes over a
    second, and a product without a picture does not need it.

    Parameters
    ----------
    backbone : of each network; its starting weights are not used.
    branches : the networks' parts.
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
        """(n, dim) float32; present if an item has a picture."""
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
        """The networks, built once; `ReleaseError` if the weights do not fit the installed timm."""
        with first_use:
            if self._parts is None:
                try:
                    state = load(self._weights)
                    self._parts = [self._part(position, state) for position in range(len(self.branches))]
                except (KeyError, RuntimeError, TypeError, ValueError) as exc:
                    raise ReleaseError(
                        f"The picture networks ({self.backbone.architecture}) cannot be built ({exc}). "
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


def load_classifier_encoder(directory: Path) -> ClassifierEncoder:
    """Read what `save` wrote; `ReleaseError` if a file is missing or damaged."""
    try:
        values = json.loads((directory / DESCRIPTION).read_text("utf-8"))
        backbone = Backbone(
            values["architecture"], tuple(values["mean"]), tuple(values["deviation"]), values["arguments"]
        )
        branches = [Branch(**{**branch, "classes": tuple(branch["classes"])}) for branch in values["branches"]]
        state = load_file(directory / WEIGHTS)
        return ClassifierEncoder(backbone, branches, state, values["size"], values["batch_size"])
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as exc:
        raise ReleaseError(
            f"The picture networks in {directory} cannot be read ({exc}). Train again, or roll back to an older release."
        ) from exc


def _network_with(backbone: Backbone, state: Mapping[str, Tensor], prefix: str) -> nn.Module:
    network = backbone.network()
    network.load_state_dict({name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)})
    return network.eval()
