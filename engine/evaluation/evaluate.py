"""The figures that go with every release: each arm by interaction count on thinned items, and the published task.

Everything here is fitted again on data from which the truth was taken out; nothing of the release itself is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from engine.errors import TrainingError
from engine.evaluation.metrics import (
    average_precision_at_k,
    binary,
    bootstrap_interval,
    coverage,
    ndcg_at_k,
    surprise_relevance,
    top_k_in_chunks,
)
from engine.evaluation.published_task import (
    fewest_bought,
    inner_products,
    low_traffic,
    score_shoppers,
    split_by_shopper,
)
from engine.evaluation.taste_choice import measure_tastes
from engine.evaluation.thinning import LEVELS, Thinned, thin
from engine.model.als import AlsFactors, fit_als
from engine.model.encoders import Features
from engine.model.fusion import ARMS, DEFAULT_TAU, ArmVectors, arm_vectors, choose_tau, similarities
from engine.model.hybrid import Recipe, fit_hybrid, fit_standard, hybrid_arm, max_rank
from engine.model.predictor import train_predictor
from engine.model.recipe import choose_recipe, with_fallback
from engine.model.residual import residual_factors
from engine.model.taste import Taste, TasteScorer
from engine.progress import Progress, silent
from engine.settings import Settings
from engine.shop.interactions import Interactions

__all__ = ["HEADLINE_LEVELS", "evaluate_release", "fit_models", "fitted_hybrid", "reported_half"]

HEADLINE_LEVELS = (1, 2, 3, 5)
"""The m that are pooled in the headline; m = 0 stands beside it, since behaviour has no list there."""

K = 10
MAX_SHOPPERS = 2000
MANY_ITEMS = 8000
"""In a larger catalogue a quarter as many shoppers are looked at: each is compared with every product."""
STEP = "Measuring quality"


def evaluate_release(
    interactions: Interactions,
    features: Mapping[str, Features],
    content: np.ndarray,
    settings: Settings,
    seed: int,
    progress: Progress = silent,
    *,
    words: sparse.csr_matrix | None = None,
) -> dict[str, Any]:
    """What goes into metrics.json.

    One thinned fit (behaviour and predictor) gives surprise NDCG@10, binary NDCG@10, AP@10 and coverage of every arm,
    by m and pooled over `HEADLINE_LEVELS`; one more fit gives the published task for behaviour and hybrid. Tau and
    the recipe are chosen on one half of the targets, everything is reported on the other.

    Parameters
    ----------
    features : per modality, rows as in `interactions.user_items`.
    content : (n_items, d) float32, what the content arm compares.
    words : (n_items, n_words) TF-IDF rows, one more view for the hybrid.

    Returns
    -------
    `{"seed", "k", "tau", "recipe", "tried", "n_targets", "without_relevant", "thinning": {arm: {"pooled" | "0" | "1" ...: figures}},
    "published_task": {"low_traffic" | "fewest_bought": {arm: figures}}}`, JSON types only; a shop too small to measure
    has "problem", a sentence saying why, in place of the figures.
    """
    user_items = sparse.csr_matrix(interactions.user_items)
    rng = np.random.default_rng(seed)
    chosen = settings.evaluation
    try:
        split = thin(
            user_items,
            rng,
            min_interactions=chosen.min_interactions,
            target_share=chosen.target_share,
            max_targets=chosen.max_targets,
        )
    except TrainingError as exc:
        progress(STEP, 1.0, str(exc))
        return {"seed": seed, "k": K, "tau": settings.hybrid.tau or DEFAULT_TAU, "problem": str(exc)}

    progress(STEP, 0.05, f"hiding the history of {len(split.targets)} well-known products")
    behaviour, predicted = fit_models(split.train, features, settings, seed)
    progress(STEP, 0.45, "comparing with what was hidden")
    gains = surprise_relevance(split.half_b, split.train, split.targets, allowed=split.candidates)
    reported = reported_half(split, rng)
    counts = _counts(split.train)
    tuning = np.flatnonzero(~reported)
    validation = (split.targets[tuning], gains[tuning], split.candidates)
    tau = settings.hybrid.tau or choose_tau(behaviour.item_factors, predicted, counts, *validation, k=K)
    arms = arm_vectors(behaviour.item_factors, predicted, content, counts, tau)
    progress(STEP, 0.5, "choosing how look-alikes and clicks are weighed")
    arms["hybrid"], recipe, tried = fitted_hybrid(split.train, features, predicted, words, arms, validation, seed)
    thinning = {
        name: _arm_figures(arms[name], split, gains, reported, np.random.default_rng([seed, 1])) for name in ARMS
    }

    progress(STEP, 0.55, "hiding a fifth of what each shopper did")
    task, taste = _published_task(user_items, features, words, recipe, settings, seed)
    recipe = replace(recipe, taste=taste)
    progress(STEP, 1.0, "")
    return {
        "seed": seed,
        "k": K,
        "tau": tau,
        "recipe": recipe.to_dict(),
        "tried": tried,
        "n_targets": int(reported.sum()),
        "without_relevant": int((np.diff(gains.indptr)[reported] == 0).sum()),
        "thinning": thinning,
        "by_target": _by_target(arms["hybrid"], split, gains, reported),
        "published_task": task,
    }


def fit_models(
    train: sparse.csr_matrix, features: Mapping[str, Features], settings: Settings, seed: int
) -> tuple[AlsFactors, np.ndarray]:
    """Behaviour and prediction from `train` alone."""
    behaviour = fit_als(train, settings.als, seed)
    predictor = train_predictor(dict(features), behaviour.item_factors, _counts(train), settings.predictor, seed)
    return behaviour, predictor.predict(dict(features))


def fitted_hybrid(
    train: sparse.csr_matrix,
    features: Mapping[str, Features],
    predicted: np.ndarray,
    words: sparse.csr_matrix | None,
    arms: Mapping[str, ArmVectors],
    validation: tuple[np.ndarray, sparse.csr_matrix, np.ndarray],
    seed: int,
) -> tuple[ArmVectors, Recipe, list[dict[str, Any]]]:
    """The hybrid fitted on `train` by the recipe that validation targets, gains and candidates choose."""
    counts = _counts(train)
    standard = fit_standard(features)
    views = standard.views(features, predicted, words)
    factors = residual_factors(train, max_rank(train.shape[1]), seed)
    recipe, tried = choose_recipe(factors, counts, views, *validation, seed, k=K)
    fitted = fit_hybrid(train, counts, standard, views, recipe, seed, factors=factors)
    others = {name: arm for name, arm in arms.items() if name != "hybrid"}
    alone = hybrid_arm(fitted.query, fitted.candidates, counts, recipe, others)
    recipe = with_fallback(recipe, alone, others, counts, *validation, k=K)
    return hybrid_arm(fitted.query, fitted.candidates, counts, recipe, others), recipe, tried


def reported_half(split: Thinned, rng: np.random.Generator) -> np.ndarray:
    """(n_targets,) bool: a random half of each level's targets; the other half tunes."""
    reported = np.zeros(len(split.targets), dtype=bool)
    for level in LEVELS:
        at_level = rng.permutation(np.flatnonzero(split.m == level))
        reported[at_level[: (len(at_level) + 1) // 2]] = True
    return reported


def _arm_figures(
    arm: ArmVectors, split: Thinned, gains: sparse.csr_matrix, reported: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    """Figures of one arm over the reported targets: pooled over the headline levels, and at each level."""
    places = np.flatnonzero(reported)
    ranked = top_k_in_chunks(
        lambda some: similarities(arm, split.targets[places[some]]), len(places), K, split.candidates
    )
    figures = {
        "ndcg": ndcg_at_k(ranked, gains[places], K),
        "binary_ndcg": ndcg_at_k(ranked, binary(gains[places]), K),
        "average_precision": average_precision_at_k(ranked, gains[places], K),
    }
    m = split.m[places]
    groups = {"pooled": np.isin(m, HEADLINE_LEVELS)} | {str(level): m == level for level in LEVELS}
    return {
        name: {metric: bootstrap_interval(values[group], rng).to_dict() for metric, values in figures.items()}
        | {"coverage": coverage(ranked[group]) if group.any() else None, "targets": int(group.sum())}
        for name, group in groups.items()
    }


def _by_target(arm: ArmVectors, split: Thinned, gains: sparse.csr_matrix, reported: np.ndarray) -> dict[str, Any]:
    """The hybrid's surprise NDCG@10 of every reported target, and a digest of targets and truth: what the gate compares."""
    places = np.flatnonzero(reported & (np.diff(gains.indptr) > 0) & np.isin(split.m, (0, *HEADLINE_LEVELS)))
    ranked = top_k_in_chunks(
        lambda some: similarities(arm, split.targets[places[some]]), len(places), K, split.candidates
    )
    truth = gains[places]
    digest = hashlib.sha256(split.targets[places].tobytes() + split.m[places].tobytes())
    digest.update(truth.indices.astype(np.int64).tobytes() + np.round(truth.data, 6).tobytes())
    return {"targets": digest.hexdigest(), "ndcg": [round(float(v), 6) for v in ndcg_at_k(ranked, truth, K)]}


def _published_task(
    user_items: sparse.csr_matrix,
    features: Mapping[str, Features],
    words: sparse.csr_matrix | None,
    recipe: Recipe,
    settings: Settings,
    seed: int,
) -> tuple[dict[str, Any], Taste]:
    """Shopper -> low-traffic products, for behaviour and hybrid, on a fit of its own; and the taste to serve."""
    rng = np.random.default_rng([seed, 2])
    split = split_by_shopper(user_items, rng, settings.evaluation.held_out_share)
    behaviour, predicted = fit_models(split.train, features, settings, seed)
    standard = fit_standard(features)
    views = standard.views(features, predicted, words)
    counts = _counts(split.train)
    hybrid = fit_hybrid(split.train, counts, standard, views, recipe, seed)
    most = MAX_SHOPPERS if user_items.shape[1] <= MANY_ITEMS else MAX_SHOPPERS // 4
    shoppers = rng.permutation(user_items.shape[0])[:most]
    candidates = {
        "low_traffic": low_traffic(split.train, settings.evaluation.low_traffic),
        "fewest_bought": fewest_bought(split.train),
    }
    scorer = TasteScorer(hybrid.profiles, hybrid.for_shoppers, counts)
    tastes = measure_tastes(scorer, split, list(candidates.values()), shoppers, k=K)
    als = inner_products(behaviour.user_factors, behaviour.item_factors)
    figures: dict[str, Any] = {}
    for (name, mask), hybrid_scores in zip(candidates.items(), tastes.cross_fitted(rng), strict=True):
        arms = {"als": score_shoppers(split, mask, als, k=K, shoppers=shoppers), "hybrid": hybrid_scores}
        figures[name] = {"candidates": int(mask.sum())}
        figures[name] |= {arm: scores.summary(np.random.default_rng([seed, 3])) for arm, scores in arms.items()}
    return figures, tastes.best()


def _counts(train: sparse.csr_matrix) -> np.ndarray:
    """(n_items,) int64, interactions of each item."""
    return np.bincount(train.indices, minlength=train.shape[1])
