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
from engine.models.encoders.backbone import Backbone, normalised, read_in_parallel
from engine.models.encoders.base import Features, encode_contents_of, first_use, images_of
from engine.models.encoders.classifiers import hidden_layer
from engine.models.encoders.quick_pictures import tail_to_look_with, trunk_to_look_with
from engine.models.encoders.stages import stages_of

__all__ = ["Branch", "ClassifierEncoder", "load_classifier_encoder"]

DESCRIPTION, WEIGHTS = "image.json", "image.safetensors"


@dataclass(frozen=True)
class Branch:
    """One part of the vector; `name` is the attribute it learned, None for the network as it came."""

    name: str | None
    classes: tuple[str, ...] = ()
    accuracy: float | None = None
    majority: float | None = None


class ClassifierEncoder:
    """What several classifiers and the network they share make of a picture, side by side. The network is built when the
    first picture comes: importing timm takes over a second, and a product without a picture does not need it.

    Parameters
    ----------
    backbone : of the network; its starting weights are not used.
    branches : the parts of the vector.
    state : tensors "trunk.*"; "plain.*", the tail as it came, and "tuned.*", the tuned one, where they are used; "centre"
        (width,) and "scale" () of pooled features; of branch 0 "0.hidden.*" where it learned an attribute, "0.mean" and
        "0.projection" (width, dim), and so on.
    pretrained : whether the network came with weights, and so has a trunk.
    remark : a sentence for people about how pictures are read.
    precision : "float32", or "bfloat16" or "openvino" for a quick network (`quick_pictures`), on whichever machine.
    """

    modality = "image"
    reader = "classifiers"

    def __init__(
        self,
        backbone: Backbone,
        branches: Sequence[Branch],
        state: dict[str, Tensor],
        size: int,
        batch_size: int,
        *,
        pretrained: bool,
        remark: str,
        precision: str = "float32",
    ):
        self.backbone, self.branches = backbone, tuple(branches)
        self.precision = precision
        self.size, self.batch_size = size, batch_size
        self.pretrained, self.remark = pretrained, remark
        self._weights = save({name: state[name].cpu().contiguous() for name in sorted(state)})
        self.fingerprint = hashlib.sha256(json.dumps(self._description()).encode() + self._weights).hexdigest()
        self.device = pick_device()
        self.widths = [int(state[f"{position}.projection"].shape[1]) for position in range(len(self.branches))]
        self.dim = sum(self.widths)
        self._network: _Network | None = None

    def __getstate__(self) -> dict[str, object]:
        """Whoever gets a copy builds the network there."""
        return self.__dict__ | {"_network": None}

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
        self.network()

        def read(rows: slice, pixels: np.ndarray) -> None:
            vectors[rows] = self.encode_pixels(pixels)

        read_in_parallel(workspace, contents, self.size, self.batch_size, read, progress)
        return vectors

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """(n, dim) float32 from (n, size, size, 3) uint8."""
        network = self.network()
        with torch.inference_mode():
            batch = normalised(torch.from_numpy(pixels).to(self.device), self.backbone.mean, self.backbone.deviation)
            return np.asarray(network(batch).cpu().numpy())

    def encode_middle(self, middle: Tensor) -> np.ndarray:
        """(n, dim) float32 of what the trunk made of n pictures."""
        network = self.network()
        with torch.inference_mode():
            parts = [network.after(few.to(self.device)).cpu().numpy() for few in middle.split(self.batch_size)]
        return np.concatenate(parts)

    def network(self) -> _Network:
        """The network, built once; `ReleaseError` if the weights do not fit the installed timm."""
        with first_use:
            if self._network is None:
                try:
                    self._network = _built(
                        self.backbone, self.branches, load(self._weights), self.pretrained, self.precision
                    )
                    self._network.to(self.device)
                except (KeyError, RuntimeError, TypeError, ValueError) as exc:
                    raise ReleaseError(
                        f"The picture network ({self.backbone.architecture}) cannot be built ({exc}). "
                        "Install the requirements again, or train again."
                    ) from exc
            return self._network

    def save(self, directory: Path) -> None:
        atomic_write(directory / WEIGHTS, self._weights)
        atomic_write_json(directory / DESCRIPTION, self._description())

    def _description(self) -> dict[str, Any]:
        # Said where it is another, so that encoders of float32 keep the name they had before there were others.
        precision = {} if self.precision == "float32" else {"precision": self.precision}
        return {
            "kind": "classifiers",
            "architecture": self.backbone.architecture,
            "arguments": self.backbone.arguments,
            "mean": list(self.backbone.mean),
            "deviation": list(self.backbone.deviation),
            "size": self.size,
            "batch_size": self.batch_size,
            "pretrained": self.pretrained,
            "remark": self.remark,
            "branches": [asdict(branch) for branch in self.branches],
            **precision,
        }


