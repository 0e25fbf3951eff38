"""MARec: EASE that is aligned with the similarity of metadata where an item is cold.

Monteil, Vaskovych, Lu, Majumder, van den Hengel, "MARec: Metadata Alignment for cold-start Recommendation" (RecSys 2024,
arXiv 2404.13298), with the linear backbone, in closed form: X B is drawn towards both X and X S D. S is the cosine of the
metadata to a power (the paper smooths its denominator instead, which changes nothing between unit vectors); D weighs cold items,
up to 1 for one without interactions. The paper learns how several blocks of metadata are mixed; here they are two, texts with
attributes and words, mixed half and half.

An item's neighbours are the products that predict it: the column of B, which is where the alignment reaches a cold item.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from benchmarks.peer_models.shop import PeerShop
from engine.core.vectors import unit_rows
from engine.models.smoother import unit

__all__ = ["SETTINGS", "Setting", "scores"]

COLD = 30.0
"""Percentile of the interactions below which an item counts as cold."""


@dataclass(frozen=True)
class Setting:
    """`ridge` of EASE, `align` the strength of the metadata, `power` of its cosine."""

    ridge: float
    align: float
    power: int


SETTINGS = tuple(Setting(ridge, align, power) for ridge in (5.0, 20.0) for align in (3.0, 10.0) for power in (4, 8))


def scores(shop: PeerShop, setting: Setting) -> np.ndarray:
    """(n_targets, n_items) float32."""
    has, targets, n = shop.ones, shop.targets, shop.train.shape[1]
    gram = np.asarray((has.T @ has).toarray(order="F"), dtype=np.float32)
    gram[np.diag_indices(n)] += np.float32(setting.ridge)
    factor, _ = lapack.spotrf(gram.copy(order="F"), lower=1, overwrite_a=1)
    gram[np.diag_indices(n)] -= np.float32(setting.ridge)
    alike = _alike(shop, setting.power)
    alike *= (setting.align * _coldness(shop))[targets]  # (n_items, n_targets): columns of S D
    alike[targets, np.arange(len(targets))] += 1.0  # X itself
    made, _ = lapack.spotrs(factor, np.asfortranarray(gram @ alike), lower=1)
    identity = np.zeros_like(made, order="F")
    identity[targets, np.arange(len(targets))] = 1.0
    inverse, _ = lapack.spotrs(factor, identity, lower=1)
    own = (targets, np.arange(len(targets)))
    return np.ascontiguousarray((made - inverse * (made[own] / inverse[own])).T)


def _alike(shop: PeerShop, power: int) -> np.ndarray:
    """(n_items, n_targets) float32, without an item's similarity to itself."""
    content = unit_rows(shop.content)
    words = sparse.csr_matrix(unit(shop.words))
    texts = content @ content[shop.targets].T
    alike = np.maximum((texts + np.asarray((words @ words[shop.targets].T).toarray())) / 2.0, 0.0) ** power
    alike[shop.targets, np.arange(len(shop.targets))] = 0.0
    return np.asarray(alike, dtype=np.float32)


def _coldness(shop: PeerShop) -> np.ndarray:
    warm = max(float(np.percentile(shop.counts, COLD)), 11.0)  # thinned products keep at most 10
    return np.asarray(np.maximum(1.0 - shop.counts / warm, 0.0), dtype=np.float32)
