"""What shoppers would like: products near their whole history, and products that go with something in it.

The score has two parts, each divided by its best among the products a shopper does not have. The first is the mean profile
of the history times the smoothed vectors: broad tastes. The second sums, over the history, how much each product goes with
the candidate: either a power of the cosine of smoothed vectors times the root of the candidate's interactions, so that one
close relative counts for more than many distant ones, or the weights of `engine.models.item_model`, which take into account
what else the shopper has. Each catalogue chooses the second part and its weight, on shoppers that no report uses.

Scores follow how often products are chosen, so hardly a long-tail product stands among a shopper's ten best, even where it is the best of
its kind. `favoured` counts the scores of long-tail products several times when it is decided what is in a list; within the list products
stand by their scores as they are, so that a guess that is less sure pushes no surer one down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from engine.core.vectors import SMALLEST_LENGTH, row_lengths
from engine.models.item_model import MAX_ITEMS, ItemModel, item_weights

__all__ = ["UserScorer", "UserScoring", "candidate_scorings", "favoured", "fit_user_scorer"]

ITEMS_AT_ONCE = 4096
SHOPPERS_AT_ONCE = 1024


@dataclass(frozen=True)
class UserScoring:
    """The second part and its `weight`; 0 leaves only the first.

    Attributes
    ----------
    power : of the cosine. items : the item model, which is the second part where there is one.
    """

    power: int = 1
    weight: float = 0.0
    items: ItemModel | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> UserScoring:
        """What `dataclasses.asdict` gave."""
        items = values["items"]
        return cls(**{**values, "items": None if items is None else ItemModel(**items)})


COSINES = tuple(
    UserScoring(power, weight) for power, weights in ((6, (0.5, 2.0)), (10, (0.5, 2.0, 8.0))) for weight in weights
)
ITEM_MODELS = tuple(
    UserScoring(1, weight, ItemModel(*model))
    for model, weights in (
        ((0.1, 0.5, 128), (1.0, 8.0)),
        ((0.5, 0.25, 32), (1.0, 2.0, 8.0)),
        ((0.5, 0.25, 16), (1.0, 2.0, 8.0)),
    )
    for weight in weights
)


def candidate_scorings(user_items: sparse.csr_matrix, n_items: int | None = None) -> tuple[UserScoring, ...]:
    """What is compared for a catalogue with these (n_users, n_items) interactions, the plainest first; `n_items` where they are a sample's."""
    fits = user_items.nnz > 0 and (n_items or user_items.shape[1]) <= MAX_ITEMS
    return (UserScoring(), *COSINES, *(ITEM_MODELS if fits else ()))