def load_classifier_encoder(directory: Path) -> ClassifierEncoder:
    """Read what `save` wrote; `ReleaseError` if a file is missing or damaged."""
    try:
        values = json.loads((directory / DESCRIPTION).read_text("utf-8"))
        backbone = Backbone(
            values["architecture"], tuple(values["mean"]), tuple(values["deviation"]), values["arguments"]
        )
        branches = [Branch(**{**branch, "classes": tuple(branch["classes"])}) for branch in values["branches"]]
        return ClassifierEncoder(
            backbone,
            branches,
            load_file(directory / WEIGHTS),
            values["size"],
            values["batch_size"],
            pretrained=values["pretrained"],
            remark=values["remark"],
            precision=values.get("precision", "float32"),
        )
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as exc:
        raise ReleaseError(
            f"The picture network in {directory} cannot be read ({exc}). Train again, or roll back to an older release."
        ) from exc


class _Network(nn.Module):
    """Pixels to vectors: a trunk, one or two tails, and the branches."""

    def __init__(
        self,
        trunk: nn.Module,
        plain: nn.Module | None,
        tuned: nn.Module | None,
        branches: Sequence[_Part],
        standard: tuple[Tensor, Tensor],
    ):
        super().__init__()
        self.trunk, self.plain, self.tuned = trunk, plain, tuned
        self.parts = nn.ModuleList(branches)
        self.register_buffer("centre", standard[0])
        self.register_buffer("scale", standard[1])

    def forward(self, batch: Tensor) -> Tensor:
        return self.after(self.trunk(batch))

    def after(self, middle: Tensor) -> Tensor:
        """(n, dim) of what the trunk gives."""
        plain = self.plain(middle) if self.plain is not None else None
        tuned = self.tuned(middle) if self.tuned is not None else plain
        assert tuned is not None
        standard = (tuned - self.centre) / self.scale
        return torch.cat([part(plain, standard) for part in self.parts], dim=1)


class _Part(nn.Module):
    """One branch: its hidden layer, or the plain features where it has none, centred and projected."""

    def __init__(self, hidden: nn.Module | None, mean: Tensor, projection: Tensor):
        super().__init__()
        self.hidden = hidden
        self.register_buffer("mean", mean)
        self.register_buffer("projection", projection)

    def forward(self, plain: Tensor | None, standard: Tensor) -> Tensor:
        features = plain if self.hidden is None else self.hidden(standard)
        return (features - self.mean) @ self.projection  # type: ignore[operator]


def _built(
    backbone: Backbone, branches: Sequence[Branch], state: Mapping[str, Tensor], pretrained: bool, precision: str
) -> _Network:
    shape = stages_of(backbone, whole=not pretrained)
    tails: dict[str, nn.Module | None] = {}
    for name in ("plain", "tuned"):
        weights = _under(state, f"{name}.")
        tails[name] = _loaded(stages_of(backbone, whole=not pretrained).tail, weights) if weights else None
    if pretrained and tails["plain"] is None:
        tails["plain"] = shape.tail  # it has no weights
    parts = []
    for position, branch in enumerate(branches):
        hidden = None
        if branch.name is not None:
            hidden = _loaded(hidden_layer(len(state["centre"])), _under(state, f"{position}.hidden."))
        parts.append(_Part(hidden, state[f"{position}.mean"], state[f"{position}.projection"]))
    trunk = _loaded(shape.trunk, _under(state, "trunk."))
    if precision != "float32" and shape.exact is not None:
        trunk = trunk_to_look_with(trunk, shape.exact, precision)
        tails = {name: None if tail is None else tail_to_look_with(tail, precision) for name, tail in tails.items()}
    return _Network(trunk, tails["plain"], tails["tuned"], parts, (state["centre"], state["scale"])).eval()


def _under(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _loaded(module: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    module.load_state_dict(dict(state))
    return module
