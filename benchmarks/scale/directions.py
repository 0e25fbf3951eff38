"""Residual behaviour's directions: the block method against ARPACK, one vector at a time; and how much of the same space both span."""

from __future__ import annotations

import argparse

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh

from benchmarks.made_shops import made_niches
from benchmarks.parts import Measured
from benchmarks.scale.shop import n_events
from benchmarks.scale.timing import in_turns
from engine.models.residual import SHOPPER_DAMPING, residual_factors, surprise

__all__ = ["measure"]

RANK = 256
CLEAR = 128
"""Of the directions found, these count: the last ones of either method depend on where it stopped."""


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Times as fast as ARPACK, and the share of its leading directions' energy that lies in the same space, for each size."""
    figures: dict[str, Measured] = {}
    for products in arguments.products:
        shop = made_niches(products, n_events(products), max(4, products // 250), arguments.seed)
        shape = (int(shop.users.max()) + 1, products)
        pairs = sparse.csr_matrix((np.ones(len(shop.rows)), (shop.users, shop.rows)), shape=shape)
        found: dict[str, np.ndarray] = {}

        def blocks(pairs: sparse.csr_matrix = pairs, found: dict[str, np.ndarray] = found) -> None:
            found["ours"] = residual_factors(pairs, RANK, arguments.seed)

        def arpack(pairs: sparse.csr_matrix = pairs, found: dict[str, np.ndarray] = found) -> None:
            found["theirs"] = _arpack(pairs, arguments.seed)

        turns = in_turns(1, blocks, arpack)
        figures[f"directions_{products}_over_arpack"] = (turns.times_as_fast, ">= 3", turns.details())
        shared = _shared(found["ours"], found["theirs"])
        figures[f"directions_{products}_shared"] = (shared, ">= 0.999", {"directions": CLEAR})
    return figures


def _arpack(pairs: sparse.csr_matrix, seed: int) -> np.ndarray:
    """(n_items, RANK) float32 factors."""
    n = pairs.shape[1]
    times = surprise(pairs, SHOPPER_DAMPING)
    operator = LinearOperator(
        (n, n), matvec=lambda one: times(one.astype(np.float32).reshape(-1, 1)).ravel(), dtype=np.float32
    )
    start = np.random.default_rng(seed).standard_normal(n).astype(np.float32)
    values, vectors = eigsh(operator, k=RANK, which="LA", v0=start, tol=1e-3)
    order = np.argsort(-values)
    return np.asarray(vectors[:, order] * np.sqrt(np.maximum(values[order], 0.0)), dtype=np.float32)


def _shared(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Share of the energy of the leading directions of one that lies in the space of the other, the lower of both ways."""
    spaces = [np.linalg.qr(side.astype(np.float64))[0] for side in (ours, theirs)]
    led = [side[:, :CLEAR].astype(np.float64) for side in (ours, theirs)]
    inside = [
        float(np.square(space.T @ lead).sum() / np.square(lead).sum())
        for space, lead in zip(spaces, led[::-1], strict=True)
    ]
    return round(min(inside), 5)
