"""What is hidden to choose and to measure by: thinned products, half of which are kept for the report, and a shopper split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.core.errors import TrainingError
from engine.core.settings import EvaluationSettings
from engine.evaluation.metrics import ndcg_at_k, surprise_relevance, top_k
from engine.evaluation.published_task import TaskSplit, fewest_bought, low_traffic, split_by_shopper
from engine.evaluation.thinning import LEVELS, Thinned, thin

__all__ = [
    "MANY_ITEMS",
    "K",
    "ShopperSplit",
    "Targets",
    "ThinnedTargets",
    "draw_shopper_split",
    "draw_targets",
    "reported_half",
    "shopper_rng",
]

K = 10
"""Neighbours and recommendations that count."""

MIN_LEFT = 30
"""Products that must have interactions when some are hidden: with fewer, a predictor may find too few to learn from."""
MAX_SHOPPERS = 2000
MANY_ITEMS = 8000
"""In a larger catalogue a quarter as many shoppers are looked at: each is compared with every product."""


@dataclass(frozen=True)
class Targets:
    """Products to find neighbours for, and what good neighbours are.

    Attributes
    ----------
    rows : (n,) int, rows of items.
    gains : (n, n_items) float64, what is relevant to each, and how much.
    allowed : (n_items,) bool, the candidates.
    """

    rows: np.ndarray
    gains: sparse.csr_matrix
    allowed: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, places: np.ndarray) -> Targets:
        """Some of them, by a mask or by their places."""
        return Targets(self.rows[places], self.gains[places], self.allowed)

    def judged(self) -> Targets:
        """Those to which something is relevant."""
        return self[np.flatnonzero(np.diff(self.gains.indptr))]

    def ndcg(self, scores: np.ndarray, k: int = K) -> np.ndarray:
        """NDCG@k of scores (n, n_items), (n,) float64; NaN where nothing is relevant."""
        return ndcg_at_k(top_k(scores, k, self.allowed), self.gains, k)


@dataclass(frozen=True)
class ThinnedTargets:
    """A thinned split and its truth; `reported` (n_targets,) bool is the half that no choice may look at."""

    split: Thinned
    gains: sparse.csr_matrix
    reported: np.ndarray

    @property
    def validation(self) -> Targets:
        """The half that choices are made on."""
        tuning = np.flatnonzero(~self.reported)
        return Targets(self.split.targets[tuning], self.gains[tuning], self.split.candidates)

    @property
    def counts(self) -> np.ndarray:
        """(n_items,) int64, interactions that are left."""
        return np.bincount(self.split.train.indices, minlength=self.split.train.shape[1])


@dataclass(frozen=True)
class ShopperSplit:
    """A fifth of what each shopper did hidden.

    Attributes
    ----------
    shoppers : (n,) int, rows of the shoppers that are looked at.
    candidates : (n_items,) bool by name: the products that may be recommended.
    """

    task: TaskSplit
    shoppers: np.ndarray
    candidates: dict[str, np.ndarray]

    @property
    def counts(self) -> np.ndarray:
        """(n_items,) int64, interactions that are left."""
        return np.bincount(self.task.train.indices, minlength=self.task.train.shape[1])


def draw_targets(user_items: sparse.csr_matrix, settings: EvaluationSettings, seed: int) -> ThinnedTargets:
    """The same for the same data, settings and seed. Raises `TrainingError` where the shop is too small for it."""
    rng = np.random.default_rng(seed)
    split = thin(
        user_items,
        rng,
        min_interactions=settings.min_interactions,
        target_share=settings.target_share,
        max_targets=settings.max_targets,
    )
    left = len(np.unique(split.train.indices))
    if left < MIN_LEFT:
        raise TrainingError(
            f"Only {left} products keep interactions when some are hidden, too few to choose settings or to measure quality. "
            "Load more interactions."
        )
    gains = surprise_relevance(split.half_b, split.train, split.targets, allowed=split.candidates)
    return ThinnedTargets(split, gains, reported_half(split, rng))


def reported_half(split: Thinned, rng: np.random.Generator) -> np.ndarray:
    """(n_targets,) bool: a random half of each level's targets; the other half tunes."""
    reported = np.zeros(len(split.targets), dtype=bool)
    for level in LEVELS:
        at_level = rng.permutation(np.flatnonzero(split.m == level))
        reported[at_level[: (len(at_level) + 1) // 2]] = True
    return reported


def shopper_rng(seed: int) -> np.random.Generator:
    """What the shopper split, and what is drawn for choosing on it, are drawn from."""
    return np.random.default_rng([seed, 2])


def draw_shopper_split(
    user_items: sparse.csr_matrix, settings: EvaluationSettings, rng: np.random.Generator
) -> ShopperSplit:
    """The split of the published task, and the shoppers that are looked at."""
    split = split_by_shopper(user_items, rng, settings.held_out_share)
    most = MAX_SHOPPERS if user_items.shape[1] <= MANY_ITEMS else MAX_SHOPPERS // 4
    shoppers = rng.permutation(user_items.shape[0])[:most]
    candidates = {
        "low_traffic": low_traffic(split.train, settings.low_traffic),
        "fewest_bought": fewest_bought(split.train),
    }
    return ShopperSplit(split, shoppers, candidates)
