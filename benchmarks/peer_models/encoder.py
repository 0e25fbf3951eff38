"""The encoder that both contrastive peers tune: a linear map of the content that starts as the content itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.peer_models.shop import PeerShop

__all__ = ["tuned_vectors"]


def tuned_vectors(
    shop: PeerShop, loss_of: Callable[[Tensor, np.random.Generator], Tensor], rate: float, steps: int
) -> np.ndarray:
    """(n_items, d) float32 unit vectors after `steps` of Adam.

    Parameters
    ----------
    loss_of : the loss of the unit vectors of all items on a batch that it draws with the generator.
    """
    torch.manual_seed(shop.seed)
    rng = np.random.default_rng(shop.seed)
    inputs = torch.from_numpy(shop.inputs)
    layer = nn.Linear(inputs.shape[1], inputs.shape[1], bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(inputs.shape[1]))
    optimiser = torch.optim.Adam(layer.parameters(), lr=rate)
    for _ in range(steps):
        loss = loss_of(nn.functional.normalize(layer(inputs), dim=1), rng)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        return np.asarray(nn.functional.normalize(layer(inputs), dim=1).numpy())
