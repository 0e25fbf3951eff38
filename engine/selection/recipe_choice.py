"""What a catalogue's hybrid is made of, chosen on thinned validation targets that no report uses.

Coordinate by coordinate from the recipe that did best on several shops, on a sample of items so that a try takes a fraction
of a second; a change is kept only where it is better by more than one standard error. Last, behaviour compared directly is
added where that is clearly better, and a range of counts is given to the best single arm where that beats the hybrid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from engine.arms.fusion import ArmVectors, similarities
from engine.arms.hybrid import Recipe, candidates_of, default_recipe, hybrid_arm
from engine.core.vectors import unit_rows
from engine.models.smoother import Rows, fit_smoother

__all__ = ["BUCKETS", "BUSY", "choose_recipe", "ndcg_of", "with_behaviour", "with_fallback"]

WORTH = 0.002
LANDMARKS = 800
RANKS = (0.25, 0.5, 1.0)
EXPONENTS = (0.0, 0.25, 0.5, 0.75)
NOISES = (10.0, 30.0, 90.0, 270.0)
BEHAVIOUR_WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0)
BUCKETS = ((0, 0), (1, 3), (4, 10))
"""Interaction counts that share an answer, both ends included."""

BUSY = 11
"""From this many interactions on a product is busier than any that was thinned."""


def choose_recipe(
    factors: np.ndarray,
    counts: np.ndarray,
    views: Mapping[str, Rows],
    targets: np.ndarray,
    gains: sparse.csr_matrix,
    allowed: np.ndarray,
    seed: int,
    *,
    k: int = 10,
) -> tuple[Recipe, list[dict[str, Any]]]:
    """The recipe with the best mean NDCG@k, and all that was tried.

    Parameters
    ----------
    factors : (n_items, rank) residual factors of thinned interactions, `counts` (n_items,) of the same.
    targets, gains, allowed : validation rows, `(n_targets, n_items)` relevance, `(n_items,) bool` candidates.
    """
    recipe = replace(default_recipe(views, len(counts)), rank=factors.shape[1])
    judged = np.flatnonzero(np.diff(gains.indptr))
    if not len(judged):
        return recipe, []
    rows, wanted = targets[judged], gains[judged]
    kept = _sample(counts, seed)
    tried: list[dict[str, Any]] = []
    asked = {view: vectors[rows] for view, vectors in views.items()}

    def queries(some: Recipe) -> np.ndarray:
        smoother = fit_smoother(
            factors[kept], counts[kept], {view: vectors[kept] for view, vectors in views.items()}, some.kernel(),
            noise=some.noise, seed=seed, max_landmarks=LANDMARKS,
        )  # fmt: skip
        return smoother(asked)

    def score(some: Recipe, query: np.ndarray) -> np.ndarray:
        real = candidates_of(factors[:, : some.rank], np.zeros_like(factors[:, : some.rank]), counts, some.exponent)
        found = ndcg_of(unit_rows(query[:, : some.rank]) @ real.T, wanted, allowed, k)
        tried.append(some.to_dict() | {"ndcg": round(float(found.mean()), 4)})
        return found

    query = queries(recipe)
    best = score(recipe, query)
    for step in _kernel_steps:
        for other in step(recipe, views):
            moved = queries(other)
            found = score(other, moved)
            if _better(found, best):
                best, recipe, query = found, other, moved
    for exponent in EXPONENTS:
        other = replace(recipe, exponent=exponent)
        if exponent != recipe.exponent and _better(found := score(other, query), best):
            best, recipe = found, other
    for share in RANKS[:-1]:
        other = replace(recipe, rank=max(2, round(share * factors.shape[1])))
        if _better(found := score(other, query), best):
            best, recipe = found, other
    return recipe, tried


def with_fallback(
    recipe: Recipe,
    hybrid: ArmVectors,
    arms: Mapping[str, ArmVectors],
    counts: np.ndarray,
    targets: np.ndarray,
    gains: sparse.csr_matrix,
    allowed: np.ndarray,
    *,
    k: int = 10,
) -> Recipe:
    """The recipe with the best single arm wherever it beats the hybrid by more than one standard error."""
    judged = np.flatnonzero(np.diff(gains.indptr))
    fallback: dict[int, str] = {}
    for low, high in BUCKETS:
        here = judged[(counts[targets[judged]] >= low) & (counts[targets[judged]] <= high)]
        if len(here) < 5:
            continue
        own = ndcg_of(similarities(hybrid, targets[here]), gains[here], allowed, k)
        ahead = {
            name: ndcg_of(similarities(arm, targets[here]), gains[here], allowed, k) - own for name, arm in arms.items()
        }
        name = max(ahead, key=lambda arm: float(ahead[arm].mean()))
        if _better(ahead[name], np.zeros(len(here))):
            fallback |= {low: name, high + 1: "hybrid"}
    return replace(recipe, fallback=dict(sorted(_tidied(fallback).items())))


def with_behaviour(
    recipe: Recipe,
    hybrid: tuple[np.ndarray, np.ndarray],
    arms: Mapping[str, ArmVectors],
    counts: np.ndarray,
    targets: np.ndarray,
    gains: sparse.csr_matrix,
    allowed: np.ndarray,
    *,
    low: int,
    high: int | None,
    k: int = 10,
) -> Recipe:
    """The recipe with the weight that the cosine of ALS factors should have beside the hybrid at `low` to `high` interactions.

    The weight of the best mean NDCG@k, where that is ahead of none by more than one standard error; else none.

    Parameters
    ----------
    hybrid : (n_items, rank) query and candidates of `fit_hybrid`; `arms` has "als".
    high : the last count that is meant; None for no end.
    """
    judged = np.flatnonzero(np.diff(gains.indptr))
    count = counts[targets[judged]]
    here = judged[(count >= low) & (count <= (count.max(initial=0) if high is None else high))]
    after = {high + 1: 0.0} if high is not None and high + 1 not in recipe.behaviour else {}
    if len(here) < 5:
        return recipe
    query, candidates = hybrid

    def found(weight: float) -> np.ndarray:
        trial = replace(recipe, fallback={}, behaviour={0: weight} if weight else {})
        return ndcg_of(
            similarities(hybrid_arm(query, candidates, counts, trial, arms), targets[here]), gains[here], allowed, k
        )

    plain = found(0.0)
    ahead = {weight: found(weight) - plain for weight in BEHAVIOUR_WEIGHTS}
    weight = max(ahead, key=lambda one: float(ahead[one].mean()))
    if not _better(ahead[weight], np.zeros(len(here))):
        return recipe
    return replace(recipe, behaviour=dict(sorted((recipe.behaviour | {low: weight} | after).items())))


def ndcg_of(scores: np.ndarray, gains: sparse.csr_matrix, allowed: np.ndarray, k: int) -> np.ndarray:
    """(n,) NDCG@k of rows of scores `(n, n_items)`; every row of `gains` has something relevant."""
    wanted = np.asarray(gains.toarray())
    masked = np.where(allowed & np.isfinite(scores), scores, -np.inf)
    best = np.argsort(-masked, axis=1, kind="stable")[:, :k]
    found = np.where(np.isfinite(np.take_along_axis(masked, best, axis=1)), np.take_along_axis(wanted, best, axis=1), 0)
    discount = 1.0 / np.log2(np.arange(2, best.shape[1] + 2))
    ideal = np.sort(wanted, axis=1)[:, ::-1][:, :k] @ discount
    return np.asarray((found @ discount) / ideal)


def _better(found: np.ndarray, best: np.ndarray) -> bool:
    """Whether the mean over targets is higher by more than one standard error, and by enough to matter."""
    ahead = found - best
    return bool(ahead.mean() > max(float(ahead.std()) / np.sqrt(len(ahead)), WORTH))


def _noises(recipe: Recipe, views: Mapping[str, Rows]) -> Iterator[Recipe]:
    yield from (replace(recipe, noise=noise) for noise in NOISES if noise != recipe.noise)


def _without(recipe: Recipe, views: Mapping[str, Rows]) -> Iterator[Recipe]:
    if len(recipe.weights) > 1:
        for view in recipe.weights:
            yield replace(recipe, weights={name: w for name, w in recipe.weights.items() if name != view})


def _more(recipe: Recipe, views: Mapping[str, Rows]) -> Iterator[Recipe]:
    for view in views:
        yield replace(recipe, weights={**recipe.weights, view: recipe.weights.get(view, 0.0) + 1.0})


def _sharper(recipe: Recipe, views: Mapping[str, Rows]) -> Iterator[Recipe]:
    yield from (replace(recipe, sharpness=sharpness) for sharpness in (2.0, 8.0))


_kernel_steps = (_noises, _without, _more, _sharper)


def _sample(counts: np.ndarray, seed: int) -> np.ndarray:
    """Rows of at most `LANDMARKS` items with interactions, the busier the likelier."""
    observed = np.flatnonzero(counts > 0)
    if len(observed) <= LANDMARKS:
        return observed
    chance = np.sqrt(counts[observed])
    chosen = np.random.default_rng(seed).choice(len(observed), LANDMARKS, replace=False, p=chance / chance.sum())
    return observed[np.sort(chosen)]


def _tidied(fallback: dict[int, str]) -> dict[int, str]:
    """Without changes from an arm to itself."""
    tidy: dict[int, str] = {}
    last = "hybrid"
    for low, arm in sorted(fallback.items()):
        if arm != last:
            tidy[low] = last = arm
    return tidy
