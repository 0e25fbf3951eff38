"""Which share of neighbours a day's events put others for, where landmarks stand for all products: by landmarks that stay, and by others.

A made shop lacks a hundredth of its pairs on the evening before. The smoother is fitted on both evenings: with the lots that products have, with others on the second evening
(as any chance does that does not belong to the products), and exactly, where nothing but the events makes a difference. Lists are those of the smoother alone.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.made_shops import made_taste
from benchmarks.parts import Measured
from benchmarks.scale.niches import Prepared, prepared
from engine.core.best_columns import best_columns
from engine.core.vectors import unit_rows
from engine.evaluation.fits import fit_hybrid_on
from engine.models.recipe import default_recipe
from engine.models.smoother import Capacity

__all__ = ["measure"]

PRODUCTS, EVENTS, STYLES, LANDMARKS = 12_000, 220_000, 400, 1_000
NEW, K, AT_ONCE = 0.01, 10, 1_000


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Of one shop, whatever was asked for."""
    made, seed = prepared(made_taste(PRODUCTS, EVENTS, STYLES, arguments.seed)), arguments.seed
    today = made.user_items
    before = _without(today, NEW, seed)
    capacity = Capacity(exact=100, landmarks=LANDMARKS)
    yesterday = _lists(made, before, capacity, seed)
    shares = {
        "exactly": _replaced(_lists(made, before, Capacity(), seed), _lists(made, today, Capacity(), seed)),
        "landmarks that stay": _replaced(yesterday, _lists(made, today, capacity, seed)),
        "other landmarks": _replaced(yesterday, _lists(made, today, capacity, seed + 1)),
    }
    print(shares, flush=True)
    name = f"staying_{PRODUCTS}"
    more: dict[str, Any] = {"shares": shares, "landmarks": LANDMARKS, "new_pairs": NEW}
    return {
        f"{name}_replaced": (shares["landmarks that stay"], "-", more),
        f"{name}_replaced_over_other_landmarks": (
            round(shares["landmarks that stay"] / shares["other landmarks"], 2),
            "< 1",
        ),
    }


def _without(user_items: sparse.csr_matrix, share: float, seed: int) -> sparse.csr_matrix:
    pairs = user_items.tocoo()
    stays = np.random.default_rng(seed).random(pairs.nnz) >= share
    return sparse.csr_matrix((pairs.data[stays], (pairs.row[stays], pairs.col[stays])), shape=user_items.shape)


def _lists(made: Prepared, train: sparse.csr_matrix, capacity: Capacity, seed: int) -> np.ndarray:
    """(n_items, K) rows of the nearest, in no order."""
    recipe = replace(default_recipe(("content", "words"), PRODUCTS), noise=10.0, exponent=0.0, capacity=capacity)
    hybrid = fit_hybrid_on(train, made.content, np.zeros((PRODUCTS, 1), dtype=np.float32), recipe, seed)
    query, found = unit_rows(hybrid.query), []
    for start in range(0, PRODUCTS, AT_ONCE):
        scores = query[start : start + AT_ONCE] @ hybrid.candidates.T
        own = np.arange(len(scores))
        scores[own, start + own] = -np.inf
        found.append(best_columns(scores, K))
    return np.concatenate(found)


def _replaced(before: np.ndarray, after: np.ndarray) -> float:
    return round(1.0 - float((before[:, :, None] == after[:, None, :]).any(axis=2).mean()), 4)
