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

from engine.arms.fusion import ARMS, DEFAULT_TAU, ArmVectors, arm_vectors, choose_tau, similarities
from engine.arms.hybrid import Hybrid, Recipe, fit_hybrid, fit_standard, hybrid_arm, max_rank
from engine.catalogue.interactions import Interactions
from engine.core.errors import TrainingError
from engine.core.progress import Progress, silent
from engine.core.settings import AlsSettings, Settings
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
from engine.evaluation.references import Scores, ceilings, simple_methods
from engine.evaluation.thinning import LEVELS, Thinned, thin
from engine.models.als import AlsFactors, fit_als
from engine.models.encoders import Features
from engine.models.predictor import train_predictor
from engine.models.residual import residual_factors
from engine.models.user_scoring import UserScorer
from engine.selection.als_choice import choose_als
from engine.selection.recipe_choice import BUSY, choose_recipe, with_behaviour, with_fallback
from engine.selection.user_scoring_choice import measure_user_scorings

__all__ = [
    "HEADLINE_LEVELS",
    "busy_behaviour",
    "evaluate_release",
    "fit_models",
    "fitted_hybrid",
    "reported_half",
]

HEADLINE_LEVELS = (1, 2, 3, 5)
"""The m that are pooled in the headline; m = 0 stands beside it, since behaviour has no list there."""

K = 10
MAX_SHOPPERS, MAX_ANCHORS = 2000, 400
MANY_ITEMS = 8000
"""In a larger catalogue a quarter as many shoppers and anchors are looked at: each is compared with every product."""
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
    by m and pooled over `HEADLINE_LEVELS`, of simple methods and of rich behaviour; one more fit gives the published
    task for behaviour and hybrid. The settings of ALS, tau and the recipe are chosen on one half of the targets,
    everything is reported on the other.

    Parameters
    ----------
    features : per modality, rows as in `interactions.user_items`.
    content : (n_items, d) float32, what the content arm compares.
    words : (n_items, n_words) TF-IDF rows, one more view for the hybrid.

    Returns
    -------
    `{"seed", "k", "tau", "als", "als_tried", "recipe", "tried", "n_targets", "without_relevant",
    "thinning": {arm: {"pooled" | "0" | "1" ...: figures}}, "references": {method: the same}, "published_task": {"low_traffic" | "fewest_bought": {arm: figures}}}`, JSON types only; a shop too small to measure
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
    gains = surprise_relevance(split.half_b, split.train, split.targets, allowed=split.candidates)
    reported = reported_half(split, rng)
    counts = _counts(split.train)
    tuning = np.flatnonzero(~reported)
    validation = (split.targets[tuning], gains[tuning], split.candidates)
    als = choose_als(split.train, settings.als, *validation, seed, k=K)
    progress(STEP, 0.3, "predicting what was hidden")
    behaviour = als.given
    predicted = _predicted(split.train, behaviour, features, settings, seed)
    progress(STEP, 0.45, "comparing with what was hidden")
    tau = settings.hybrid.tau or choose_tau(behaviour.item_factors, predicted, counts, *validation, k=K)
    arms = arm_vectors(behaviour.item_factors, predicted, content, counts, tau, tuned=als.factors.item_factors)
    progress(STEP, 0.5, "choosing how look-alikes and clicks are weighed")
    arms["hybrid"], recipe, tried = fitted_hybrid(split.train, features, predicted, words, arms, validation, seed)
    thinning = {
        name: _figures(_cosines_of(arms[name]), split, gains, reported, np.random.default_rng([seed, 1]))
        for name in ARMS
    }
    peers = {**simple_methods(split.train, words), **ceilings(split, als.settings, seed)}
    references = {
        name: _figures(score, split, gains, reported, np.random.default_rng([seed, 1])) for name, score in peers.items()
    }

    progress(STEP, 0.55, "hiding a fifth of what each shopper did")
    task, recipe = _published_task(user_items, features, content, words, recipe, tau, als.settings, settings, seed)
    progress(STEP, 1.0, "")
    return {
        "seed": seed,
        "k": K,
        "tau": tau,
        "als": als.settings.model_dump(),
        "als_tried": als.tried,
        "recipe": recipe.to_dict(),
        "tried": tried,
        "n_targets": int(reported.sum()),
        "without_relevant": int((np.diff(gains.indptr)[reported] == 0).sum()),
        "thinning": thinning,
        "references": references,
        "by_target": _by_target(arms["hybrid"], split, gains, reported),
        "published_task": task,
    }


def fit_models(
    train: sparse.csr_matrix, features: Mapping[str, Features], settings: Settings, seed: int
) -> tuple[AlsFactors, np.ndarray]:
    """Behaviour and prediction from `train` alone."""
    behaviour = fit_als(train, settings.als, seed)
    return behaviour, _predicted(train, behaviour, features, settings, seed)


