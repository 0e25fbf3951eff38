"""The network that predicts an item's ALS factors from its content, so that an item nobody has clicked has factors too.

It follows the published recipe (a multilayer perceptron on concatenated content features, mean squared error on the
factors of items with enough interactions, early stopping on held-out items) on top of a linear part that starts as ridge
regression. An item may lack a modality: a learned "absent" vector replaces it, and in training modalities are hidden at
random (Volkovs, Yu and Poutanen 2017), so that the network learns to do without them.
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
from engine.models.devices import seeded
from engine.models.encoders.base import Features
from engine.models.encoders.registry import MODALITIES
from engine.models.predictor_fitting import EpochLoss, fit_network
from engine.models.predictor_network import Network, PredictorConfig, tensors_of
from engine.models.predictor_threshold import choose_threshold

__all__ = ["EpochLoss", "PredictorConfig", "TrainedPredictor", "load_predictor", "train_predictor"]

WEIGHTS, DESCRIPTION = "predictor.safetensors", "predictor.json"
MIN_ITEMS = 20
"""Fewer items with interactions are too few to learn from."""
BATCH_FOR_PREDICTION = 8192


@dataclass(frozen=True)
class TrainedPredictor:
    """A trained network and the record of its training.

    Attributes
    ----------
    curves : the errors on training and held-out items after every epoch; the weights are those of `best_epoch`.
    min_interactions : the network learned from items with at least this many; `thresholds` are the errors it was chosen by.
    """

    network: Network
    curves: list[EpochLoss]
    best_epoch: int
    min_interactions: int
    thresholds: dict[int, float]

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
        """Write weights and curves into `directory`, which is created if it does not exist."""
        directory.mkdir(parents=True, exist_ok=True)
        state = {name: tensor.cpu().contiguous() for name, tensor in self.network.state_dict().items()}
        atomic_write(directory / WEIGHTS, save(state))
        description = {
            "config": asdict(self.network.config),
            "curves": [asdict(loss) for loss in self.curves],
            "best_epoch": self.best_epoch,
            "min_interactions": self.min_interactions,
            "thresholds": {str(threshold): error for threshold, error in self.thresholds.items()},
        }
        atomic_write_json(directory / DESCRIPTION, description)


def load_predictor(directory: Path) -> TrainedPredictor:
    """Read what `TrainedPredictor.save` wrote, onto the CPU; `ReleaseError` if a file is missing or damaged."""
    try:
        description = json.loads((directory / DESCRIPTION).read_text("utf-8"))
        network = Network(PredictorConfig(**description["config"]))
        network.load_state_dict(load_file(directory / WEIGHTS))
        return TrainedPredictor(
            network.eval(),
            [EpochLoss(**loss) for loss in description["curves"]],
            description["best_epoch"],
            description["min_interactions"],
            {int(threshold): error for threshold, error in description["thresholds"].items()},
        )
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
    on_epoch: Callable[[EpochLoss], None] | None = None,
) -> TrainedPredictor:
    """Learn to predict `item_factors` (n_items, f) from content.

    Parameters
    ----------
    features : by modality, n_items rows each.
    item_factors : (n_items, f) float32, the targets.
    counts : (n_items,) interactions of each item; items with too few are not learned from.
    seed : of the split, the initial weights, the batches and the dropout.

    Raises `TrainingError` if fewer than 20 items have both interactions and content.
    """
    features = {modality: features[modality] for modality in MODALITIES if modality in features}
    rng = np.random.default_rng(seed)
    rows, threshold, errors = _usable_rows(features, item_factors, counts, settings, rng)
    rng.shuffle(rows)
    held_out = max(2, round(settings.validation_share * len(rows)))
    validation, training = np.sort(rows[:held_out]), np.sort(rows[held_out:])
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
        curves, best_epoch = fit_network(network, features, item_factors, training, validation, settings, rng, on_epoch)
    return TrainedPredictor(network, curves, best_epoch, threshold, errors)


def _usable_rows(
    features: Mapping[str, Features],
    item_factors: np.ndarray,
    counts: np.ndarray,
    settings: PredictorSettings,
    rng: np.random.Generator,
) -> tuple[np.ndarray, int, dict[int, float]]:
    """Items with content and enough interactions, how many are enough, and the errors by which that was chosen."""
    described = (
        np.any([block.present for block in features.values()], axis=0) if features else np.zeros(len(counts), bool)
    )
    usable = np.flatnonzero(described & (counts > 0))
    if len(usable) < MIN_ITEMS:
        raise TrainingError(
            f"Only {len(usable)} products have both interactions and content; at least {MIN_ITEMS} are needed to learn "
            "what content says about behaviour. Load more products or more events."
        )
    threshold, errors = settings.min_interactions, dict[int, float]()
    if threshold is None:
        threshold, errors = choose_threshold(features, item_factors, counts, usable, rng, min_items=MIN_ITEMS)
    known = usable[counts[usable] >= threshold]
    if len(known) < MIN_ITEMS:
        raise TrainingError(
            f"Only {len(known)} products with content have at least {threshold} interactions; {MIN_ITEMS} are needed. "
            "Lower predictor.min_interactions."
        )
    return known, threshold, errors
