"""How many interactions an item needs before the predictor learns from it, chosen from the data.

Factors of items with few interactions are noisy, but without those items there are fewer examples; which matters more
depends on the shop. For every candidate threshold, a ridge regression from content to factors is fitted, and scored by the
mean cosine between predicted and real factors on held-out items of the busier half, whose factors can be trusted. That
takes a second; training the network once per threshold would take minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from engine.models.encoders.base import Features

__all__ = ["THRESHOLDS", "choose_threshold"]

THRESHOLDS = (1, 2, 3, 5, 8, 12, 20, 30, 50)
MAX_ITEMS, MAX_COLUMNS = 20_000, 512
PENALTIES = (0.01, 0.1, 1.0)
"""Candidates for the ridge penalty, as multiples of the number of training items."""
HELD_OUT = 0.25
TOLERANCE = 0.002
"""Thresholds this close to the best are as good; the lowest of them leaves the most items."""


def choose_threshold(
    features: Mapping[str, Features],
    item_factors: np.ndarray,
    counts: np.ndarray,
    rows: np.ndarray,
    rng: np.random.Generator,
    *,
    min_items: int,
    candidates: Sequence[int] = THRESHOLDS,
) -> tuple[int, dict[int, float]]:
    """The threshold, and the error (1 - mean cosine) of each candidate that leaves at least `min_items` items.

    Parameters
    ----------
    features, item_factors, counts : of all n_items items, as `train_predictor` takes them.
    rows : items with interactions and content.
    min_items : candidates that leave fewer training items are not considered.
    """
    training, held_out = _split(counts, rows, rng)
    inputs = _inputs(features, rng)
    truth = item_factors[held_out].astype(np.float64)
    errors: dict[int, float] = {}
    columns = inputs.shape[1]
    gram, cross, upper = np.zeros((columns, columns)), np.zeros((columns, item_factors.shape[1])), np.inf
    for threshold in sorted(candidates, reverse=True):  # each adds the items between it and the one before
        added = training[(counts[training] >= threshold) & (counts[training] < upper)]
        x = inputs[added].astype(np.float64)
        gram, cross, upper = gram + x.T @ x, cross + x.T @ item_factors[added].astype(np.float64), threshold
        n = int((counts[training] >= threshold).sum())
        if n >= min_items:
            errors[threshold] = min(
                1 - _mean_cosine(inputs[held_out] @ _ridge(gram, cross, penalty * n), truth) for penalty in PENALTIES
            )
    return _lowest_good(errors, default=min(candidates)), dict(sorted(errors.items()))


def _split(counts: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Training rows, and held-out ones from the busier half."""
    if len(rows) > MAX_ITEMS:
        rows = np.sort(rng.choice(rows, MAX_ITEMS, replace=False))
    busy = rows[counts[rows] >= np.median(counts[rows])]
    held_out = rng.choice(busy, max(1, round(HELD_OUT * len(busy))), replace=False)
    return np.setdiff1d(rows, held_out), held_out


def _lowest_good(errors: Mapping[int, float], default: int) -> int:
    best = min(errors.values(), default=0.0)
    return min((threshold for threshold, error in errors.items() if error <= best + TOLERANCE), default=default)


def _inputs(features: Mapping[str, Features], rng: np.random.Generator) -> np.ndarray:
    """(n_items, columns) float32: standardised blocks, zero where absent, and a constant; wide ones projected at random."""
    blocks = []
    for feature in features.values():
        known = feature.values[feature.present]
        if len(known) == 0:
            continue
        block = feature.values - known.mean(0)
        block[~feature.present] = 0.0
        block /= max(float(np.sqrt(np.square(known - known.mean(0)).sum(1).mean())), 1e-6)
        blocks.append(block)
    inputs = np.concatenate(blocks, axis=1)
    if inputs.shape[1] > MAX_COLUMNS:
        inputs = inputs @ rng.standard_normal((inputs.shape[1], MAX_COLUMNS), dtype=np.float32) / np.sqrt(MAX_COLUMNS)
    return np.hstack([inputs, np.ones((len(inputs), 1))]).astype(np.float32)


def _ridge(gram: np.ndarray, cross: np.ndarray, penalty: float) -> np.ndarray:
    columns = len(gram)
    return np.asarray(cho_solve(cho_factor(gram + penalty / columns * np.eye(columns)), cross))


def _mean_cosine(predicted: np.ndarray, truth: np.ndarray) -> float:
    lengths = np.linalg.norm(predicted, axis=1) * np.linalg.norm(truth, axis=1)
    return float(((predicted * truth).sum(1) / np.maximum(lengths, 1e-12)).mean())
