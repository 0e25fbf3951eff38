"""The hybrid: behaviour that chance does not explain, carried over to look-alikes, as one inner product per pair.

    residual factors Z  ->  smoothed over views of the content (queries)  ->  among Z itself (candidates)

A query is the posterior of `engine.models.smoother`: of a product without clicks what its look-alikes' shoppers did, of
a bestseller what its own did. Candidates are real behaviour, shortened by a power of their length. Which views count how
much, the noise of a click, the rank and that power are chosen per catalogue (`engine.selection.recipe_choice`).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from engine.arms.fusion import ArmVectors
from engine.core.vectors import unit_rows
from engine.models.correction import Correction
from engine.models.encoders.base import Features
from engine.models.residual import residual_factors
from engine.models.smoother import Kernel, Rows, Smoother, fit_smoother
from engine.models.user_scoring import UserScoring

__all__ = [
    "Hybrid",
    "Recipe",
    "Standard",
    "answering",
    "arms_beside",
    "asked_of",
    "behaviour_weights",
    "candidates_of",
    "default_recipe",
    "fit_hybrid",
    "fit_standard",
    "hybrid_arm",
    "hybrid_queries",
    "max_rank",
]

SHARPNESS = 4.0
UNSEEN_WEIGHT = 0.5
"""A candidate without interactions counts as if it had this many, all of them its look-alikes'."""


