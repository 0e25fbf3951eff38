"""What a catalogue's hybrid is made of, chosen on thinned validation targets that no report uses.

Coordinate by coordinate from the recipe that did best on several shops, on a sample of items so that a try takes a fraction
of a second; a change is kept only where it is better by more than one standard error. Last, behaviour compared directly is
added where that is clearly better, and a range of counts is given to the best single arm where that beats the hybrid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from engine.arms.geometry import ArmVectors, similarities
from engine.arms.hybrid import hybrid_arm
from engine.arms.hybrid_fit import candidates_of
from engine.arms.plan import Trial
from engine.arms.registry import channels
from engine.core.vectors import unit_rows
from engine.evaluation.targets import Targets
from engine.models.kernel import Rows
from engine.models.recipe import Recipe, default_recipe
from engine.models.smoother import fit_smoother

__all__ = ["BUCKETS", "BUSY", "choose_recipe", "with_channels", "with_fallback"]

WORTH = 0.002
FEWEST = 5
"""Validation targets that a range of counts must have for anything to be chosen in it."""

LANDMARKS = 800
RANKS = (0.25, 0.5, 1.0)
EXPONENTS = (0.0, 0.25, 0.5, 0.75)
NOISES = (10.0, 30.0, 90.0, 270.0)
CHANNEL_WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0)
BUCKETS = ((0, 0), (1, 3), (4, 10))
"""Interaction counts that share an answer, both ends included."""

BUSY = 11
"""From this many interactions on a product is busier than any that was thinned."""


def choose_recipe(
    factors: np.ndarray, counts: np.ndarray, views: Mapping[str, Rows], targets: Targets, seed: int
) -> tuple[Recipe, tuple[Trial[Recipe], ...]]:
    """The recipe with the best mean NDCG@10 on validation targets, and all that was tried.

    Parameters
    ----------
    factors : (n_items, rank) residual factors of thinned interactions, `counts` (n_items,) of the same.
    """
    recipe = replace(default_recipe(views, len(counts)), rank=factors.shape[1])
    judged = targets.judged()
    if not len(judged):
        return recipe, ()
    search = _Search(recipe, factors, counts, views, judged, seed)
    for step in _kernel_steps:
        for other in step(search.recipe, views):
            search.compare(other, search.queries(other))
    for exponent in EXPONENTS:
        if exponent != search.recipe.exponent:
            search.compare(replace(search.recipe, exponent=exponent), search.query)
    for share in RANKS[:-1]:
        search.compare(replace(search.recipe, rank=max(2, round(share * factors.shape[1]))), search.query)
    return search.recipe, tuple(search.trials)


class _Search:
    """The best recipe so far, with its queries (n, rank) and its NDCG of every target, and all that was tried."""

    def __init__(
        self,
        recipe: Recipe,
        factors: np.ndarray,
        counts: np.ndarray,
        views: Mapping[str, Rows],
        targets: Targets,
        seed: int,
    ):
        self._factors, self._counts, self._targets, self._seed = factors, counts, targets, seed
        self._sample = _sample(counts, seed)
        self._sampled = {view: vectors[self._sample] for view, vectors in views.items()}
        self._asked = {view: vectors[targets.rows] for view, vectors in views.items()}
        self.trials: list[Trial[Recipe]] = []
        self.recipe, self.query = recipe, self.queries(recipe)
        self._best = self._score(recipe, self.query)

    def queries(self, recipe: Recipe) -> np.ndarray:
        """The smoothed vectors of the targets, from a sample of the items."""
        smoother = fit_smoother(
            self._factors[self._sample], self._counts[self._sample], self._sampled, recipe.kernel(),
            noise=recipe.noise, seed=self._seed, max_landmarks=LANDMARKS,
        )  # fmt: skip
        return smoother(self._asked)

    def compare(self, recipe: Recipe, query: np.ndarray) -> None:
        """Take this recipe where it is better."""
        found = self._score(recipe, query)
        if _better(found, self._best):
            self._best, self.recipe, self.query = found, recipe, query

    def _score(self, recipe: Recipe, query: np.ndarray) -> np.ndarray:
        own = self._factors[:, : recipe.rank]
        real = candidates_of(own, np.zeros_like(own), self._counts, recipe.exponent)
        found = self._targets.ndcg(unit_rows(query[:, : recipe.rank]) @ real.T)
        self.trials.append(Trial(recipe, round(float(found.mean()), 4)))
        return found


def with_fallback(
    recipe: Recipe, hybrid: ArmVectors, arms: Mapping[str, ArmVectors], counts: np.ndarray, targets: Targets
) -> Recipe:
    """The recipe with the best single arm wherever it beats the hybrid by more than one standard error."""
    judged = targets.judged()
    fallback: dict[int, str] = {}
    for low, high in BUCKETS:
        count = counts[judged.rows]
        here = judged[(count >= low) & (count <= high)]
        if len(here) < FEWEST:
            continue
        own = here.ndcg(similarities(hybrid, here.rows))
        ahead = {name: here.ndcg(similarities(arm, here.rows)) - own for name, arm in arms.items()}
        name = max(ahead, key=lambda arm: float(ahead[arm].mean()))
        if _better(ahead[name], np.zeros(len(here))):
            fallback |= {low: name, high + 1: "hybrid"}
    return replace(recipe, fallback=dict(sorted(_tidied(fallback).items())))


def with_channels(
    recipe: Recipe,
    hybrid: tuple[np.ndarray, np.ndarray],
    arms: Mapping[str, ArmVectors],
    counts: np.ndarray,
    targets: Targets,
    *,
    low: int,
    high: int | None,
) -> Recipe:
    """The recipe with the weight that each channel should have beside the hybrid at `low` to `high` interactions.

    Channel after channel: the weight of the best mean NDCG@10, where that is ahead of none by more than one standard error.

    Parameters
    ----------
    hybrid : (n_items, rank) query and candidates of `fit_hybrid`; `arms` has every channel.
    high : the last count that is meant; None for no end.
    """
    for channel in channels():
        recipe = _with_channel(recipe, channel, hybrid, arms, counts, targets, low=low, high=high)
    return recipe


def _with_channel(
    recipe: Recipe,
    channel: str,
    hybrid: tuple[np.ndarray, np.ndarray],
    arms: Mapping[str, ArmVectors],
    counts: np.ndarray,
    targets: Targets,
    *,
    low: int,
    high: int | None,
) -> Recipe:
    judged = targets.judged()
    count = counts[judged.rows]
    here = judged[(count >= low) & (count <= (count.max(initial=0) if high is None else high))]
    steps = recipe.channels.get(channel, {})
    beside = {name: weights for name, weights in recipe.channels.items() if name != channel}
    after = {high + 1: 0.0} if high is not None and high + 1 not in steps else {}
    if len(here) < FEWEST:
        return recipe

    def found(weight: float) -> np.ndarray:
        trial = replace(recipe, fallback={}, channels=beside | ({channel: {0: weight}} if weight else {}))
        return here.ndcg(similarities(hybrid_arm(*hybrid, counts, trial, arms), here.rows))

    plain = found(0.0)
    ahead = {weight: found(weight) - plain for weight in CHANNEL_WEIGHTS}
    weight = max(ahead, key=lambda one: float(ahead[one].mean()))
    if not _better(ahead[weight], np.zeros(len(here))):
        return recipe
    chosen = dict(sorted((steps | {low: weight} | after).items()))
    return replace(recipe, channels=recipe.channels | {channel: chosen})


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
