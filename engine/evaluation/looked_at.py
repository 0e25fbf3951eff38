"""What choosing and measuring look at: the whole shop, or as many of its products as their budget affords.

The clock is never asked (`engine.evaluation.cost`), so the same data and settings look at the same products on any machine. A sample is made of whole groups
of similar products: drawn one by one, products would lose their look-alikes, and shoppers nearly all of what they have. Shoppers of whom one interaction is left tell
nothing about any two products and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from engine.arms.plan import TrainingPlan
from engine.core.settings import Settings
from engine.evaluation.cost import ShopSize, seconds
from engine.evaluation.fits import Content
from engine.evaluation.niches import neighbourhoods
from engine.models.recipe import max_rank
from engine.models.smoother import Capacity

__all__ = ["LookedAt", "look_at"]

LEAST_PRODUCTS = 4_000
"""Fewer say too little of a catalogue, whatever they cost."""
GROUPS, LARGEST_GROUP = 64, 640
"""A catalogue has so many groups, or as many as make them about so large."""
BY_LANDMARKS = 100
"""The smallest `smoother.exact`: a sample of a shop that landmarks stand for is fitted by landmarks too."""


@dataclass(frozen=True)
class LookedAt:
    """Products with everything that is known of them.

    Attributes
    ----------
    user_items : (n_users, n) interactions with them, of the shoppers that have several.
    content : of the same n products.
    rows : (n,) int64, ascending, their rows in the catalogue.
    n_items, n_interactions : of the whole shop.
    settings : what to choose and to measure with.
    """

    user_items: sparse.csr_matrix
    content: Content
    rows: np.ndarray
    n_items: int
    n_interactions: int
    settings: Settings

    @property
    def is_whole(self) -> bool:
        return len(self.rows) == self.n_items

    def facts(self) -> dict[str, Any]:
        """What figures rest on, for metrics.json: {"looked_at": {"products", "of", "interactions", "of_interactions", "budget_seconds"}}, and
        nothing where it is everything."""
        if self.is_whole:
            return {}
        sizes = {"products": len(self.rows), "of": self.n_items, "interactions": int(self.user_items.nnz)}
        budget = self.settings.evaluation.budget_seconds
        return {"looked_at": sizes | {"of_interactions": self.n_interactions, "budget_seconds": budget}}

    def for_catalogue(self, plan: TrainingPlan, settings: Settings) -> TrainingPlan:
        """The plan that was chosen on these products, for all of them: as large a share of the directions that are worth finding."""
        if self.is_whole:
            return plan
        share = plan.recipe.rank / max_rank(len(self.rows))
        rank = max(1, min(round(share * max_rank(self.n_items)), self.n_items - 1))
        capacity = Capacity(settings.smoother.exact, settings.smoother.landmarks)
        return replace(plan, recipe=replace(plan.recipe, rank=rank, capacity=capacity))

    def for_these(self, plan: TrainingPlan) -> TrainingPlan:
        """A plan for the whole catalogue, for these products: what `for_catalogue` would make it from."""
        share = plan.recipe.rank / max_rank(self.n_items)
        rank = max(1, min(round(share * max_rank(len(self.rows))), len(self.rows) - 1))
        capacity = Capacity(self.settings.smoother.exact, self.settings.smoother.landmarks)
        return replace(plan, recipe=replace(plan.recipe, rank=rank, capacity=capacity))


def look_at(user_items: sparse.csr_matrix, content: Content, settings: Settings) -> LookedAt:
    """The whole shop where `evaluation.budget_seconds` affords it, else a sample; the same for the same data, settings and seed."""
    matrix = sparse.csr_matrix(user_items)
    n_items = matrix.shape[1]
    landmarks = None if len(np.unique(matrix.indices)) <= settings.smoother.exact else settings.smoother.landmarks
    whole = ShopSize(n_items, matrix.shape[0], matrix.nnz, _width(content), landmarks)
    if n_items <= LEAST_PRODUCTS or seconds(whole, settings) <= settings.evaluation.budget_seconds:
        return LookedAt(matrix, content, np.arange(n_items), n_items, matrix.nnz, settings)
    rng = np.random.default_rng([settings.seed, 8])
    n_groups = max(GROUPS, n_items // LARGEST_GROUP)
    order = np.argsort(rng.permutation(n_groups)[neighbourhoods(content.vectors, n_groups, rng)], kind="stable")
    rows = np.sort(order[: _affordable(matrix, order, whole, settings)])
    some: sparse.csr_matrix = sparse.csr_matrix(matrix[:, rows])
    some = sparse.csr_matrix(some[np.flatnonzero(np.diff(some.indptr) > 1)])
    some.sort_indices()
    features = {name: block.take(rows) for name, block in content.features.items()}
    words = None if content.words is None else sparse.csr_matrix(content.words[rows])
    if landmarks is not None:
        smoother = settings.smoother.model_copy(update={"exact": BY_LANDMARKS})
        settings = settings.model_copy(update={"smoother": smoother})
    return LookedAt(some, Content(features, content.vectors[rows], words), rows, n_items, matrix.nnz, settings)


def _affordable(matrix: sparse.csr_matrix, order: np.ndarray, whole: ShopSize, settings: Settings) -> int:
    """The most products, at least `LEAST_PRODUCTS`, the first of `order`, of which choosing and measuring cost no more than the budget."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    places = place[matrix.indices]
    shopper = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))

    def cost(products: int) -> float:
        has = np.bincount(shopper[places < products])
        left = has[has > 1]
        return seconds(replace(whole, products=products, shoppers=len(left), interactions=int(left.sum())), settings)

    low, high = LEAST_PRODUCTS, len(order)
    while high - low > max(1, low // 50):
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= settings.evaluation.budget_seconds else (low, middle)
    return low


def _width(content: Content) -> int:
    """Numbers that the smoother compares of a product; words of a sparse view count as those that are there."""
    words = 0 if content.words is None else round(content.words.nnz / max(content.words.shape[0], 1))
    return 2 * int(content.vectors.shape[1]) + words
