"""What people should know of the shop that a release was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.arms.plan import TrainingPlan
from engine.models.encoders import MODALITIES
from engine.training.data import TrainingData

__all__ = ["notes"]


def notes(data: TrainingData, metrics: Mapping[str, Any], plan: TrainingPlan) -> list[str]:
    """What this shop lacks, what is left out and why, and how its pictures are read, in a merchandiser's words."""
    shop, features, counts = data.shop, data.content.features, data.interactions.counts
    said = [data.left_out[name] for name in MODALITIES if name in data.left_out]
    said += [remark for encoder in data.encoders.values() if (remark := getattr(encoder, "remark", None))]
    nothing = ~np.any([block.present for block in features.values()], axis=0)
    if nothing.any():
        said.append(f"{int(nothing.sum()):,} products have no text, picture or attributes.")
    untouched = int((counts == 0).sum())
    if untouched:
        said.append(f"{untouched:,} of {len(shop.items):,} products have no {shop.interaction_word} yet.")
    said += dict.fromkeys(problem for problem in (plan.problem, metrics.get("problem")) if problem)
    return said
