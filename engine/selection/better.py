"""When one thing is better than another: the mean over targets must be higher by more than one standard error, or by two where what it would replace is served.

Of half a dozen things that are equally good, one is ahead of another by one standard error as often as not; chosen afresh every day, a shop would change its settings
by chance, and people would find other lists without a reason.
"""

from __future__ import annotations

import numpy as np

__all__ = ["SERVED", "SERVED_OF_MANY", "WORTH", "as_good", "better", "standard_error"]

SERVED, SERVED_OF_MANY = 2.0, 3.0
"""Standard errors by which something must be better than what is served; where it is the best of a hundred that were tried."""
WORTH = 0.001
"""A difference in NDCG that is smaller than this is not worth a change."""


def better(found: np.ndarray, best: np.ndarray, errors: float = 1.0) -> bool:
    """Whether `found` (n,) beats `best` (n,), target by target, by more than so many standard errors, and by enough to matter."""
    ahead = found - best
    return bool(len(ahead)) and bool(ahead.mean() > max(errors * standard_error(ahead), WORTH))


def as_good(found: np.ndarray, best: np.ndarray, tolerance: float, errors: float = 1.0) -> bool:
    """Whether `found` is behind `best` by no more than so many standard errors, or by a share of `tolerance` of its mean."""
    behind = best - found
    return bool(behind.mean() <= max(errors * standard_error(behind), tolerance * float(best.mean())))


def standard_error(values: np.ndarray) -> float:
    """Of the mean of n values."""
    return float(values.std()) / float(np.sqrt(max(len(values), 1)))
