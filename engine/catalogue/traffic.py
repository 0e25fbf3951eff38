"""Which products carry a shop's traffic: its head, its middle and its long tail, told by interaction counts.

Head: the most clicked products that together hold `HEAD_SHARE` of all interactions (in most shops about a fifth of the
catalogue). Long tail: the least clicked ones that together hold the last `TAIL_SHARE`, and every product outside the head
with fewer than `FEW` interactions. Ties fall on the same side, so that two products with the same count always have the
same level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["FEW", "HEAD_SHARE", "LEVELS", "TAIL_SHARE", "Level", "Traffic"]

Level = Literal["head", "middle", "tail", "none"]
LEVELS: tuple[Level, ...] = ("head", "middle", "tail", "none")
HEAD_SHARE = 0.8
TAIL_SHARE = 0.05
FEW = 5


@dataclass(frozen=True)
class Traffic:
    """The counts at which the levels begin.

    Attributes
    ----------
    head_from : products with at least this many interactions are the head.
    tail_below : products with fewer (and at least one) are the long tail; those with none are "none".
    median : the median product's interaction count.
    """

    head_from: int
    tail_below: int
    median: float

    @classmethod
    def of(cls, counts: ArrayLike) -> Traffic:
        """Of the interaction counts of a whole catalogue, (n_items,) of non-negative integers."""
        values = np.sort(np.asarray(counts, dtype=np.int64))[::-1]
        total = int(values.sum())
        if total == 0:
            return cls(head_from=1, tail_below=1, median=0.0)
        held = np.cumsum(values) / total
        head_from = int(values[np.searchsorted(held, HEAD_SHARE)])
        last_before_tail = int(values[np.searchsorted(held, 1 - TAIL_SHARE)])
        return cls(head_from, min(max(last_before_tail, FEW), head_from), float(np.median(values)))

    def level(self, count: int) -> Level:
        """The level of a product with `count` interactions."""
        if count <= 0:
            return "none"
        if count >= self.head_from:
            return "head"
        return "tail" if count < self.tail_below else "middle"

    def levels(self, counts: ArrayLike) -> np.ndarray:
        """(n,) int8, the position in `LEVELS` of every product's level."""
        values = np.asarray(counts)
        reached = [values > 0, (values > 0) & (values >= self.tail_below), (values > 0) & (values >= self.head_from)]
        return np.asarray(len(LEVELS) - 1 - np.sum(reached, axis=0, dtype=np.int8), dtype=np.int8)

    def is_long_tail(self, counts: ArrayLike) -> np.ndarray:
        """(n,) bool: products of the long tail, those without any interaction included."""
        return np.asarray(counts) < self.tail_below
