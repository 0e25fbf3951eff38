"""Choosing what suits a catalogue: ALS settings, what the Predicted list finds by, the hybrid's recipe and how shoppers are served.

All but the last two steps look at thinned products, and only at the half of them that no report uses, whether a report
follows or not: the same data, settings and seed give the same plan. How shoppers are served, and how behaviour counts for
busy products, are chosen on shoppers a fifth of whose interactions are hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from engine.arms.candidate_mix import CandidateMix
from engine.arms.geometry import ArmVectors
from engine.arms.hybrid import hybrid_arm
from engine.arms.hybrid_fit import Hybrid
from engine.arms.plan import QuietTrial, TrainingPlan, Trial, Trials, default_plan
from engine.arms.registry import arm_vectors
from engine.core.errors import TrainingError
from engine.core.progress import Progress, silent
from engine.core.settings import EvaluationSettings, Settings
from engine.evaluation.fits import (
    Behaviour,
    Content,
    NicheFit,
    ShopperSplitFit,
    ThinnedFit,
    fit_behaviour,
    fit_hybrid_on,
    fit_niches,
    fitted_models,
    with_prediction,
)
from engine.evaluation.metrics import surprise_relevance
from engine.evaluation.niches import Niches, draw_niches
from engine.evaluation.targets import (
    MANY_ITEMS,
    ShopperSplit,
    Targets,
    ThinnedTargets,
    draw_shopper_split,
    draw_targets,
    shopper_rng,
)
from engine.models.recipe import Recipe, max_rank
from engine.models.residual import residual_factors
from engine.models.user_scoring import candidate_scorings, fit_user_scorer
from engine.models.views import fit_standard
from engine.selection.als_choice import choose_als
from engine.selection.beside_choice import BUCKETS, BUSY, with_channels, with_fallback
from engine.selection.favour_choice import choose_favour
from engine.selection.mix_choice import HALF_KNOWN, choose_mix
from engine.selection.modality_gains import modality_gains
from engine.selection.recipe_choice import choose_recipe, with_exact_noise
from engine.selection.silence_choice import Measured, choose_silence
from engine.selection.user_scoring_choice import measure_user_scorings

__all__ = ["ChosenHybrid", "PlanChoice", "choose_hybrid", "choose_plan", "niches_or_none", "with_busy_channels"]

MAX_ANCHORS = 400
STEP = "Choosing settings"


@dataclass(frozen=True)
class PlanChoice:
    """A plan, and what was fitted to make it, for the report to look at; None where the shop is too small to choose."""

    plan: TrainingPlan
    thinned: ThinnedFit | None = None
    niches: NicheFit | None = None
    shoppers: ShopperSplitFit | None = None


@dataclass(frozen=True)
class ChosenHybrid:
    """The hybrid's vectors as fitted on thinned interactions, the recipe they are made by, all that was tried, and the
    hybrid where neighbourhoods are hidden."""

    arm: ArmVectors
    recipe: Recipe
    trials: tuple[Trial[Recipe], ...]
    silences: tuple[QuietTrial, ...]
    modalities: tuple[Trial[str], ...]
    niches: NicheFit | None


def choose_plan(
    user_items: sparse.csr_matrix,
    content: Content,
    settings: Settings,
    seed: int,
    progress: Progress = silent,
    *,
    n_items: int | None = None,
    standing: TrainingPlan | None = None,
) -> PlanChoice:
    """The plan that suits this catalogue; the default one, with a `problem`, where there is too little to compare by.

    A plan that stands is what others must beat, step by step, by more than two standard errors (`engine.selection.better`).

    Parameters
    ----------
    user_items : (n_users, n_items) interactions.
    n_items : products of the catalogue, where these are a sample of them (`engine.evaluation.looked_at`).
    standing : the plan of the served release, for as many products as these; None where there is none.
    """
    matrix = sparse.csr_matrix(user_items)
    progress(STEP, 0.0)
    try:
        targets = draw_targets(matrix, settings.evaluation, seed)
    except TrainingError as exc:
        progress(STEP, 1.0, str(exc))
        words = content.words is not None
        return PlanChoice(default_plan(settings, matrix.shape[1], words=words, problem=str(exc)))
    progress(STEP, 0.05, f"hiding the history of {len(targets.split.targets)} well-known products")
    niches = niches_or_none(matrix, content, settings, seed)
    plan, thinned, hidden = _choose_on_thinned(targets, niches, content, settings, seed, progress, standing)
    progress(STEP, 0.65, "hiding a fifth of what each shopper did")
    plan, shoppers = _choose_on_shoppers(matrix, content, plan, settings, seed, n_items, standing)
    progress(STEP, 1.0)
    return PlanChoice(plan, thinned, hidden, shoppers)


def choose_hybrid(
    targets: ThinnedTargets,
    niches: Niches | None,
    content: Content,
    predicted: np.ndarray,
    arms: Mapping[str, ArmVectors],
    settings: Settings,
    seed: int,
    standing: Recipe | None = None,
) -> ChosenHybrid:
    """The hybrid by the recipe that validation targets choose.

    Parameters
    ----------
    niches : hidden neighbourhoods of the same shop, None where it has none.
    predicted : (n_items, factors) float32, as predicted from thinned interactions.
    arms : the others, fitted on the same.
    standing : the recipe that is served, None where there is none.
    """
    train, counts, validation = targets.split.train, targets.counts, targets.validation
    views = fit_standard(content.features).views(content.features, predicted, content.words)
    factors = residual_factors(train, max_rank(train.shape[1]), seed)
    usual = default_plan(settings, len(counts), words=content.words is not None).recipe
    usual = replace(usual, rank=factors.shape[1])
    if standing is not None and set(standing.kernel().weights) <= set(views):
        start = _started_from(standing, usual)
        recipe, trials = choose_recipe(start, factors, counts, views, validation, seed, usual)
    else:
        recipe, trials = choose_recipe(usual, factors, counts, views, validation, seed)
    fitted = fit_hybrid_on(train, content, predicted, recipe, seed, factors=factors)
    if (exact := with_exact_noise(fitted, factors, views, validation, seed)) != recipe:
        recipe, fitted = exact, fit_hybrid_on(train, content, predicted, exact, seed, factors=factors)
    hidden = None if niches is None else fit_niches(niches, content, recipe, seed)
    recipe, silences = _choose_silence(
        recipe, (fitted, factors, validation), hidden, np.asarray(arms["content"].candidates), seed, standing
    )
    fitted, hidden = fitted.shaped(factors, recipe), None if hidden is None else hidden.shaped(recipe)
    for low, high in BUCKETS[1:]:
        recipe = with_channels(recipe, fitted, arms, counts, validation, low=low, high=high, standing=standing)
    recipe = with_fallback(recipe, hybrid_arm(fitted, recipe, arms), arms, counts, validation, standing)
    gains = modality_gains(recipe, factors, counts, content, validation, seed)
    return ChosenHybrid(hybrid_arm(fitted, recipe, arms), recipe, trials, silences, gains, hidden)


def _choose_silence(
    recipe: Recipe,
    thinned: tuple[Hybrid, np.ndarray, Targets],
    hidden: NicheFit | None,
    content: np.ndarray,
    seed: int,
    standing: Recipe | None,
) -> tuple[Recipe, tuple[QuietTrial, ...]]:
    """With a hybrid, its factors and the validation targets of the thinned fit."""
    fitted, factors, validation = thinned
    quiet = None
    if hidden is not None and len(hidden.niches.validation.judged()):
        quiet = Measured(hidden.hybrid, hidden.factors, content, hidden.niches.validation)
    if not len(validation.judged()):
        return recipe, ()
    return choose_silence(recipe, Measured(fitted, factors, content, validation), quiet, seed, standing)


def _started_from(standing: Recipe, usual: Recipe) -> Recipe:
    """Where the search for the smoother starts: what stands of it, the rest as usual."""
    rank = min(standing.rank, usual.rank)
    same = {name: getattr(standing, name) for name in ("weights", "sharpness", "noise", "exponent")}
    return replace(usual, rank=rank, **same)


def with_busy_channels(
    recipe: Recipe,
    hybrid: Hybrid,
    arms: Mapping[str, ArmVectors],
    train: sparse.csr_matrix,
    hidden: sparse.csr_matrix,
    anchors: np.ndarray,
    standing: Recipe | None = None,
) -> Recipe:
    """The recipe with what behaviour compared directly counts beside the hybrid for products that have plenty of it.

    Parameters
    ----------
    hybrid, arms : fitted on `train`; `hidden` are interactions taken out of it at random, which say what is relevant.
    anchors : (n,) items with at least `BUSY` interactions in `train`.
    """
    gains = surprise_relevance(hidden, train, anchors)
    own = sparse.csr_matrix((np.ones(len(anchors)), (np.arange(len(anchors)), anchors)), shape=gains.shape)
    gains = sparse.csr_matrix(gains - gains.multiply(own))
    gains.eliminate_zeros()
    counts = np.bincount(train.indices, minlength=train.shape[1])
    targets = Targets(anchors, gains, np.ones(train.shape[1], dtype=bool))
    return with_channels(recipe, hybrid, arms, counts, targets, low=BUSY, high=None, standing=standing)


def niches_or_none(user_items: sparse.csr_matrix, content: Content, settings: Settings, seed: int) -> Niches | None:
    """Hidden neighbourhoods, None where no neighbourhood has enough well-known products."""
    try:
        return draw_niches(user_items, content.vectors, settings.evaluation, seed)
    except TrainingError:
        return None


def _choose_on_thinned(
    targets: ThinnedTargets,
    niches: Niches | None,
    content: Content,
    settings: Settings,
    seed: int,
    progress: Progress,
    standing: TrainingPlan | None,
) -> tuple[TrainingPlan, ThinnedFit, NicheFit | None]:
    """ALS settings, threshold and recipe."""
    train, validation = targets.split.train, targets.validation
    als = choose_als(train, settings.als, validation, seed, None if standing is None else standing.als)
    progress(STEP, 0.4, "predicting what was hidden")
    behaviour = with_prediction(train, als.factors, content.features, als.settings, settings, seed)
    progress(STEP, 0.5, "comparing with what was hidden")
    mix, mixes = _mix(behaviour, content, targets, settings, None if standing is None else standing.mix)
    arms = arm_vectors(fitted_models(behaviour, content, targets.counts, mix))
    progress(STEP, 0.55, "choosing how look-alikes and clicks are weighed")
    recipe = None if standing is None else standing.recipe
    hybrid = choose_hybrid(targets, niches, content, behaviour.predicted, arms, settings, seed, recipe)
    trials = Trials(
        als=als.trials, mixes=mixes, recipes=hybrid.trials, silences=hybrid.silences, modalities=hybrid.modalities
    )
    plan = TrainingPlan(als.settings, hybrid.recipe, mix, trials)
    return plan, ThinnedFit(targets, {**arms, "hybrid": hybrid.arm}), hybrid.niches


def _mix(
    behaviour: Behaviour, content: Content, targets: ThinnedTargets, settings: Settings, standing: CandidateMix | None
) -> tuple[CandidateMix, tuple[Trial[CandidateMix], ...]]:
    given = settings.predictor.half_known
    tried = HALF_KNOWN if given is None else (given,)
    return choose_mix(behaviour, content, targets.counts, targets.validation, tried, standing=standing)


def _choose_on_shoppers(
    user_items: sparse.csr_matrix,
    content: Content,
    plan: TrainingPlan,
    settings: Settings,
    seed: int,
    n_items: int | None,
    standing: TrainingPlan | None,
) -> tuple[TrainingPlan, ShopperSplitFit]:
    """How shoppers are served, and what behaviour counts for busy products."""
    rng = shopper_rng(seed)
    split = draw_shopper_split(user_items, settings.evaluation, rng)
    train = split.task.train
    behaviour = fit_behaviour(train, content.features, plan.als, settings, seed)
    hybrid = fit_hybrid_on(train, content, behaviour.predicted, plan.recipe, seed)
    tried = candidate_scorings(train, n_items)
    scorer = fit_user_scorer(train, hybrid.profiles, hybrid.for_shoppers, content.words, tried)
    served = None if standing is None else standing.recipe
    scorings = measure_user_scorings(
        scorer,
        tried,
        split.task,
        list(split.candidates.values()),
        split.shoppers,
        standing=None if served is None else served.user_scoring,
    )
    fit = ShopperSplitFit(split, behaviour.tuned, dict(zip(split.candidates, scorings.cross_fitted(rng), strict=True)))
    anchors = _busy_anchors(split, settings.evaluation, rng)
    arms = arm_vectors(fitted_models(behaviour, content, split.counts, plan.mix))
    recipe = with_busy_channels(plan.recipe, hybrid, arms, train, split.task.held_out, anchors, served)
    scoring, counts = scorings.best(), split.counts

    def hybrid_scores(rows: np.ndarray) -> np.ndarray:
        return scorer(train[rows], scoring)

    def behaviour_scores(rows: np.ndarray) -> np.ndarray:
        scores = behaviour.tuned.user_factors[rows] @ behaviour.tuned.item_factors.T
        return np.where(counts > 0, scores, -np.inf)

    favour, trade = choose_favour(split.task, split.shoppers, hybrid_scores, behaviour_scores, rng)
    trials = replace(plan.trials, user_scorings=scorings.trials(), long_tail=trade)
    return replace(plan, recipe=replace(recipe, user_scoring=scoring, favour=favour), trials=trials), fit


def _busy_anchors(split: ShopperSplit, settings: EvaluationSettings, rng: np.random.Generator) -> np.ndarray:
    """Rows of products with plenty of interactions, each of which is compared with every product."""
    most = MAX_ANCHORS if len(split.counts) <= MANY_ITEMS else MAX_ANCHORS // 4
    busy = np.flatnonzero(split.counts >= max(BUSY, settings.min_interactions))
    return np.sort(rng.permutation(busy)[:most])
