"""How the predictor's network learns: standardised inputs, a ridge regression to start from, then gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.core.errors import TrainingError
from engine.core.settings import PredictorSettings
from engine.models.devices import pick_device
from engine.models.encoders.base import Features
from engine.models.predictor_network import Network, tensors_of

__all__ = ["EpochLoss", "fit_network"]

RIDGE_PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
RIDGE_COLUMNS = 6_000
"""Wider contents than this are learned by gradient descent alone: the closed form costs the cube of the width."""


@dataclass(frozen=True)
class EpochLoss:
    """Mean squared error after an epoch, in units of the targets' mean square: 1.0 is no better than predicting zero."""

    epoch: int
    train: float
    validation: float


@dataclass(frozen=True)
class _Examples:
    """n items: per modality (n, dim) and (n,) bool, and (n, factors) targets in units of the network's `target_scale`."""

    values: dict[str, Tensor]
    present: dict[str, Tensor]
    targets: Tensor

    def __getitem__(self, rows: Tensor) -> _Examples:
        values = {modality: block[rows] for modality, block in self.values.items()}
        present = {modality: flags[rows] for modality, flags in self.present.items()}
        return _Examples(values, present, self.targets[rows])


def fit_network(
    network: Network,
    features: Mapping[str, Features],
    item_factors: np.ndarray,
    training: np.ndarray,
    validation: np.ndarray,
    settings: PredictorSettings,
    rng: np.random.Generator,
    on_epoch: Callable[[EpochLoss], None] | None,
) -> tuple[list[EpochLoss], int]:
    """Train `network` on the rows `training`, and stop in time by the rows `validation`.

    Leaves the weights of the epoch that is best on the held-out rows in the network; returns the curves and that epoch.
    """
    _standardise(network, features, item_factors, training)
    device = pick_device(settings.device)
    network.to(device)
    examples, held_out = (
        _Examples(
            *tensors_of(features, rows, network.dims, device),
            torch.from_numpy(item_factors[rows]).to(device) / network.target_scale,
        )
        for rows in (training, validation)
    )
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    _start_at_ridge(network, examples, held_out, 1 - settings.modality_dropout)
    curves: list[EpochLoss] = []
    best, best_epoch, best_state = _error(network, held_out), 0, _state(network)
    for epoch in range(1, settings.max_epochs + 1):
        loss = _train_epoch(network, optimiser, examples, settings.batch_size, rng)
        error = _error(network, held_out)
        curves.append(EpochLoss(epoch, loss, error))
        if on_epoch:
            on_epoch(curves[-1])
        if error < best:
            best, best_epoch, best_state = error, epoch, _state(network)
        elif epoch - best_epoch >= settings.patience:
            break
    if not np.isfinite(best):
        raise TrainingError("The network did not converge. Lower predictor.learning_rate.")
    network.load_state_dict(best_state)
    return curves, best_epoch


def _train_epoch(
    network: Network, optimiser: torch.optim.Optimizer, examples: _Examples, batch_size: int, rng: np.random.Generator
) -> float:
    """One pass over the examples in random order; the mean loss."""
    network.train()
    n, total = len(examples.targets), 0.0
    for rows in torch.from_numpy(rng.permutation(n)).to(examples.targets.device).split(batch_size):
        batch = examples[rows]
        loss = nn.functional.mse_loss(network(batch.values, batch.present), batch.targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(rows)
    return total / n


def _error(network: Network, examples: _Examples) -> float:
    network.eval()
    with torch.inference_mode():
        return nn.functional.mse_loss(network(examples.values, examples.present), examples.targets).item()


def _state(network: Network) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def _start_at_ridge(network: Network, examples: _Examples, held_out: _Examples, shown: float) -> None:
    """Set the linear part to the ridge regression that is best on the held-out items.

    With one or two thousand well-known items, gradient descent from zero learns the noise of the factors before it has
    learned what content says; from here it can only improve. Modality dropout enters in closed form: a block is present
    with the chance `shown`, two blocks together with its square. Contents wider than `RIDGE_COLUMNS` start at zero.
    """
    nn.init.zeros_(network.linear.weight)
    nn.init.zeros_(network.linear.bias)
    if sum(network.dims.values()) > RIDGE_COLUMNS:
        return
    with torch.no_grad():
        x, held = _standard(network, examples), _standard(network, held_out)
        centre = examples.targets.double().mean(0)
        sizes = list(network.dims.values())
        block = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes)).to(x.device)
        chance = torch.where(block[:, None] == block[None, :], shown, shown * shown)
        gram, cross = (x.T @ x) * chance, shown * (x.T @ (examples.targets.double() - centre))
        eye = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
        fits = [torch.linalg.solve(gram + penalty * eye, cross) for penalty in RIDGE_PENALTIES]
        errors = [float(((held @ fit + centre - held_out.targets) ** 2).mean()) for fit in fits]
        network.linear.weight.copy_(fits[int(np.argmin(errors))].T)
        network.linear.bias.copy_(centre)


def _standard(network: Network, examples: _Examples) -> Tensor:
    """(n, columns) float64: standardised blocks side by side, zero where absent."""
    blocks = [
        (block - network.means[m]) / network.scales[m] * examples.present[m].unsqueeze(1).to(block.dtype)
        for m, block in examples.values.items()
    ]
    return torch.cat(blocks, dim=1).double()


def _standardise(
    network: Network, features: Mapping[str, Features], item_factors: np.ndarray, training: np.ndarray
) -> None:
    """Centre each block and scale its rows to a mean square length of 1, so no modality outweighs the others; scale the
    targets to a mean square of 1."""
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
