"""The network that predicts an item's ALS factors from its content, so that an item nobody has clicked has factors too.

It follows the published recipe (a multilayer perceptron on concatenated content features, mean squared error, early stopping
on held-out items), but learns directions, because factors are compared by cosine; learns from every item, from one with few
interactions as much less as its factors are less certain; and stops when held-out items rank no better. An item may lack a
modality: a learned "absent" vector replaces it, and in training modalities are hidden at random (Volkovs, Yu and Poutanen
2017), so that the network learns to do without them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from engine.core.errors import ReleaseError, TrainingError
from engine.core.settings import PredictorSettings
from engine.core.storage import atomic_write, atomic_write_json
from engine.core.vectors import unit_rows
from engine.models.devices import seeded
from engine.models.encoders.base import Features
from engine.models.encoders.registry import MODALITIES
from engine.models.predictor_fitting import Check, Lesson, fit_network
from engine.models.predictor_network import Network, PredictorConfig, tensors_of

__all__ = ["Check", "PredictorConfig", "TrainedPredictor", "load_predictor", "train_predictor"]

WEIGHTS, DESCRIPTION = "predictor.safetensors", "predictor.json"
MIN_ITEMS = 20
"""Fewer items with interactions are too few to learn from."""
BATCH_FOR_PREDICTION = 8192
WELL_KNOWN, MIN_RANKED = 10, 50
"""Items with so many interactions are held out and ranked, if there are this many of them."""
MAX_HELD_OUT = 300


@dataclass(frozen=True)
class TrainedPredictor:
    """A trained network and the record of its training.

    Attributes
    ----------
    checks : how it did on held-out items, every so many steps; the weights are those of `best_step`.
    """

    network: Network
    checks: list[Check]
    best_step: int

    def predict(self, features: Mapping[str, Features]) -> np.ndarray:
        """(n, factors) float32. Modalities that `features` lacks count as absent; those the network does not know are ignored."""
        n = len(next(iter(features.values())).present)
        device = self.network.target_scale.device
        self.network.eval()
        parts = []
        with torch.inference_mode():
            for start in range(0, n, BATCH_FOR_PREDICTION):
                rows = np.arange(start, min(n, start + BATCH_FOR_PREDICTION))
                values, present = tensors_of(features, rows, self.network.dims, device)
                parts.append((self.network(values, present) * self.network.target_scale).cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros((0, self.network.config.factors), dtype=np.float32)

    def save(self, directory: Path) -> None:
        """Write weights and checks into `directory`, which is created if it does not exist."""
        directory.mkdir(parents=True, exist_ok=True)
        state = {name: tensor.cpu().contiguous() for name, tensor in self.network.state_dict().items()}
        atomic_write(directory / WEIGHTS, save(state))
        description = {
            "config": asdict(self.network.config),
            "checks": [asdict(check) for check in self.checks],
            "best_step": self.best_step,
        }
        atomic_write_json(directory / DESCRIPTION, description)


def load_predictor(directory: Path) -> TrainedPredictor:
    """Read what `TrainedPredictor.save` wrote, onto the CPU; `ReleaseError` if a file is missing or damaged."""
    try:
        description = json.loads((directory / DESCRIPTION).read_text("utf-8"))
        network = Network(PredictorConfig(**description["config"]))
        network.load_state_dict(load_file(directory / WEIGHTS))
        checks = [Check(**check) for check in description["checks"]]
        return TrainedPredictor(network.eval(), checks, description["best_step"])
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as exc:
        raise ReleaseError(
            f"The network in {directory} cannot be read ({exc}). Train again, or roll back to an older release."
        ) from exc


def train_predictor(
    features: Mapping[str, Features],
    item_factors: np.ndarray,
    counts: np.ndarray,
    settings: PredictorSettings,
    seed: int,
    on_check: Callable[[Check], None] | None = None,
) -> TrainedPredictor:
    """Learn to predict the direction of `item_factors` (n_items, f) from content.

    Parameters
    ----------
    features : by modality, n_items rows each.
    item_factors : (n_items, f) float32, the targets.
    counts : (n_items,) interactions of each item; one with n is drawn n / (n + `settings.trust_at`) times as often as one
        with very many.
    seed : of the split, the initial weights, the batches and the dropout.

    Raises `TrainingError` if fewer than 20 items have both interactions and content.
    """
    features = {modality: features[modality] for modality in MODALITIES if modality in features}
    rng = np.random.default_rng(seed)
    targets = unit_rows(item_factors)
    rows = _usable_rows(features, targets, counts)
    well_known = _well_known(rows, counts)
    held_out = min(MAX_HELD_OUT, max(2, round(settings.validation_share * len(well_known))))
    validation = np.sort(rng.choice(well_known, held_out, replace=False))
    training = np.setdiff1d(rows, validation)
    trust = counts[training] / (counts[training] + settings.trust_at)
    lesson = Lesson(features, targets, training, validation, well_known, trust / trust.sum())
    config = PredictorConfig(
        {modality: block.values.shape[1] for modality, block in features.items()},
        item_factors.shape[1],
        settings.hidden,
        settings.layers,
        settings.dropout,
        settings.modality_dropout,
    )
    with seeded(seed):
        network = Network(config)
        checks, best_step = fit_network(network, lesson, settings, rng, on_check)
    return TrainedPredictor(network, checks, best_step)


def _usable_rows(features: Mapping[str, Features], targets: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Items with content, interactions and factors; `TrainingError` where they are too few."""
    described = (
        np.any([block.present for block in features.values()], axis=0) if features else np.zeros(len(counts), bool)
    )
    usable = np.flatnonzero(described & (counts > 0) & targets.any(axis=1))
    if len(usable) < MIN_ITEMS:
        raise TrainingError(
            f"To learn what content says about behaviour, at least {MIN_ITEMS} products need both interactions and content; "
            f"there are {len(usable)}. Load more products or more events."
        )
    return usable


def _well_known(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Those of the rows whose factors can be trusted; the busier half where that would be too few."""
    trusted = rows[counts[rows] >= WELL_KNOWN]
    return np.asarray(trusted if len(trusted) >= MIN_RANKED else rows[counts[rows] >= np.median(counts[rows])])