def _predicted(
    train: sparse.csr_matrix, behaviour: AlsFactors, features: Mapping[str, Features], settings: Settings, seed: int
) -> np.ndarray:
    predictor = train_predictor(dict(features), behaviour.item_factors, _counts(train), settings.predictor, seed)
    return predictor.predict(dict(features))


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
    recipe = with_behaviour(
        recipe, (fitted.query, fitted.candidates), others, counts, *validation, low=1, high=BUSY - 1, k=K
    )
    alone = hybrid_arm(fitted.query, fitted.candidates, counts, recipe, others)
    recipe = with_fallback(recipe, alone, others, counts, *validation, k=K)
    return hybrid_arm(fitted.query, fitted.candidates, counts, recipe, others), recipe, tried


def busy_behaviour(
    recipe: Recipe,
    hybrid: Hybrid,
    arms: Mapping[str, ArmVectors],
    train: sparse.csr_matrix,
    hidden: sparse.csr_matrix,
    anchors: np.ndarray,
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
    return with_behaviour(
        recipe,
        (hybrid.query, hybrid.candidates),
        arms,
        _counts(train),
        anchors,
        gains,
        np.ones(train.shape[1], dtype=bool),
        low=BUSY,
        high=None,
        k=K,
    )


def reported_half(split: Thinned, rng: np.random.Generator) -> np.ndarray:
    """(n_targets,) bool: a random half of each level's targets; the other half tunes."""
    reported = np.zeros(len(split.targets), dtype=bool)
    for level in LEVELS:
        at_level = rng.permutation(np.flatnonzero(split.m == level))
        reported[at_level[: (len(at_level) + 1) // 2]] = True
    return reported


def _cosines_of(arm: ArmVectors) -> Scores:
    return lambda rows: similarities(arm, rows)


def _figures(
    score: Scores, split: Thinned, gains: sparse.csr_matrix, reported: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    """Figures of one arm or method over the reported targets: pooled over the headline levels, and at each level."""
    places = np.flatnonzero(reported)
    ranked = top_k_in_chunks(lambda some: score(split.targets[places[some]]), len(places), K, split.candidates)
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
    content: np.ndarray,
    words: sparse.csr_matrix | None,
    recipe: Recipe,
    tau: float,
    als: AlsSettings,
    settings: Settings,
    seed: int,
) -> tuple[dict[str, Any], Recipe]:
    """Shopper -> low-traffic products, for behaviour and hybrid, on a fit of its own; and the recipe with what only this
    split can tell: the scoring to serve, and how busy products' behaviour counts."""
    rng = np.random.default_rng([seed, 2])
    split = split_by_shopper(user_items, rng, settings.evaluation.held_out_share)
    behaviour, predicted = fit_models(split.train, features, settings, seed)
    standard = fit_standard(features)
    views = standard.views(features, predicted, words)
    counts = _counts(split.train)
    hybrid = fit_hybrid(split.train, counts, standard, views, recipe, seed)
    most = MAX_SHOPPERS if user_items.shape[1] <= MANY_ITEMS else MAX_SHOPPERS // 4
    most_anchors = MAX_ANCHORS if user_items.shape[1] <= MANY_ITEMS else MAX_ANCHORS // 4
    shoppers = rng.permutation(user_items.shape[0])[:most]
    candidates = {
        "low_traffic": low_traffic(split.train, settings.evaluation.low_traffic),
        "fewest_bought": fewest_bought(split.train),
    }
    scorer = UserScorer(hybrid.profiles, hybrid.for_shoppers, counts)
    scorings = measure_user_scorings(scorer, split, list(candidates.values()), shoppers, k=K)
    tuned = behaviour if als == settings.als else fit_als(split.train, als, seed)
    behaviour_scores = inner_products(tuned.user_factors, tuned.item_factors)
    figures: dict[str, Any] = {}
    for (name, mask), hybrid_scores in zip(candidates.items(), scorings.cross_fitted(rng), strict=True):
        scored = {"als": score_shoppers(split, mask, behaviour_scores, k=K, shoppers=shoppers), "hybrid": hybrid_scores}
        figures[name] = {"candidates": int(mask.sum())}
        figures[name] |= {arm: scores.summary(np.random.default_rng([seed, 3])) for arm, scores in scored.items()}
    busy = np.flatnonzero(counts >= max(BUSY, settings.evaluation.min_interactions))
    anchors = np.sort(rng.permutation(busy)[:most_anchors])
    arms = arm_vectors(behaviour.item_factors, predicted, content, counts, tau, tuned=tuned.item_factors)
    recipe = busy_behaviour(recipe, hybrid, arms, split.train, split.held_out, anchors)
    return figures, replace(recipe, user_scoring=scorings.best())


def _counts(train: sparse.csr_matrix) -> np.ndarray:
    """(n_items,) int64, interactions of each item."""
    return np.bincount(train.indices, minlength=train.shape[1])
