"""SEMCo: content vectors for cold items, tuned so that shoppers' items are alike, by a sparse softmax.

Meehan, Pauwels, "Sparse Contrastive Learning for Content-Based Cold Item Recommendation" (SIGIR 2026, arXiv 2604.12990). A shopper is
the mean of the vectors of what they have, without the item that is asked for; that item is to be told from sampled others by the alpha-entmax
loss (Peters, Niculae, Martins 2019; alpha 1.5), which gives others that are far away no gradient at all. Its distillation is
left out, and its attention over modalities is a linear map of all content here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from benchmarks.peer_models.encoder import tuned_vectors
from benchmarks.peer_models.shop import PeerShop, cosines

__all__ = ["SETTINGS", "Setting", "entmax15", "scores"]

STEPS = 120
PAIRS_AT_ONCE, OTHERS = 256, 1024


@dataclass(frozen=True)
class Setting:
    """`temperature` of the similarities and `rate` of Adam."""

    temperature: float
    rate: float


SETTINGS = tuple(Setting(temperature, rate) for temperature in (0.15, 0.6) for rate in (3e-4, 1e-3, 3e-3, 1e-2))


def scores(shop: PeerShop, setting: Setting) -> np.ndarray:
    """(n_targets, n_items) float32."""
    has, n = shop.ones, shop.train.shape[1]
    owned = np.diff(has.indptr)
    shopper = np.repeat(np.arange(len(owned)), owned)
    pairs = np.flatnonzero(owned[shopper] > 1)

    def loss_of(items: Tensor, rng: np.random.Generator) -> Tensor:
        drawn = rng.choice(pairs, PAIRS_AT_ONCE)
        wanted, others = has.indices[drawn], rng.choice(n, min(OTHERS, n), replace=False)
        rest = _without(has[shopper[drawn]], wanted)
        tastes = _means(rest, items)
        right = (tastes * items[torch.from_numpy(wanted.astype(np.int64))]).sum(dim=1, keepdim=True)
        wrong = tastes @ items[torch.from_numpy(others)].T
        own = torch.from_numpy(has[shopper[drawn]][:, others].toarray() > 0)
        logits = torch.cat([right, wrong.masked_fill(own, -1.0)], dim=1) / setting.temperature
        share = entmax15(logits.detach())
        share[:, 0] -= 1.0  # the gradient of the entmax loss: what each is given less what it should get
        return (share * logits).sum(dim=1).mean()

    return cosines(tuned_vectors(shop, loss_of, setting.rate, STEPS), shop.targets)


def entmax15(logits: Tensor) -> Tensor:
    """The 1.5-entmax of every row, which sums to 1 and is 0 for most entries; exact, by sorting (Peters et al. 2019, algorithm 2)."""
    halves = (logits - logits.max(dim=1, keepdim=True).values) / 2
    ordered = halves.sort(dim=1, descending=True).values
    rank = torch.arange(1, logits.shape[1] + 1, dtype=logits.dtype)
    mean = ordered.cumsum(dim=1) / rank
    spread = rank * (ordered.square().cumsum(dim=1) / rank - mean.square())
    threshold = mean - ((1 - spread) / rank).clamp(min=0).sqrt()
    support = (threshold <= ordered).sum(dim=1, keepdim=True)
    return (halves - threshold.gather(1, support - 1)).clamp(min=0).square()


def _without(rows: sparse.csr_matrix, columns: np.ndarray) -> sparse.csr_matrix:
    """The rows, each without one of its entries."""
    keep = rows.indices != np.repeat(columns, np.diff(rows.indptr))
    starts = np.concatenate([[0], np.cumsum(np.diff(rows.indptr) - 1)])
    return sparse.csr_matrix((rows.data[keep], rows.indices[keep], starts), shape=rows.shape)


def _means(rows: sparse.csr_matrix, items: Tensor) -> Tensor:
    """(n_rows, d), the mean of the items of every row."""
    indices, starts = (torch.from_numpy(part.astype(np.int64)) for part in (rows.indices, rows.indptr[:-1]))
    return torch.nn.functional.embedding_bag(indices, items, starts, mode="mean")
