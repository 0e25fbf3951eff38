"""beeFormer: a sentence encoder tuned on interactions with the loss of a linear autoencoder.

Vančura, Kordík, Straka, "beeFormer: Bridging the Gap Between Semantic and Interaction Similarity in Recommender Systems"
(RecSys 2024, arXiv 2409.10309). Its loss is that of ELSA: a shopper's row x is rebuilt as x A A' - x from the unit vectors A of all
items, and both rows are scaled to length 1 before they are compared. Tuning the transformer itself is too slow for two cores, so
MiniLM stays as it is and a linear map on top of it (and of the attributes) is tuned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.peer_models.encoder import tuned_vectors
from benchmarks.peer_models.shop import PeerShop, cosines

__all__ = ["SETTINGS", "Setting", "scores"]

SHOPPERS_AT_ONCE = 192


@dataclass(frozen=True)
class Setting:
    """`rate` of Adam and its number of `steps`."""

    rate: float
    steps: int


SETTINGS = tuple(Setting(rate, steps) for rate in (3e-4, 1e-3, 3e-3, 1e-2) for steps in (50, 150))


def scores(shop: PeerShop, setting: Setting) -> np.ndarray:
    """(n_targets, n_items) float32."""
    active = np.flatnonzero(np.diff(shop.ones.indptr) > 1)

    def loss_of(items: Tensor, rng: np.random.Generator) -> Tensor:
        rows = rng.choice(active, min(SHOPPERS_AT_ONCE, len(active)), replace=False)
        given = torch.from_numpy(shop.ones[rows].toarray())
        rebuilt = torch.relu(given @ items @ items.T - given)
        pair = (nn.functional.normalize(side, dim=1) for side in (rebuilt, given))
        return (next(pair) - next(pair)).square().sum(dim=1).mean()

    return cosines(tuned_vectors(shop, loss_of, setting.rate, setting.steps), shop.targets)
