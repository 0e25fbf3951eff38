"""What shoppers would like: products near their whole history, and products very near to something in it.

The score has two parts, each divided by its best among the products a shopper does not have. The first is the mean profile
of the history times the smoothed vectors: broad tastes, and all that is needed in shops with long histories. The second
sums a power of the cosine of smoothed vectors over the history, so that one close relative counts for more than many
distant ones; it finds products that hardly anybody has bought. Both grow with the root of the interactions. Each catalogue
chooses the second part's weight and power, on shoppers that no report uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.core.vectors import unit_rows

__all__ = ["USER_SCORINGS", "UserScorer", "UserScoring"]

ITEMS_AT_ONCE = 4096
SHOPPERS_AT_ONCE = 1024


@dataclass(frozen=True)
class UserScoring:
    """`power` of the cosine in the second part, and that part's `weight`; 0 leaves only the first."""

    power: int = 1
    weight: float = 0.0


USER_SCORINGS = (UserScoring(), *(UserScoring(power, weight) for power in (3, 6, 10) for weight in (0.5, 2.0)))
"""The candidates of every catalogue."""


class UserScorer:
    """Scores of all items for shoppers, from the items that each has.

    Parameters
    ----------
    profiles : (n_items, d) float32, directions of real behaviour; zero rows for items without any.
    smoothed : (n_items, d) float32, `Hybrid.for_shoppers`.
    counts : (n_items,) interactions.
    """

    def __init__(self, profiles: np.ndarray, smoothed: np.ndarray, counts: np.ndarray):
        self._profiles, self._smoothed = profiles, smoothed
        self._directions = unit_rows(np.asarray(smoothed, dtype=np.float32))
        self._roots = np.sqrt(np.maximum(counts, 0.5)).astype(np.float32)

    def __call__(self, owned: sparse.csr_matrix, scoring: UserScoring) -> np.ndarray:
        """(n_shoppers, n_items) float32; `owned` has the same shape, and an entry wherever the shopper has the item."""
        return next(self.by_scoring(owned, (scoring,)))

    def by_scoring(self, owned: sparse.csr_matrix, scorings: tuple[UserScoring, ...]) -> Iterator[np.ndarray]:
        """The same for each of several scorings; consecutive equal powers are computed once."""
        has = sparse.csr_matrix((np.ones(owned.nnz, np.float32), owned.indices, owned.indptr), shape=owned.shape)
        broad = self._broad(has)
        power, close = 0, broad
        for scoring in scorings:
            if not scoring.weight:
                yield broad
                continue
            if scoring.power != power:
                power, close = scoring.power, self._close(has, scoring.power)
            yield broad + np.float32(scoring.weight) * close

    def _broad(self, has: sparse.csr_matrix) -> np.ndarray:
        mean = (has @ self._profiles) / np.maximum(np.diff(has.indptr), 1)[:, None]
        return _by_best(np.asarray(mean, dtype=np.float32) @ self._smoothed.T, has)

    def _close(self, has: sparse.csr_matrix, power: int) -> np.ndarray:
        rows = np.unique(has.indices)
        histories = sparse.csr_matrix(has[:, rows])
        scores = np.empty(has.shape, dtype=np.float32)
        for start in range(0, has.shape[1], ITEMS_AT_ONCE):
            items = np.arange(start, min(start + ITEMS_AT_ONCE, has.shape[1]))
            closeness = np.maximum(self._directions[rows] @ self._directions[items].T, 0.0) ** power
            closeness[rows[:, None] == items[None, :]] = 0.0
            scores[:, items] = (histories @ closeness) * self._roots[items]
        return _by_best(scores, has)


def _by_best(scores: np.ndarray, has: sparse.csr_matrix) -> np.ndarray:
    """Rows divided by their best among the items that the shopper does not have; unchanged where none is above 0."""
    for start in range(0, len(scores), SHOPPERS_AT_ONCE):
        some = scores[start : start + SHOPPERS_AT_ONCE]
        best = np.where(has[start : start + SHOPPERS_AT_ONCE].toarray() > 0, 0.0, some).max(axis=1, initial=0.0)
        some /= np.where(best > 0, best, 1.0)[:, None].astype(np.float32)
    return scores
