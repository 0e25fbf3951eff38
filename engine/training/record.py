"""What a release says about how it came about: training.json, the headline of its figures, and notes for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from engine.arms.plan import TrainingPlan
from engine.catalogue.interactions import Interactions
from engine.catalogue.snapshot import Shop
from engine.core.settings import Settings
from engine.models.als import AlsFactors
from engine.models.encoders import MODALITIES, Encoder, Features
from engine.models.predictor import TrainedPredictor

__all__ = ["headline", "notes", "recorded_settings", "training_record"]


def headline(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What lists of releases show: surprise NDCG@10 of every arm, pooled."""
    arms = metrics.get("thinning", {})
    return {"surprise_ndcg": {arm: levels["pooled"]["ndcg"] for arm, levels in arms.items()}}


def notes(
    shop: Shop,
    interactions: Interactions,
    features: Mapping[str, Features],
    metrics: Mapping[str, Any],
    plan: TrainingPlan,
) -> list[str]:
    """What this shop lacks, in a merchandiser's words."""
    said = [
        f"No product has {modality.example} to learn from: neighbours do without."
        for name, modality in MODALITIES.items()
        if name not in features
    ]
    nothing = ~np.any([block.present for block in features.values()], axis=0)
    if nothing.any():
        said.append(f"{int(nothing.sum()):,} products have neither text, picture nor attributes.")
    untouched = int((interactions.counts == 0).sum())
    if untouched:
        said.append(f"{untouched:,} of {len(shop.items):,} products have no {shop.interaction_word} yet.")
    said += dict.fromkeys(problem for problem in (plan.problem, metrics.get("problem")) if problem)
    return said


def training_record(
    behaviour: AlsFactors,
    predictor: TrainedPredictor,
    encoders: Mapping[str, Encoder],
    plan: TrainingPlan,
    settings: Settings,
    notes: list[str],
) -> dict[str, Any]:
    """training.json: how the models came about; nothing in it may differ between equal runs."""
    return {
        "als_losses": behaviour.losses,
        "predictor": {
            "curves": [asdict(loss) for loss in predictor.curves],
            "best_epoch": predictor.best_epoch,
            "min_interactions": predictor.min_interactions,
        },
        "encoders": {
            modality: {"dim": encoder.dim, "fingerprint": encoder.fingerprint} for modality, encoder in encoders.items()
        },
        "plan": plan.to_dict(),
        "settings": recorded_settings(settings),
        "notes": notes,
    }


def recorded_settings(settings: Settings) -> dict[str, Any]:
    """Settings without the database's URL, which may hold a password and changes nothing in a release."""
    return settings.model_dump(mode="json", exclude={"database_url"})
