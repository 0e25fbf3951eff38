"""The predictor's network: a perceptron on content blocks side by side, and its inputs as tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.models.encoders.base import Features
from engine.models.encoders.registry import MODALITIES

__all__ = ["Network", "PredictorConfig", "tensors_of"]


@dataclass(frozen=True)
class PredictorConfig:
    """The shape of the network: `dims` are the widths of the modalities, `hidden` the width of the `layers` hidden layers."""

    dims: dict[str, int]
    factors: int
    hidden: int
    layers: int
    dropout: float
    modality_dropout: float


class Network(nn.Module):
    """A perceptron on the standardised blocks, and on which of them are present.

    Every hidden layer is normalised (Ba, Kiros and Hinton 2016): without, short texts, whose blocks differ little from
    their mean, are learned too slowly.
    """

    def __init__(self, config: PredictorConfig):
        super().__init__()
        self.config = config
        # Always the registry's order, whatever the order in a file: the first layer identifies blocks by position.
        self.dims = {modality: config.dims[modality] for modality in MODALITIES if modality in config.dims}
        self.means = nn.ParameterDict({m: nn.Parameter(torch.zeros(d), False) for m, d in self.dims.items()})
        self.scales = nn.ParameterDict({m: nn.Parameter(torch.ones(()), False) for m in self.dims})
        self.absent = nn.ParameterDict({m: nn.Parameter(torch.zeros(d)) for m, d in self.dims.items()})
        self.target_scale = nn.Parameter(torch.ones(()), False)
        width = sum(self.dims.values()) + len(self.dims)
        layers: list[nn.Module] = []
        # Without weights of its own: torch sums their gradients in an order that depends on the number of threads.
        normal = nn.LayerNorm(config.hidden, elementwise_affine=False)
        for _ in range(config.layers):
            layers += [nn.Linear(width, config.hidden), normal, nn.GELU(), nn.Dropout(config.dropout)]
            width = config.hidden
        self.body = nn.Sequential(*layers, nn.Linear(width, config.factors))

    def forward(self, values: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        """(n, factors) in units of `target_scale`, from (n, dim) and (n,) bool of each modality."""
        if self.training:
            present = self._hide(present)
        blocks, flags = [], []
        for modality in self.dims:
            flag = present[modality].unsqueeze(1)
            standard = (values[modality] - self.means[modality]) / self.scales[modality]
            blocks.append(torch.where(flag, standard, self.absent[modality]))
            flags.append(flag.to(standard.dtype))
        return self.body(torch.cat([*blocks, *flags], dim=1))  # type: ignore[no-any-return]

    def _hide(self, present: dict[str, Tensor]) -> dict[str, Tensor]:
        """Hide each modality of each item with the configured chance, but never its only one."""
        flags = torch.stack([present[modality] for modality in self.dims])
        shown = flags & (torch.rand(flags.shape, device=flags.device) >= self.config.modality_dropout)
        shown = torch.where(shown.any(0), shown, flags)
        return dict(zip(self.dims, shown, strict=True))


def tensors_of(
    features: Mapping[str, Features], rows: np.ndarray, dims: Mapping[str, int], device: torch.device
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Values (n, dim) float32 and presence (n,) bool of each modality in `dims`, for n rows; absent where `features` lacks it."""
    values, present = {}, {}
    for modality, dim in dims.items():
        if modality in features:
            block = features[modality].take(rows)
        else:
            block = Features(np.zeros((len(rows), dim), np.float32), np.zeros(len(rows), bool))
        values[modality] = torch.from_numpy(np.ascontiguousarray(block.values, dtype=np.float32)).to(device)
        present[modality] = torch.from_numpy(block.present).to(device)
    return values, present
