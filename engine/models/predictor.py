"""The network that predicts an item's ALS factors from its content, so that an item nobody has clicked has factors too.

The published recipe, a multilayer perceptron on concatenated content features, mean squared error on the factors of items
with enough interactions and early stopping on held-out items, on top of a linear part that starts as ridge regression.
An item may lack a modality: a learned "absent" vector then stands in, and in training modalities are hidden at random
(Volkovs, Yu and Poutanen 2017) so that the network can do without.
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
from torch import Tensor, nn

from engine.core.errors import ReleaseError, TrainingError
from engine.core.settings import PredictorSettings
from engine.core.storage import atomic_write, atomic_write_json
from engine.models.devices import pick_device, seeded
from engine.models.encoders.base import Features
from engine.models.encoders.registry import MODALITIES
from engine.models.predictor_threshold import choose_threshold

__all__ = ["EpochLoss", "PredictorConfig", "TrainedPredictor", "load_predictor", "train_predictor"]

WEIGHTS, DESCRIPTION = "predictor.safetensors", "predictor.json"
MIN_ITEMS = 20
"""Fewer items with interactions than this teach nothing."""
BATCH_FOR_PREDICTION = 8192
RIDGE_PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
RIDGE_COLUMNS = 6_000
"""Wider contents than this are learned by gradient descent alone: the closed form costs the cube of the width."""


@dataclass(frozen=True)
class PredictorConfig:
    """The shape of the network: `dims` are the widths of the modalities, `hidden` a width, `layers` a number."""

    dims: dict[str, int]
    factors: int
    hidden: int
    layers: int
    dropout: float
    modality_dropout: float


@dataclass(frozen=True)
class EpochLoss:
    """Mean squared error after an epoch, in units of the targets' own mean square: 1.0 is no better than predicting zero."""

    epoch: int
    train: float
    validation: float


class Network(nn.Module):
    """A linear map of the standardised blocks, plus a perceptron that also sees which blocks are present."""

    def __init__(self, config: PredictorConfig):
        super().__init__()
        self.config = config
        # One order for ever, whatever the order in a file: the first layer knows blocks by their place.
        self.dims = {modality: config.dims[modality] for modality in MODALITIES if modality in config.dims}
        self.means = nn.ParameterDict({m: nn.Parameter(torch.zeros(d), False) for m, d in self.dims.items()})
        self.scales = nn.ParameterDict({m: nn.Parameter(torch.ones(()), False) for m in self.dims})
        self.absent = nn.ParameterDict({m: nn.Parameter(torch.zeros(d)) for m, d in self.dims.items()})
        self.target_scale = nn.Parameter(torch.ones(()), False)
        width = sum(self.dims.values()) + len(self.dims)
        hidden: list[nn.Module] = []
        for _ in range(config.layers):
            hidden += [nn.Linear(width, config.hidden), nn.GELU(), nn.Dropout(config.dropout)]
            width = config.hidden
        self.linear = nn.Linear(sum(self.dims.values()), config.factors)
        last = nn.Linear(width, config.factors)
        nn.init.zeros_(last.weight)  # the hidden layers start by adding nothing to the ridge regression
        nn.init.zeros_(last.bias)
        self.body = nn.Sequential(*hidden, last)

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
        content = torch.cat(blocks, dim=1)
        return self.linear(content) + self.body(torch.cat([content, *flags], dim=1))  # type: ignore[no-any-return]

    def _hide(self, present: dict[str, Tensor]) -> dict[str, Tensor]:
        """Hide each modality of each item with the configured chance, but never the last one that is left."""
        flags = torch.stack([present[modality] for modality in self.dims])
        kept = flags & (torch.rand(flags.shape, device=flags.device) >= self.config.modality_dropout)
        kept = torch.where(kept.any(0), kept, flags)
        return dict(zip(self.dims, kept, strict=True))


