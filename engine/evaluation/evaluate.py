"""The figures that go with every release: each arm by interaction count on thinned items, and the published task.

Everything here is fitted again on data from which the truth was taken out; nothing of the release itself is used.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from engine.evaluation.thinning import LEVELS, Thinned, thin
from engine.model.als import AlsFactors, fit_als
from engine.model.encoders import Features
from engine.model.fusion import ARMS, DEFAULT_TAU, ArmVectors, arm_vectors, blend, choose_tau, similarities
from engine.model.predictor import train_predictor
from engine.progress import Progress, silent
from engine.settings import Settings
from engine.shop.interactions import Interactions

__all__ = ["HEADLINE_LEVELS", "evaluate_release"]

HEADLINE_LEVELS = (1, 2, 3, 5)
"""The m that are pooled in the headline; m = 0 stands beside it, since behaviour has no list there."""

K = 10
MAX_SHOPPERS = 2000
STEP = "Measuring quality"


def evaluate_release(
    interactions: Interactions,
    features: Mapping[str, Features],
    content: np.ndarray,
    settings: Settings,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """What goes into metrics.json.

    One thinned fit (behaviour and predictor) gives surprise NDCG@10, binary NDCG@10, AP@10 and coverage of every arm,
    by m and pooled over `HEADLINE_LEVELS`; one more fit gives the published task for behaviour and hybrid. Tau is
    chosen on one half of the targets, everything is reported on the other.

    Parameters
    ----------
    features : per modality, rows as in `interactions.user_items`.
    content : (n_items, d) float32, what the content arm compares.

    Returns
    -------
    `{"seed", "k", "tau", "n_targets", "without_relevant", "thinning": {arm: {"pooled" | "0" | "1" ...: figures}},
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
    behaviour, predicted = _fit(split.train, features, settings, seed)
    progress(STEP, 0.45, "comparing with what was hidden")
    gains = surprise_relevance(split.half_b, split.train, split.targets, allowed=split.candidates)
    reported = _reported_half(split, rng)
    counts = _counts(split.train)
    tau = settings.hybrid.tau or choose_tau(
        behaviour.item_factors,
        predicted,
        counts,
        split.targets[~reported],
        gains[np.flatnonzero(~reported)],
        split.candidates,
        k=K,
    )
    arms = arm_vectors(behaviour.item_factors, predicted, content, counts, tau)
    thinning = {
        name: _arm_figures(arms[name], split, gains, reported, np.random.default_rng([seed, 1])) for name in ARMS
    }

    progress(STEP, 0.55, "hiding a fifth of what each shopper did")
    task = _published_task(user_items, features, settings, tau, seed)
    progress(STEP, 1.0, "")
    return {
        "seed": seed,
        "k": K,
        "tau": tau,
        "n_targets": int(reported.sum()),
        "without_relevant": int((np.diff(gains.indptr)[reported] == 0).sum()),
        "thinning": thinning,
        "published_task": task,
    }


def _fit(
    train: sparse.csr_matrix, features: Mapping[str, Features], settings: Settings, seed: int
) -> tuple[AlsFactors, np.ndarray]:
    """Behaviour and prediction from `train` alone."""
    behaviour = fit_als(train, settings.als, seed)
    predictor = train_predictor(dict(features), behaviour.item_factors, _counts(train), settings.predictor, seed)
    return behaviour, predictor.predict(dict(features))


def _reported_half(split: Thinned, rng: np.random.Generator) -> np.ndarray:
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


def _published_task(
    user_items: sparse.csr_matrix, features: Mapping[str, Features], settings: Settings, tau: float, seed: int
) -> dict[str, Any]:
    """Shopper -> low-traffic products, for behaviour and hybrid, on a fit of its own."""
    rng = np.random.default_rng([seed, 2])
    split = split_by_shopper(user_items, rng, settings.evaluation.held_out_share)
    behaviour, predicted = _fit(split.train, features, settings, seed)
    vectors = {
        "als": behaviour.item_factors,
        "hybrid": blend(behaviour.item_factors, predicted, _counts(split.train), tau),
    }
    shoppers = np.sort(rng.permutation(user_items.shape[0])[:MAX_SHOPPERS])
    candidates = {
        "low_traffic": low_traffic(split.train, settings.evaluation.low_traffic),
        "fewest_bought": fewest_bought(split.train),
    }
    figures: dict[str, Any] = {}
    for name, mask in candidates.items():
        figures[name] = {"candidates": int(mask.sum())}
        for arm, factors in vectors.items():
            scores = score_shoppers(
                split, mask, inner_products(behaviour.user_factors, factors), k=K, shoppers=shoppers
            )
            figures[name][arm] = scores.summary(np.random.default_rng([seed, 3]))
    return figures


def _counts(train: sparse.csr_matrix) -> np.ndarray:
    """(n_items,) int64, interactions of each item."""
    return np.bincount(train.indices, minlength=train.shape[1])