@dataclass(frozen=True)
class Recipe:
    """What a catalogue chose.

    Attributes
    ----------
    weights : of each view in the kernel: "words", "content" (all modalities), "prediction", or one modality.
    sharpness : of all dense views.
    noise : interactions at which an item's own shoppers weigh as much as its look-alikes.
    rank : residual directions kept.
    exponent : candidates are divided by their length to this power; 1 compares directions alone.
    fallback : {lowest count: arm}: from this many interactions on another arm answers, "hybrid" for itself.
    behaviour : {lowest count: weight}: from this many interactions on the cosine of ALS factors is added with this
        weight, both brought to the same spread over the candidates; smallest counts weigh 0.
    user_scoring : how shoppers are served.
    """

    weights: dict[str, float]
    sharpness: float = SHARPNESS
    noise: float = 30.0
    rank: int = 256
    exponent: float = 0.5
    fallback: dict[int, str] = field(default_factory=dict)
    behaviour: dict[int, float] = field(default_factory=dict)
    user_scoring: UserScoring = field(default_factory=UserScoring)

    def kernel(self) -> Kernel:
        """The kernel over the views that count."""
        weights = {view: weight for view, weight in self.weights.items() if weight > 0}
        return Kernel({view: 0.0 if view == "words" else self.sharpness for view in weights}, weights)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        steps: dict[str, dict[int, Any]] = {"fallback": self.fallback, "behaviour": self.behaviour}
        return asdict(self) | {name: {str(count): to for count, to in one.items()} for name, one in steps.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """What `to_dict` gave."""
        fallback = {int(count): arm for count, arm in values["fallback"].items()}
        behaviour = {int(count): weight for count, weight in values.get("behaviour", {}).items()}
        user_scoring = UserScoring(**values.get("user_scoring", {}))
        return cls(**{**values, "fallback": fallback, "behaviour": behaviour, "user_scoring": user_scoring})


@dataclass(frozen=True)
class Standard:
    """How features become views: the catalogue's mean of each modality, (d,) float32, is taken out."""

    means: dict[str, np.ndarray]

    def views(
        self, features: Mapping[str, Features], predicted: np.ndarray, words: sparse.csr_matrix | None
    ) -> dict[str, Rows]:
        """Every view of n items; a modality that an item lacks is a zero row."""
        blocks: dict[str, np.ndarray] = {}
        for modality, mean in self.means.items():
            if modality in features:
                block = features[modality]
                blocks[modality] = unit_rows(np.where(block.present[:, None], block.values - mean, np.float32(0.0)))
            else:
                blocks[modality] = np.zeros((len(predicted), len(mean)), dtype=np.float32)
        views: dict[str, Rows] = {"content": unit_rows(np.concatenate(list(blocks.values()), axis=1))}
        if len(blocks) > 1:
            views |= blocks
        views["prediction"] = unit_rows(predicted)
        if words is not None:
            views["words"] = words
        return views


def fit_standard(features: Mapping[str, Features]) -> Standard:
    """The mean of each modality over the items that have it."""
    return Standard({m: f.values[f.present].mean(axis=0) for m, f in features.items() if f.present.any()})


def max_rank(n_items: int) -> int:
    """Directions worth finding in a catalogue of this size; more are noise, and slow to find."""
    return int(np.clip(n_items // 14, 16, 256))


def default_recipe(views: Container[str], n_items: int) -> Recipe:
    """Where nothing could be measured: all of words, content and prediction alike."""
    weights = {view: 1.0 for view in ("words", "content", "prediction") if view in views}
    return Recipe(weights, rank=max_rank(n_items))


@dataclass(frozen=True)
class Hybrid:
    """A fitted hybrid.

    Attributes
    ----------
    query : (n_items, rank) float32, the smoothed vectors; `candidates` : (n_items, rank) float32, each at most of length 1.
    profiles : (n_items, rank) float32, directions of real behaviour; zero rows where there is none.
    for_shoppers : (n_items, rank) float32, the smoothed vectors, longer by the root of the interactions: what
        `engine.models.user_scoring` compares histories with.
    observed_lengths : (n_items,) float32, of the vectors that were observed, 0 without interactions; their directions are
        `profiles`.
    correction : what people judged, where a training learned from it; `query` has it in it.
    """

    recipe: Recipe
    standard: Standard
    smoother: Smoother
    query: np.ndarray
    candidates: np.ndarray
    profiles: np.ndarray
    for_shoppers: np.ndarray
    observed_lengths: np.ndarray
    correction: Correction | None = None

    def corrected(self, correction: Correction, views: Mapping[str, Rows]) -> Hybrid:
        """The same, asking as people judged; products without a query stay without."""
        moved = unit_rows(self.query) + correction.of_catalogue(views)
        known = np.any(self.query, axis=1)[:, None]
        return replace(self, query=np.where(known, moved, np.float32(0.0)), correction=correction)


def fit_hybrid(
    user_items: sparse.csr_matrix,
    counts: np.ndarray,
    standard: Standard,
    views: Mapping[str, Rows],
    recipe: Recipe,
    seed: int,
    *,
    factors: np.ndarray | None = None,
) -> Hybrid:
    """Fit on (n_users, n_items) interactions.

    Parameters
    ----------
    factors : (n_items, at least recipe.rank) residual factors of these interactions where they are known already.

    Raises `TrainingError` where there is nothing to learn from.
    """
    known = residual_factors(user_items, recipe.rank, seed) if factors is None else factors
    known = known[:, : recipe.rank]
    smoother = fit_smoother(known, counts, views, recipe.kernel(), noise=recipe.noise, seed=seed, keep_factor=True)
    query = smoother(views)
    length = np.sqrt(np.maximum(counts, UNSEEN_WEIGHT)).astype(np.float32)[:, None]
    candidates = candidates_of(known, query, counts, recipe.exponent)
    observed = np.linalg.norm(known, axis=1) / np.sqrt(np.maximum(counts, 1))
    return Hybrid(
        recipe, standard, smoother, query, candidates, unit_rows(known), query * length, observed.astype(np.float32)
    )


def candidates_of(factors: np.ndarray, query: np.ndarray, counts: np.ndarray, exponent: float) -> np.ndarray:
    """Real behaviour where there is some, a little of the look-alikes' where there is none; the longest has length 1."""
    vectors = np.where((counts > 0)[:, None], factors, np.float32(np.sqrt(UNSEEN_WEIGHT)) * query)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    weights = np.power(lengths, 1.0 - exponent, where=lengths > 0, out=np.zeros_like(lengths))
    return np.asarray(unit_rows(vectors) * weights / max(float(weights.max()), 1e-12), dtype=np.float32)


def hybrid_arm(
    query: np.ndarray, candidates: np.ndarray, counts: np.ndarray, recipe: Recipe, arms: Mapping[str, ArmVectors]
) -> ArmVectors:
    """Unit rows whose cosines rank as the inner products of `query` and `candidates` do.

    Where the recipe falls back to another arm for some counts, or adds behaviour, that arm's vectors stand beside as
    further columns. One more column, 0 in queries, brings candidates to length 1.

    Parameters
    ----------
    query : (n, rank) smoothed vectors of anchors, `counts` (n,) their interactions.
    candidates : (n_items, rank), each at most of length 1.
    arms : the others, with n queries and n_items candidates each.
    """
    asked = asked_of(query, candidates, counts, recipe, arms)
    blocks = [candidates, *(arms[name].candidates for name in arms_beside(recipe))]
    beside = np.concatenate(blocks, axis=1) / np.float32(np.sqrt(len(blocks)))
    rest = np.sqrt(np.maximum(1.0 - np.square(beside).sum(axis=1, keepdims=True), 0.0))
    known: np.ndarray = np.any(candidates, axis=1)
    has_list: np.ndarray = np.any(asked, axis=1)
    return ArmVectors(asked, np.asarray(np.hstack([beside, rest]) * known[:, None], dtype=np.float32), has_list, known)


def asked_of(
    query: np.ndarray, candidates: np.ndarray, counts: np.ndarray, recipe: Recipe, arms: Mapping[str, ArmVectors]
) -> np.ndarray:
    """The query side of `hybrid_arm`, (n, d) float32, behaviour added where the recipe adds it; parameters as there."""
    asked = hybrid_queries(query, counts, recipe, {name: arm.query for name, arm in arms.items()})
    added = behaviour_weights(counts, recipe)
    return _with_behaviour(asked, candidates, arms["als"], added) if added.any() else asked


def hybrid_queries(
    query: np.ndarray, counts: np.ndarray, recipe: Recipe, others: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The query side of `hybrid_arm` before behaviour is added, (n, d) float32; complete for items without interactions.

    `others` are the queries of the other arms.
    """
    chosen = answering(counts, recipe)
    parts = [np.where((chosen == "hybrid")[:, None], unit_rows(query), np.float32(0.0))]
    parts += [np.where((chosen == name)[:, None], others[name], np.float32(0.0)) for name in arms_beside(recipe)]
    return np.concatenate([*parts, np.zeros((len(query), 1), dtype=np.float32)], axis=1, dtype=np.float32)


def arms_beside(recipe: Recipe) -> list[str]:
    """The arms whose vectors stand beside the hybrid's own."""
    added = {"als"} if any(recipe.behaviour.values()) else set()
    return sorted(set(recipe.fallback.values()) - {"hybrid"} | added)


def _with_behaviour(asked: np.ndarray, candidates: np.ndarray, als: ArmVectors, weights: np.ndarray) -> np.ndarray:
    """Queries with the ALS query in its columns wherever the hybrid itself answers; unit rows.

    Both similarities are divided by their root mean square over the candidates, row by row, so that a weight of 1
    lets them speak equally loud. "als" is the first name among the arms, so its columns follow the hybrid's own.
    """
    rank, width = candidates.shape[1], als.query.shape[1]
    own = asked[:, :rank]
    mixed = (weights > 0) & own.any(axis=1) & als.has_list
    spread, theirs = _spread(own[mixed], candidates), _spread(als.query[mixed], als.candidates)
    scale = (weights[mixed] * spread / np.maximum(theirs, 1e-12)).astype(np.float32)
    full = asked.copy()
    full[mixed, rank : rank + width] = scale[:, None] * als.query[mixed]
    return unit_rows(full)


def _spread(query: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """(n,) root mean square of each query's inner products with all candidates, without forming them."""
    gram = candidates.T @ candidates / np.float32(len(candidates))
    return np.asarray(np.sqrt(np.maximum(np.einsum("ij,ij->i", query @ gram, query), 0.0)))


def behaviour_weights(counts: np.ndarray, recipe: Recipe) -> np.ndarray:
    """(n,) float64, what the cosine of ALS factors counts beside the hybrid for items with these interactions."""
    weights = np.zeros(len(counts))
    for least, weight in sorted(recipe.behaviour.items()):
        weights[counts >= least] = weight
    return weights


def answering(counts: np.ndarray, recipe: Recipe) -> np.ndarray:
    """(n,) the arm that answers for items with these interactions."""
    arms = np.full(len(counts), "hybrid", dtype=object)
    for least, arm in sorted(recipe.fallback.items()):
        arms[counts >= least] = arm
    return arms
