"""Whose behaviour speaks for a product: its own shoppers' or its look-alikes', and by what these are alike.

Measured, not read off settings: the smoother is fitted once more without the interactions of a sample of products, or, where landmarks stand for
all, these are taken out of its system. What their vectors lose is their own shoppers' share; the rest is split by what each view of the content adds to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.arms.hybrid_fit import Hybrid
from engine.models.kernel import Rows
from engine.models.posterior_update import without_observations
from engine.models.smoother import Capacity, Smoother, fit_smoother

__all__ = ["COUNTS", "contributions"]

COUNTS = ((0, 0), (1, 3), (4, 10), (11, 50), (51, None))
"""Interaction counts that are reported together, both ends included."""

SAMPLE = 30
ROUGHLY = Capacity(exact=4000, landmarks=4000)
"""Shares need no exact fit."""


def contributions(
    hybrid: Hybrid, factors: np.ndarray, counts: np.ndarray, views: Mapping[str, Rows], seed: int
) -> list[dict[str, Any]]:
    """One entry for each of `COUNTS` that has products: `{"low", "high", "products", "arm", "own", "views", "channels"}`.

    `own` and `views` (name -> share) add up to 1; `arm` is "hybrid" or the arm that answers in its place; `channels` are the
    median weights of the arms whose similarity is added to all of that.

    Parameters
    ----------
    factors : (n_items, at least rank) residual factors that `hybrid` was fitted on, `counts` (n_items,) likewise.
    """
    rng = np.random.default_rng([seed, 11])
    groups = [
        (low, high, np.flatnonzero((counts >= low) & (counts <= (counts.max() if high is None else high))))
        for low, high in COUNTS
    ]
    groups = [(low, high, rows) for low, high, rows in groups if len(rows)]
    sample = [np.sort(rng.permutation(rows)[:SAMPLE]) for _, _, rows in groups]
    recipe = hybrid.recipe
    without = _fitted_without(np.concatenate(sample), hybrid, factors[:, : recipe.rank], counts, views, seed)
    if without is None:
        return []
    entries = []
    for (low, high, rows), some in zip(groups, sample, strict=True):
        full = hybrid.query[some]
        lengths = np.square(full).sum(axis=1)
        clear = lengths > 0
        parts = {
            view: np.clip((part * full).sum(axis=1)[clear] / lengths[clear], 0.0, None)
            for view, part in without.parts({view: vectors[some] for view, vectors in views.items()}).items()
        }
        own = np.clip(1.0 - sum(parts.values()), 0.0, 1.0) if low else np.zeros(int(clear.sum()))
        total = sum(parts.values()) + own
        shares = {view: _mean_share(part, total) for view, part in parts.items()}
        entries.append(
            {
                "low": low,
                "high": high,
                "products": len(rows),
                "arm": str(recipe.answering(np.array([low]))[0]),
                "own": _mean_share(own, total),
                "views": shares,
                "channels": {
                    name: float(np.median(recipe.weights_beside(name, counts[rows], hybrid.unknown[rows])))
                    for name in recipe.blocks_added()
                },
            }
        )
    return entries


def _fitted_without(
    rows: np.ndarray, hybrid: Hybrid, factors: np.ndarray, counts: np.ndarray, views: Mapping[str, Rows], seed: int
) -> Smoother | None:
    """A smoother that did not see the interactions of some products; None where there are no others."""
    recipe, seen = hybrid.recipe, rows[counts[rows] > 0]
    if len(seen) == np.count_nonzero(counts):
        return None
    if hybrid.smoother.factor is not None:
        own = factors[seen] / np.sqrt(counts[seen])[:, None]
        some = {view: vectors[seen] for view, vectors in views.items()}
        return without_observations(hybrid.smoother, some, counts[seen], own, recipe.noise)
    hidden = counts.copy()
    hidden[seen] = 0
    kernel = recipe.kernel()
    return fit_smoother(factors, hidden, views, kernel, noise=recipe.noise, seed=seed, capacity=ROUGHLY)


def _mean_share(part: np.ndarray, total: np.ndarray) -> float:
    shares = np.divide(part, total, out=np.zeros_like(total, dtype=float), where=total > 0)
    return round(float(shares.mean()), 4) if len(shares) else 0.0