class UserScorer:
    """Scores of all items for shoppers, from the items that each has.

    Parameters
    ----------
    profiles : (n_items, d) float32, directions of real behaviour; zero rows for items without any.
    smoothed : (n_items, d) float32, `Hybrid.for_shoppers`.
    counts : (n_items,) interactions.
    weights : of every item model that is scored by, as `item_weights` gives them.
    """

    def __init__(
        self,
        profiles: np.ndarray,
        smoothed: np.ndarray,
        counts: np.ndarray,
        weights: Mapping[ItemModel, sparse.csr_matrix] | None = None,
    ):
        self._profiles, self._smoothed = profiles, smoothed
        lengths = row_lengths(smoothed)[:, 0]
        # Not a table of directions, which would be as large as the vectors.
        self._per_length = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > SMALLEST_LENGTH)
        self._roots = np.sqrt(np.maximum(counts, 0.5)).astype(np.float32)
        self._weights = dict(weights or {})

    def __call__(self, owned: sparse.csr_matrix, scoring: UserScoring) -> np.ndarray:
        """(n_shoppers, n_items) float32; `owned` has the same shape, and an entry wherever the shopper has the item."""
        return next(self.by_scoring(owned, (scoring,)))

    def by_scoring(self, owned: sparse.csr_matrix, scorings: tuple[UserScoring, ...]) -> Iterator[np.ndarray]:
        """The same for each of several scorings; equal second parts that follow each other are computed once."""
        has = sparse.csr_matrix((np.ones(owned.nnz, np.float32), owned.indices, owned.indptr), shape=owned.shape)
        broad = self._broad(has)
        made, second = None, broad
        for scoring in scorings:
            if not scoring.weight:
                yield broad
                continue
            if (scoring.power, scoring.items) != made:
                made = (scoring.power, scoring.items)
                second = self._close(has, scoring.power) if scoring.items is None else self._fitting(has, scoring.items)
            yield broad + np.float32(scoring.weight) * second

    def going_with(self, history: np.ndarray, rows: np.ndarray, scoring: UserScoring) -> np.ndarray:
        """(len(history), len(rows)) float32, what each product that a shopper has adds to the second part of each candidate's score; to
        the first where there is no second."""
        if not scoring.weight:
            return np.asarray(self._profiles[history] @ self._smoothed[rows].T)
        if scoring.items is not None:
            return np.asarray(self._weights[scoring.items][history][:, rows].toarray(), dtype=np.float32)
        return np.asarray(self._closeness(self._directions(history), rows, scoring.power) * self._roots[rows])

    def _broad(self, has: sparse.csr_matrix) -> np.ndarray:
        mean = (has @ self._profiles) / np.maximum(np.diff(has.indptr), 1)[:, None]
        return _by_best(np.asarray(mean, dtype=np.float32) @ self._smoothed.T, has)

    def _close(self, has: sparse.csr_matrix, power: int) -> np.ndarray:
        rows = np.unique(has.indices)
        histories = sparse.csr_matrix(has[:, rows])
        scores, directions = np.empty(has.shape, dtype=np.float32), self._directions(rows)
        for start in range(0, has.shape[1], ITEMS_AT_ONCE):
            items = slice(start, start + ITEMS_AT_ONCE)
            closeness = self._closeness(directions, items, power)
            own = np.flatnonzero((rows >= start) & (rows < start + ITEMS_AT_ONCE))
            closeness[own, rows[own] - start] = 0.0
            scores[:, items] = (histories @ closeness) * self._roots[items]
        return _by_best(scores, has)

    def _directions(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self._smoothed[rows] * self._per_length[rows, None])

    def _closeness(self, directions: np.ndarray, others: np.ndarray | slice, power: int) -> np.ndarray:
        """(n, others) float32, a power of what cosines with directions (n, d) are above 0."""
        cosines = directions @ self._smoothed[others].T
        cosines *= self._per_length[others]
        return np.asarray(np.maximum(cosines, 0.0, out=cosines) ** power)

    def _fitting(self, has: sparse.csr_matrix, model: ItemModel) -> np.ndarray:
        return _by_best(np.asarray((has @ self._weights[model]).toarray(), dtype=np.float32), has)


def fit_user_scorer(
    user_items: sparse.csr_matrix,
    profiles: np.ndarray,
    smoothed: np.ndarray,
    words: sparse.csr_matrix | None,
    scorings: tuple[UserScoring, ...],
) -> UserScorer:
    """A scorer for these scorings, learned from (n_users, n_items) interactions; the others as for `item_weights`."""
    models = list(dict.fromkeys(scoring.items for scoring in scorings if scoring.items is not None))
    weights = item_weights(user_items, smoothed, words, models) if models else []
    counts = np.bincount(user_items.indices, minlength=user_items.shape[1])
    return UserScorer(profiles, smoothed, counts, dict(zip(models, weights, strict=True)))


def favoured(scores: np.ndarray, long_tail: np.ndarray, favour: float) -> np.ndarray:
    """Scores, (..., n_items), with those above 0 of long-tail products, (n_items,) bool, `favour` times as high."""
    return np.where(long_tail & (scores > 0), scores * favour, scores)


def _by_best(scores: np.ndarray, has: sparse.csr_matrix) -> np.ndarray:
    """Rows divided by their best among the items that the shopper does not have; unchanged where none is above 0."""
    for start in range(0, len(scores), SHOPPERS_AT_ONCE):
        some = scores[start : start + SHOPPERS_AT_ONCE]
        best = np.where(has[start : start + SHOPPERS_AT_ONCE].toarray() > 0, 0.0, some).max(axis=1, initial=0.0)
        some /= np.where(best > 0, best, 1.0)[:, None].astype(np.float32)
    return scores
