"""What a catalogue's hybrid is made of, chosen on thinned validation targets that no report uses.

Coordinate by coordinate from the recipe that did best on several shops: how much noise a click has, which views count how
much and how sharply, how many directions behaviour has, how candidates are shortened. A change is kept only where it is
better by more than one standard error, and a step goes on past the end of its grid while that holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from engine.arms.hybrid_fit import Hybrid, candidates_of
from engine.arms.plan import Trial
from engine.core.vectors import unit_rows
from engine.evaluation.targets import Targets
from engine.models.kernel import Rows
from engine.models.recipe import Recipe
from engine.models.smoother import fit_smoother
from engine.selection.better import SERVED, better
from engine.selection.screen import MOST, Screen

__all__ = ["EXPONENTS", "choose_recipe", "with_exact_noise"]

EXPONENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
FACTOR = 10.0**0.5
LEAST_NOISE, MOST_NOISE = 0.5, 1000.0
SHARPNESS = (2.0, 8.0, 16.0)
LEAST_RANK = 16
MOST_TARGETS = 500


def choose_recipe(
    start: Recipe,
    factors: np.ndarray,
    counts: np.ndarray,
    views: Mapping[str, Rows],
    targets: Targets,
    seed: int,
    usual: Recipe | None = None,
) -> tuple[Recipe, tuple[Trial[Recipe], ...]]:
    """The recipe with the best mean NDCG@10 on validation targets, and all that was tried.

    Parameters
    ----------
    start : where the search starts: the recipe that stands, where there is one; it may use `factors` whole.
    usual : where `start` is served, another that is compared with it; changes must then be better by two standard errors.
    factors : (n_items, rank) residual factors of thinned interactions, `counts` (n_items,) of the same.
    """
    judged = targets.judged()
    if len(judged) > MOST_TARGETS:
        judged = judged[np.sort(np.random.default_rng([seed, 4]).permutation(len(judged))[:MOST_TARGETS])]
    if not len(judged):
        return start, ()
    search = _Search(start, factors, counts, views, judged, seed, 1.0 if usual is None else SERVED)
    search.compare_all([] if usual is None else [usual])
    for kernels in (_without, lambda recipe: _more(recipe, views), _sharper):
        search.walk_noise()
        search.walk_rank()
        search.compare_all(replace(search.recipe, exponent=exponent) for exponent in EXPONENTS)
        search.compare_all(kernels(search.recipe))
    search.walk_noise()
    search.walk_rank()
    return search.recipe, tuple(search.trials)


def with_exact_noise(
    fitted: Hybrid, factors: np.ndarray, views: Mapping[str, Rows], targets: Targets, seed: int
) -> Recipe:
    """The recipe of a fitted hybrid, with less noise where that is better for the smoother as it is served.

    A sample asks for more noise than the whole does. Where the search already fitted every product there is nothing to add.

    Parameters
    ----------
    factors : (n_items, at least rank) residual factors and `views` that it was fitted on.
    """
    recipe, counts, judged = fitted.recipe, fitted.counts, targets.judged()
    if np.count_nonzero(counts) <= MOST or not len(judged):
        return recipe
    own = factors[:, : recipe.rank]
    real, _ = candidates_of(own, np.zeros_like(own), np.zeros(len(own), np.float32), counts, recipe)

    def ndcg(query: np.ndarray) -> np.ndarray:
        return judged.ndcg(unit_rows(query) @ real.T)

    less = round(recipe.noise / FACTOR, 2)
    smoother = fit_smoother(own, counts, views, recipe.kernel(), noise=less, seed=seed, capacity=recipe.capacity)
    asked = smoother({view: rows[judged.rows] for view, rows in views.items()})
    return replace(recipe, noise=less) if better(ndcg(asked), ndcg(fitted.query[judged.rows])) else recipe


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
        errors: float,
    ):
        self._errors = errors
        self._factors, self._counts, self._targets = factors, counts, targets
        self._screen = Screen(factors, counts, views, targets.rows, seed)
        self.trials: list[Trial[Recipe]] = []
        self.recipe, self.query = recipe, self._screen.queries(recipe)
        self._best = self._score(recipe, self.query)

    def walk_noise(self) -> None:
        """Less and less noise, or more and more, as long as that is better."""
        for factor in (1.0 / FACTOR, FACTOR):
            while True:
                noise = round(self.recipe.noise * factor, 2)
                if not (LEAST_NOISE <= noise <= MOST_NOISE) or not self._compare(replace(self.recipe, noise=noise)):
                    break

    def walk_rank(self) -> None:
        """Fewer and fewer directions, or as many as there are, as long as that is better."""
        self._compare(replace(self.recipe, rank=self._factors.shape[1]))
        while (rank := round(self.recipe.rank / 2**0.5)) >= LEAST_RANK:
            if not self._compare(replace(self.recipe, rank=rank)):
                break

    def compare_all(self, recipes: Iterable[Recipe]) -> None:
        """Each of some variations of the best recipe."""
        for recipe in list(recipes):
            self._compare(recipe)

    def _compare(self, recipe: Recipe) -> bool:
        """Take this recipe where it is better."""
        if any(recipe == trial.tried for trial in self.trials):
            return False
        same = (recipe.weights, recipe.sharpness, recipe.noise) == (
            self.recipe.weights,
            self.recipe.sharpness,
            self.recipe.noise,
        )
        query = self.query if same else self._screen.queries(recipe)
        found = self._score(recipe, query)
        if not better(found, self._best, self._errors):
            return False
        self._best, self.recipe, self.query = found, recipe, query
        return True

    def _score(self, recipe: Recipe, query: np.ndarray) -> np.ndarray:
        own = self._factors[:, : recipe.rank]
        real, _ = candidates_of(own, np.zeros_like(own), np.zeros(len(own), np.float32), self._counts, recipe)
        found = self._targets.ndcg(unit_rows(query[:, : recipe.rank]) @ real.T)
        self.trials.append(Trial(recipe, round(float(found.mean()), 4)))
        return found


def _without(recipe: Recipe) -> Iterator[Recipe]:
    if len(recipe.weights) > 1:
        for view in recipe.weights:
            yield replace(recipe, weights={name: w for name, w in recipe.weights.items() if name != view})


def _more(recipe: Recipe, views: Iterable[str]) -> Iterator[Recipe]:
    for view in views:
        yield replace(recipe, weights={**recipe.weights, view: recipe.weights.get(view, 0.0) + 1.0})


def _sharper(recipe: Recipe) -> Iterator[Recipe]:
    yield from (replace(recipe, sharpness=sharpness) for sharpness in SHARPNESS)