@dataclass(frozen=True)
class TrainedPredictor:
    """A trained network and how it came about.

    Attributes
    ----------
    curves : the error on training and held-out items after every epoch; `best_epoch` is the one that was kept.
    min_interactions : items with at least this many were learned from; `thresholds` are the errors it was chosen by.
    """

    network: Network
    curves: list[EpochLoss]
    best_epoch: int
    min_interactions: int
    thresholds: dict[int, float]

    def predict(self, features: Mapping[str, Features]) -> np.ndarray:
        """(n, factors) float32. A modality that the network knows but `features` lacks counts as absent; others are ignored."""
        n = len(next(iter(features.values())).present)
        device = self.network.target_scale.device
        self.network.eval()
        parts = []
        with torch.inference_mode():
            for start in range(0, n, BATCH_FOR_PREDICTION):
                rows = np.arange(start, min(n, start + BATCH_FOR_PREDICTION))
                values, present = _tensors(features, rows, self.network.dims, device)
                parts.append((self.network(values, present) * self.network.target_scale).cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros((0, self.network.config.factors), dtype=np.float32)

    def save(self, directory: Path) -> None:
        """Write weights and curves into `directory`, which is made where it does not exist."""
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
    """Read what `TrainedPredictor.save` wrote, onto the CPU; `ReleaseError` where a file is missing or damaged."""
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

    Raises `TrainingError` where fewer than 20 items have both interactions and content.
    """
    dims = {m: features[m].values.shape[1] for m in MODALITIES if m in features}
    described = np.any([features[m].present for m in dims], axis=0) if dims else np.zeros(len(counts), bool)
    usable = np.flatnonzero(described & (counts > 0))
    if len(usable) < MIN_ITEMS:
        raise TrainingError(
            f"Only {len(usable)} products have both interactions and content; at least {MIN_ITEMS} are needed to learn "
            "what content says about behaviour. Load more products or more events."
        )
    rng = np.random.default_rng(seed)
    threshold = settings.min_interactions
    errors: dict[int, float] = {}
    if threshold is None:
        threshold, errors = choose_threshold(
            {m: features[m] for m in dims}, item_factors, counts, usable, rng, min_items=MIN_ITEMS
        )
    known = usable[counts[usable] >= threshold]
    if len(known) < MIN_ITEMS:
        raise TrainingError(
            f"Only {len(known)} products with content have at least {threshold} interactions; {MIN_ITEMS} are needed. "
            "Lower predictor.min_interactions."
        )
    rng.shuffle(known)
    held_out = max(2, round(settings.validation_share * len(known)))
    validation, training = np.sort(known[:held_out]), np.sort(known[held_out:])
    config = PredictorConfig(
        dims,
        item_factors.shape[1],
        settings.hidden,
        settings.layers,
        settings.dropout,
        settings.modality_dropout,
    )
    with seeded(seed):
        network = Network(config)
        _standardise(network, features, item_factors, training)
        curves, best_epoch = _fit(network, features, item_factors, training, validation, settings, rng, on_epoch)
    return TrainedPredictor(network, curves, best_epoch, threshold, errors)


def _fit(
    network: Network,
    features: Mapping[str, Features],
    item_factors: np.ndarray,
    training: np.ndarray,
    validation: np.ndarray,
    settings: PredictorSettings,
    rng: np.random.Generator,
    on_epoch: Callable[[EpochLoss], None] | None,
) -> tuple[list[EpochLoss], int]:
    """The training loop. Leaves the best epoch's weights in `network`."""
    device = pick_device(settings.device)
    network.to(device)
    dims, scale = network.dims, network.target_scale
    values, present = _tensors(features, training, dims, device)
    targets = torch.from_numpy(item_factors[training]).to(device) / scale
    held_values, held_present = _tensors(features, validation, dims, device)
    held_targets = torch.from_numpy(item_factors[validation]).to(device) / scale
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=settings.learning_rate, weight_decay=settings.weight_decay)

    _start_at_ridge(
        network, values, present, targets, held_values, held_present, held_targets, 1 - settings.modality_dropout
    )
    curves: list[EpochLoss] = []
    network.eval()
    with torch.inference_mode():
        best = nn.functional.mse_loss(network(held_values, held_present), held_targets).item()
    best_epoch, best_state = 0, {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for epoch in range(1, settings.max_epochs + 1):
        network.train()
        total = 0.0
        for rows in torch.from_numpy(rng.permutation(len(training))).to(device).split(settings.batch_size):
            predicted = network({m: values[m][rows] for m in dims}, {m: present[m][rows] for m in dims})
            loss = nn.functional.mse_loss(predicted, targets[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(rows)
        network.eval()
        with torch.inference_mode():
            error = nn.functional.mse_loss(network(held_values, held_present), held_targets).item()
        curves.append(EpochLoss(epoch, total / len(training), error))
        if on_epoch:
            on_epoch(curves[-1])
        if error < best:
            best, best_epoch = error, epoch
            best_state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        elif epoch - best_epoch >= settings.patience:
            break
    if not np.isfinite(best):
        raise TrainingError("The network did not converge. Lower predictor.learning_rate.")
    network.load_state_dict(best_state)
    return curves, best_epoch


def _start_at_ridge(
    network: Network,
    values: Mapping[str, Tensor],
    present: Mapping[str, Tensor],
    targets: Tensor,
    held_values: Mapping[str, Tensor],
    held_present: Mapping[str, Tensor],
    held_targets: Tensor,
    keep: float,
) -> None:
    """Give the linear part the ridge regression that is best on the held-out items.

    With one or two thousand well-known items, gradient descent from nothing learns the noise of the factors before it
    has learned what content says; from here it can only add. Modality dropout enters in closed form: blocks are there
    with chance `keep`, two of them together with `keep` squared. Contents wider than `RIDGE_COLUMNS` start at zero.
    """
    nn.init.zeros_(network.linear.weight)
    nn.init.zeros_(network.linear.bias)
    if sum(network.dims.values()) > RIDGE_COLUMNS:
        return
    with torch.no_grad():
        x = _standard(network, values, present)
        held = _standard(network, held_values, held_present)
        centre = targets.double().mean(0)
        sizes = list(network.dims.values())
        place = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes)).to(x.device)
        chance = torch.where(place[:, None] == place[None, :], keep, keep * keep)
        gram, cross = (x.T @ x) * chance, keep * (x.T @ (targets.double() - centre))
        eye = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
        fits = [torch.linalg.solve(gram + penalty * eye, cross) for penalty in RIDGE_PENALTIES]
        errors = [float(((held @ fit + centre - held_targets) ** 2).mean()) for fit in fits]
        network.linear.weight.copy_(fits[int(np.argmin(errors))].T)
        network.linear.bias.copy_(centre)


def _standard(network: Network, values: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
    """(n, columns) float64: standardised blocks side by side, zero where absent."""
    blocks = [
        (values[m] - network.means[m]) / network.scales[m] * present[m].unsqueeze(1).to(values[m].dtype)
        for m in network.dims
    ]
    return torch.cat(blocks, dim=1).double()


def _standardise(
    network: Network, features: Mapping[str, Features], item_factors: np.ndarray, training: np.ndarray
) -> None:
    """Centre each block and give its rows a mean square length of 1, so that no modality shouts; targets a mean square of 1."""
    with torch.no_grad():
        for modality in network.dims:
            rows = training[features[modality].present[training]]
            if len(rows) == 0:
                continue
            block = features[modality].values[rows].astype(np.float64)
            network.means[modality].copy_(torch.from_numpy(block.mean(0)))
            network.scales[modality].fill_(max(float(np.sqrt(block.var(0).sum())), 1e-6))
        network.target_scale.fill_(
            max(float(np.sqrt(np.square(item_factors[training], dtype=np.float64).mean())), 1e-12)
        )


def _tensors(
    features: Mapping[str, Features], rows: np.ndarray, dims: Mapping[str, int], device: torch.device
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    values, present = {}, {}
    for modality, dim in dims.items():
        block = features.get(modality) or Features(
            np.zeros((rows[-1] + 1, dim), np.float32), np.zeros(rows[-1] + 1, bool)
        )
        values[modality] = torch.from_numpy(np.ascontiguousarray(block.values[rows], dtype=np.float32)).to(device)
        present[modality] = torch.from_numpy(block.present[rows]).to(device)
    return values, present
