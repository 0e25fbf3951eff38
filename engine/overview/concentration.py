"""How a catalogue's interactions are spread over its products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.catalogue.traffic import HEAD_SHARE, LEVELS, Level, Traffic

__all__ = ["TrafficGroup", "products_carrying", "traffic_groups"]


@dataclass(frozen=True)
class TrafficGroup:
    """A level of traffic: how many products have it, and how many interactions they have together."""

    level: Level
    products: int
    interactions: int


def products_carrying(counts: ArrayLike, share: float = HEAD_SHARE) -> int:
    """The smallest number of products that together have this share of all interactions; 0 where there are none.

    Parameters
    ----------
    counts : (n_items,) of non-negative integers.
    """
    values = np.sort(np.asarray(counts, dtype=np.int64))[::-1]
    held = np.cumsum(values)
    if not len(values) or not held[-1]:
        return 0
    return int(np.searchsorted(held, share * held[-1])) + 1


def traffic_groups(counts: ArrayLike, traffic: Traffic) -> Sequence[TrafficGroup]:
    """One for each of `LEVELS`, in that order, empty ones too."""
    values, places = np.asarray(counts, dtype=np.int64), traffic.levels(counts)
    return [
        TrafficGroup(level, int((places == place).sum()), int(values[places == place].sum()))
        for place, level in enumerate(LEVELS)
    ]
