"""How products that behaviour hardly knows are treated, chosen on two measures at once.

Thinned targets are well-known products among busy look-alikes, and a product that hardly anybody bought can never be
relevant to them: they say what costs accuracy. Hidden neighbourhoods say how quiet corners are served. Of everything that
is no worse there than content alone, the best on thinned targets is chosen: how candidates are shortened, how far they
lean on their look-alikes, and how loud content speaks where behaviour is silent.

Where both ask for different things, thinned targets give up a hundredth at most. What is served stays as long as it is worse than
that by no more than three standard errors, on both: another choice makes another release of every product.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from engine.arms.hybrid_fit import Hybrid, candidates_of
from engine.arms.plan import QuietTrial
from engine.core.vectors import unit_rows
from engine.evaluation.metrics import top_k
from engine.evaluation.targets import MANY_ITEMS, K, Targets
from engine.models.recipe import Recipe, Silence
from engine.selection.better import SERVED_OF_MANY, as_good
from engine.selection.recipe_choice import EXPONENTS

__all__ = ["Measured", "choose_silence"]

LEANS = (8.0, 1.0, 0.5, 0.25)
UNSEEN = (0.5, 2.0, 8.0, 32.0)
SILENCES = (
    Silence(1.0, 0.5),
    Silence(1.0, 1.0),
    Silence(1.0, 4.0),
    Silence(2.0, 1.0),
    Silence(2.0, 4.0),
    Silence(4.0, 4.0),
    Silence(4.0, 16.0),
)
SHAPES = 3
"""So many of the best ways to shorten candidates and let them lean go on to the second round."""
TOLERANCE = 0.003
"""Recipes this close to the best on thinned targets, as a share of its NDCG, are as good; then agreement with content decides."""
GIVEN_UP = 0.01
"""Share of the best NDCG on thinned targets that may be given up for the sake of quiet corners."""
MOST_TARGETS = 300
_CHOSEN = ("exponent", "lean", "unseen", "silence")


@dataclass(frozen=True)
class Measured:
    """One fit with its targets: the hybrid, and what it was fitted on.

    Attributes
    ----------
    factors : (n_items, at least rank) residual factors. content : (n_items, d) float32, unit rows of the content arm.
    """

    hybrid: Hybrid
    factors: np.ndarray
    content: np.ndarray
    targets: Targets

    def sampled(self, seed: int, most: int) -> Measured:
        """With at most `most` targets to which something is relevant."""
        judged = self.targets.judged()
        some = np.sort(np.random.default_rng([seed, 6]).permutation(len(judged))[:most])
        return replace(self, targets=judged[some])


def choose_silence(
    recipe: Recipe, thinned: Measured, niches: Measured | None, seed: int, standing: Recipe | None = None
) -> tuple[Recipe, tuple[QuietTrial, ...]]:
    """The recipe with exponent, lean, unseen and silence chosen, and all that was tried.

    Parameters
    ----------
    thinned, niches : fitted with the kernel of `recipe`, on validation targets; None where no neighbourhood could be hidden.
    standing : the served one, None where there is none.
    """
    most = MOST_TARGETS if len(thinned.factors) <= MANY_ITEMS else MOST_TARGETS // 2
    search = _Search(thinned.sampled(seed, most), None if niches is None else niches.sampled(seed, most))
    plain = replace(recipe, silence=Silence(weight=0.0))
    search.try_all(replace(plain, exponent=exponent, lean=lean) for exponent in EXPONENTS for lean in LEANS)
    for shape in search.best(SHAPES):
        search.try_all(replace(shape, unseen=unseen) for unseen in UNSEEN)
        search.try_all(replace(shape, unseen=unseen, silence=silence) for unseen in UNSEEN for silence in SILENCES)
    best = search.best(1)[0]
    if standing is not None:
        kept = replace(best, **{name: getattr(standing, name) for name in _CHOSEN})
        search.try_all([kept])
        best = kept if search.is_as_good(kept, best) else best
    return best, search.trials()


@dataclass(frozen=True)
class _Tried:
    recipe: Recipe
    thinned: np.ndarray
    niches: np.ndarray
    agreement: float


class _Search:
    def __init__(self, thinned: Measured, niches: Measured | None):
        self._sides = [_Side(thinned), *([] if niches is None else [_Side(niches)])]
        self._tried: list[_Tried] = []

    def try_all(self, recipes: Iterable[Recipe]) -> None:
        """Measure each recipe that was not measured yet."""
        for recipe in list(recipes):
            if all(one.recipe != recipe for one in self._tried):
                found = [side.measure(recipe) for side in self._sides]
                niches = found[1][0] if len(found) > 1 else np.zeros(0)
                self._tried.append(_Tried(recipe, found[0][0], niches, found[-1][1]))

    def best(self, n: int) -> list[Recipe]:
        """The best first: among recipes that give up little on thinned targets, those that are as good as content alone in
        hidden neighbourhoods, or else the best there; of these the best on thinned targets, and among equals the one that
        agrees most with content."""
        fair = sorted(self._fair(), key=lambda one: -float(one.thinned.mean()))
        top = fair[0].thinned
        equal = [one for one in fair if as_good(one.thinned, top, TOLERANCE) and one.thinned.mean() > 0]
        first = max(equal or fair, key=lambda one: one.agreement)
        return [first.recipe, *(one.recipe for one in fair if one is not first)][:n]

    def is_as_good(self, recipe: Recipe, best: Recipe) -> bool:
        """Whether a recipe that was tried and is served is worse than the best by no more than three standard errors, on either measure."""
        own, top = (next(one for one in self._tried if one.recipe == wanted) for wanted in (recipe, best))
        return as_good(own.thinned, top.thinned, TOLERANCE, SERVED_OF_MANY) and (
            not len(own.niches) or as_good(own.niches, top.niches, TOLERANCE, SERVED_OF_MANY)
        )

    def _fair(self) -> list[_Tried]:
        top = max(float(one.thinned.mean()) for one in self._tried)
        cheap = [one for one in self._tried if one.thinned.mean() >= (1.0 - GIVEN_UP) * top]
        if len(self._sides) == 1:
            return cheap
        alone = float(self._sides[1].alone.mean())
        fair = [one for one in cheap if one.niches.mean() >= alone]
        return fair or sorted(cheap, key=lambda one: -float(one.niches.mean()))[:SHAPES]

    def trials(self) -> tuple[QuietTrial, ...]:
        return tuple(
            QuietTrial(
                one.recipe,
                round(float(one.thinned.mean()), 4),
                round(float(one.niches.mean()), 4) if len(one.niches) else None,
                round(one.agreement, 4),
            )
            for one in self._tried
        )


class _Side:
    """One measure: its NDCG of a recipe, how far lists agree with content's, and the NDCG of content `alone`."""

    def __init__(self, measured: Measured):
        self._one = measured
        targets, content = measured.targets, measured.content
        self._spread = content[targets.rows] @ (content - content.mean(axis=0)).T
        self._known: dict[tuple[float, float, float], np.ndarray] = {}
        self._alike = self._top(self._spread)
        self.alone = targets.ndcg(self._without_self(self._spread))

    def measure(self, recipe: Recipe) -> tuple[np.ndarray, float]:
        hybrid, targets = self._one.hybrid, self._one.targets
        key = (recipe.exponent, recipe.lean, recipe.unseen)
        if key not in self._known:
            own = self._one.factors[:, : hybrid.query.shape[1]]
            found, _ = candidates_of(own, hybrid.query, hybrid.unknown, hybrid.counts, recipe)
            scores = unit_rows(hybrid.query[targets.rows]) @ found.T
            self._known = {key: scores / np.maximum(scores.std(axis=1, keepdims=True), 1e-12)}
        scores = self._known[key]
        if recipe.silence.weight:
            loud = np.power(hybrid.unknown, np.float32(recipe.silence.power))
            spoken = self._spread * loud
            spoken /= np.maximum(spoken.std(axis=1, keepdims=True), 1e-12)
            scores = scores + recipe.silence.beside(hybrid.unknown[targets.rows])[:, None].astype(np.float32) * spoken
        return targets.ndcg(self._without_self(scores)), self._agreement(scores)

    def _without_self(self, scores: np.ndarray) -> np.ndarray:
        scores = scores.copy()
        scores[np.arange(len(scores)), self._one.targets.rows] = -np.inf
        return scores

    def _top(self, scores: np.ndarray) -> np.ndarray:
        return top_k(self._without_self(scores), K, self._one.targets.allowed)

    def _agreement(self, scores: np.ndarray) -> float:
        shared = [
            len(np.intersect1d(ours, theirs)) for ours, theirs in zip(self._top(scores), self._alike, strict=True)
        ]
        return float(np.mean(shared)) / K if shared else 0.0
