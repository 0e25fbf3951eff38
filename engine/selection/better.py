"""When one thing is better than another: the mean over targets must be higher by more than one standard error."""

from __future__ import annotations

import numpy as np

__all__ = ["WORTH", "as_good", "better", "standard_error"]

WORTH = 0.001
"""A difference in NDCG that is smaller than this is not worth a change."""


def better(found: np.ndarray, best: np.ndarray) -> bool:
    """Whether `found` (n,) beats `best` (n,), target by target, by more than one standard error, and by enough to matter."""
    ahead = found - best
    return bool(len(ahead)) and bool(ahead.mean() > max(standard_error(ahead), WORTH))


def as_good(found: np.ndarray, best: np.ndarray, tolerance: float) -> bool:
    """Whether `found` is behind `best` by no more than one standard error, or by a share of `tolerance` of its mean."""
    behind = best - found
    return bool(behind.mean() <= max(standard_error(behind), tolerance * float(best.mean())))


def standard_error(values: np.ndarray) -> float:
    """Of the mean of n values."""
    return float(values.std()) / float(np.sqrt(max(len(values), 1)))
