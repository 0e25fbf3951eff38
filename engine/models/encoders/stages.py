"""A picture network in two: a trunk that stays as it is, and a tail that classifiers may tune.

What the trunk makes of a picture is computed once, so tuning costs a small part of what tuning the whole network costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from engine.models.encoders.backbone import Backbone
from engine.models.encoders.folding import fold_norms

__all__ = ["Stages", "stages_of"]

TUNED_BLOCKS = 2
"""Of an EfficientNet's seven stages. On the garment photos one is worth 2 points of 7-nn accuracy, two are worth 5."""
EXACT_LAYERS = 3
"""Of an EfficientNet: the stem, its activation and the first stage."""


@dataclass(frozen=True)
class Stages:
    """`tail(trunk(batch))` is what the network gives: (n, width) float32.

    `exact` is how many layers of the trunk need float32 where the others are calculated in bfloat16; None where all do.
    """

    trunk: nn.Module
    tail: nn.Module
    exact: int | None = None


def stages_of(backbone: Backbone, *, whole: bool) -> Stages:
    """A new network with the backbone's starting weights, in eval mode.

    With `whole`, all of it is the tail, which suits random weights. Otherwise EfficientNets and ResNets (ResNeXts as well) are
    cut before their last stages; other networks are all trunk.
    """
    network = backbone.network().eval()
    if whole:
        return Stages(nn.Identity(), network)
    if all(hasattr(network, name) for name in ("conv_stem", "bn1", "blocks", "conv_head", "bn2", "global_pool")):
        blocks = list(network.blocks)  # type: ignore[arg-type]
        trunk = nn.Sequential(network.conv_stem, network.bn1, *blocks[:-TUNED_BLOCKS])  # type: ignore[arg-type]
        tail = nn.Sequential(*blocks[-TUNED_BLOCKS:], network.conv_head, network.bn2, network.global_pool)  # type: ignore[arg-type]
        fold_norms(trunk)
        # This order of bytes is the faster one for small convolutions.
        for part in (trunk, tail):
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Stages(trunk, tail, EXACT_LAYERS)
    if all(hasattr(network, name) for name in ("conv1", "bn1", "act1", "maxpool", "layer4", "global_pool")):
        names = ("conv1", "bn1", "act1", "maxpool", "layer1", "layer2", "layer3")
        trunk = nn.Sequential(*(getattr(network, name) for name in names))
        return Stages(trunk, nn.Sequential(network.layer4, network.global_pool))  # type: ignore[arg-type]
    return Stages(network, nn.Identity())
