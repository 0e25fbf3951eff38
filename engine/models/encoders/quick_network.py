"""A picture network in steps that the processor does at once, most of them in bfloat16: faster, with nearly the same neighbours.

A convolution, its norm and its activation are one call of oneDNN, with weights in the order it wants. What the first layers make of a
picture stays in float32, because bfloat16 loses most neighbours there, and so does
the tail, which classifiers tune. On a device without these calls the same steps are made one by one.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.models.encoders.folding import fold_norms

__all__ = ["FewAtOnce", "FusedConvolution", "fused", "quick_trunk"]

FEW = 8
"""Pictures in a trunk at once: what its first layers make of more does not stay in a processor's cache. The tail, which has most weights,
is faster with more."""


def quick_trunk(trunk: nn.Module, exact: int) -> nn.Module:
    """A copy of a trunk to look with, not to learn: it takes and gives float32, and calculates in it in its first `exact` layers."""
    layers = list(trunk.children())
    first, others = (nn.Sequential(*part) for part in (layers[:exact], layers[exact:]))
    return FewAtOnce(fused(first), _Converted(torch.bfloat16), fused(others, torch.bfloat16), _Converted(torch.float32))


def fused(network: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A copy in eval mode whose convolutions bring their norms and ReLU6 along, and calculate in `dtype`."""
    network = copy.deepcopy(network).eval()
    fold_norms(network)
    for module in list(network.modules()):
        for (name, child), (after, activation) in pairwise([*module.named_children(), ("", None)]):
            if isinstance(child, nn.Conv2d):
                bounded = isinstance(activation, nn.ReLU6)
                setattr(module, name, FusedConvolution(child, dtype, bounded=bounded))
                if bounded:
                    setattr(module, after, nn.Identity())
    return network.to(dtype)


class FewAtOnce(nn.Sequential):
    """Modules one after the other, for `FEW` of the batch at a time."""

    def forward(self, batch: Tensor) -> Tensor:
        return torch.cat([super(FewAtOnce, self).forward(few) for few in batch.split(FEW)])


class _Converted(nn.Module):
    def __init__(self, dtype: torch.dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, batch: Tensor) -> Tensor:
        return batch.to(self.dtype)


class FusedConvolution(nn.Module):
    """A convolution, then ReLU6 where it is `bounded`; padded as the original is, evenly or as TensorFlow does."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, original: nn.Conv2d, dtype: torch.dtype, *, bounded: bool):
        super().__init__()
        self.register_buffer("weight", original.weight.detach().to(dtype))
        self.register_buffer("bias", None if original.bias is None else original.bias.detach().to(dtype))
        self.same = type(original).__name__ == "Conv2dSame"  # timm's
        self.padding = [0, 0] if self.same else _pair(original.padding)
        self.stride, self.dilation, self.groups = _pair(original.stride), _pair(original.dilation), original.groups
        self.bounded = bounded
        self._packed: dict[tuple[int, ...], Tensor] = {}

    def forward(self, batch: Tensor) -> Tensor:
        batch, padding = self._padded(batch)
        if not _has_fused_calls(batch):
            made = F.conv2d(batch, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
            return F.relu6(made) if self.bounded else made
        how = (padding, self.stride, self.dilation, self.groups)
        place = (*batch.shape[2:], *padding)
        if place not in self._packed:
            self._packed[place] = torch.ops.mkldnn._reorder_convolution_weight(self.weight, *how, list(batch.shape))
        bounds = ("hardtanh", [0.0, 6.0], "") if self.bounded else ("none", [], "")
        made = torch.ops.mkldnn._convolution_pointwise(batch, self._packed[place], self.bias, *how, *bounds)
        assert isinstance(made, Tensor)
        return made

    def _padded(self, batch: Tensor) -> tuple[Tensor, list[int]]:
        """The batch, padded where its sides need different amounts, and what the convolution adds on both sides."""
        if not self.same:
            return batch, self.padding
        high, wide = (
            max((math.ceil(side / step) - 1) * step + (kernel - 1) * gap + 1 - side, 0)
            for side, step, kernel, gap in zip(
                batch.shape[2:],
                self.stride,
                self.weight.shape[2:],
                self.dilation,
                strict=True,
            )
        )
        if high % 2 or wide % 2:
            return F.pad(batch, [wide // 2, wide - wide // 2, high // 2, high - high // 2]), [0, 0]
        return batch, [high // 2, wide // 2]


def _has_fused_calls(batch: Tensor) -> bool:
    if not (batch.is_cpu and torch.backends.mkldnn.is_available()):
        return False
    return batch.dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _pair(value: int | str | Sequence[int]) -> list[int]:
    assert not isinstance(value, str)
    return [value, value] if isinstance(value, int) else list(value)
