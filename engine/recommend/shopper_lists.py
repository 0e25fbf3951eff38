"""What a release would recommend to the shoppers it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.catalogue.traffic import Traffic
from engine.core.errors import NotFoundError
from engine.models.recipe import Recipe
from engine.models.user_scoring import UserScorer, favoured
from engine.release.files import ReleaseFiles

__all__ = ["SHOPPER_FILES", "ShopperLists"]

SHOPPER_FILES: Mapping[str, str] = {"als": "item_factors.npy", "hybrid": "hybrid.npy"}
"""What a shopper's vector is multiplied with, by arm: the items' own factors, or what they and their look-alikes have."""

_DECIMALS = 6  # scores this close are ties, decided by row


class ShopperLists:
    """Products ranked for shoppers, by arm.

    Parameters
    ----------
    recipe : the release's; says how the hybrid serves shoppers.
    counts : (n_items,) interactions.
    user_items : (n_users, n_items). user_factors : (n_users, d) float32.
    profiles : (n_items, rank) float32. factors : arm -> (n_items, d) float32, of `SHOPPER_FILES`.
    """

    def __init__(
        self,
        files: ReleaseFiles,
        recipe: Recipe,
        counts: NDArray[np.int64],
        user_items: sparse.csr_matrix,
        user_factors: NDArray[np.float32],
        profiles: NDArray[np.float32],
        factors: Mapping[str, NDArray[np.float32]],
    ) -> None:
        self._files, self._recipe, self._counts = files, recipe, counts
        self._user_items, self._user_factors = user_items, user_factors
        self._profiles, self._factors = profiles, factors
        self._long_tail = Traffic.of(counts).is_long_tail(counts)

    def get_ready(self) -> None:
        """Work out what is worked out once, so that the first shopper need not wait for it."""
        _ = self._scorer

    def ranked(
        self, user: int, arm: str, candidates: NDArray[np.int64], k: int, favour: float | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The k best of the candidate rows that a shopper does not have: rows and scores, best first.

        Raises `NotFoundError` naming the arms that serve shoppers.

        Parameters
        ----------
        favour : as for `engine.models.user_scoring.favoured`, for the hybrid; the recipe's unless given.
        """
        scores = np.asarray(self._scores(user, arm), dtype=np.float64)
        allowed = np.zeros(len(scores), dtype=bool)
        allowed[candidates] = True
        allowed[self._user_items.indices[slice(*self._user_items.indptr[user : user + 2])]] = False
        rows = np.flatnonzero(allowed)
        times = 1.0 if arm != "hybrid" else self._recipe.favour if favour is None else favour
        filled = np.round(favoured(scores[rows], self._long_tail[rows], times), _DECIMALS)
        if 0 < k < len(rows):  # of a million, only those that may be among the best are sorted
            near = np.flatnonzero(filled >= np.partition(filled, -k)[-k])
            rows, filled = rows[near], filled[near]
        rows = rows[np.argsort(-filled, kind="stable")[: max(k, 0)]]
        rows = rows[np.argsort(-np.round(scores[rows], _DECIMALS), kind="stable")]
        return rows, scores[rows]

    def reasons(self, user: int, rows: NDArray[np.int64], n: int = 2) -> list[list[int]]:
        """Of each row that the hybrid recommends: up to n rows that the shopper has and that it goes with most, best first."""
        history = self._user_items.indices[slice(*self._user_items.indptr[user : user + 2])]
        adds = self._scorer.going_with(history, rows, self._recipe.user_scoring)
        best = np.argsort(-adds, axis=0, kind="stable")[:n]
        return [[int(history[one]) for one in best[:, place] if adds[one, place] > 0] for place in range(len(rows))]

    def _scores(self, user: int, arm: str) -> NDArray[np.float32]:
        """(n_items,) by their own factors, or for the hybrid by what they have."""
        if arm not in self._factors:
            raise NotFoundError(f"Shoppers are served by {', '.join(self._factors)}, not by {arm!r}.")
        if arm == "hybrid":
            return np.asarray(self._scorer(self._user_items[[user]], self._recipe.user_scoring)[0])
        return np.asarray(self._factors[arm] @ self._user_factors[user])

    @cached_property
    def _scorer(self) -> UserScorer:
        n_items, items = len(self._counts), self._recipe.user_scoring.items
        weights = {} if items is None else {items: self._files.csr("item_weights.npz", (n_items, n_items))}
        return UserScorer(self._profiles, self._factors["hybrid"], self._counts, weights)
