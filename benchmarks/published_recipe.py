"""The published recipe as a baseline of its own: a perceptron from content to ALS factors, by mean squared error.

Kept apart from the engine's predictor, so that what that does differently can be seen to be worth it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from engine.models.encoders import Features

__all__ = ["published_recipe"]

MIN_INTERACTIONS, EPOCHS, PATIENCE, BATCH = 10, 100, 10, 256


def published_recipe(
    features: Mapping[str, Features], item_factors: np.ndarray, counts: np.ndarray, seed: int
) -> np.ndarray:
    """(n_items, f) float32 predicted factors; learned on items with 10 interactions or more, stopped on a tenth of them."""
    blocks = [f.values * np.sqrt(f.values.shape[1]) if name == "text" else f.values for name, f in features.items()]
    content = np.concatenate(blocks, axis=1)
    inputs = torch.from_numpy(((content - content.mean(0)) / (content.std(0) + 1e-6)).astype(np.float32))
    known = np.random.default_rng(seed).permutation(np.flatnonzero(counts >= MIN_INTERACTIONS))
    held, training = known[: max(1, len(known) // 10)], known[max(1, len(known) // 10) :]
    scale = float(item_factors[known].std())
    wanted = torch.from_numpy(item_factors / np.float32(scale))
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    width = inputs.shape[1]
    for _ in range(2):
        layers += [nn.Linear(width, 512), nn.LayerNorm(512), nn.GELU(), nn.Dropout(0.2)]
        width = 512
    network = nn.Sequential(*layers, nn.Linear(width, wanted.shape[1]))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-2)
    best, best_epoch, state = np.inf, 0, network.state_dict()
    for epoch in range(EPOCHS):
        network.train()
        for rows in torch.from_numpy(training)[torch.randperm(len(training))].split(BATCH):
            loss = nn.functional.mse_loss(network(inputs[rows]), wanted[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        network.eval()
        with torch.inference_mode():
            error = nn.functional.mse_loss(network(inputs[held]), wanted[held]).item()
        if error < best - 1e-5:
            best, best_epoch = error, epoch
            state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        elif epoch - best_epoch >= PATIENCE:
            break
    network.load_state_dict(state)
    with torch.inference_mode():
        return np.asarray(network(inputs).numpy() * scale, dtype=np.float32)
