"""How good a plan is: each arm by interaction count on thinned products, and the published task.

Everything here is fitted on data from which the truth was taken out; nothing of a release is used.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from scipy import sparse

from engine.arms.geometry import ArmVectors, similarities, symmetric
from engine.arms.plan import TrainingPlan
from engine.core.errors import TrainingError
from engine.core.progress import Progress, silent
from engine.core.settings import AlsSettings, Settings
from engine.evaluation.fits import (
    Content,
    NicheFit,
    ShopperSplitFit,
    ThinnedFit,
    fit_niches,
    fit_shopper_split,
    fit_thinned,
)
from engine.evaluation.metrics import (
    average_precision_at_k,
    binary,
    bootstrap_interval,
    coverage,
    ndcg_at_k,
    top_k_in_chunks,
)
from engine.evaluation.niche_report import niche_figures
from engine.evaluation.niches import draw_niches
from engine.evaluation.published_task import inner_products, score_shoppers
from engine.evaluation.references import Scores, ceilings, simple_methods
from engine.evaluation.targets import K, ThinnedTargets, draw_shopper_split, draw_targets, shopper_rng
from engine.evaluation.thinning import LEVELS

__all__ = ["HEADLINE_LEVELS", "measure_plan"]

HEADLINE_LEVELS = (1, 2, 3, 5)
"""The m that are pooled in the headline; m = 0 stands beside it, since behaviour has no list there."""

STEP = "Measuring quality"


def measure_plan(
    user_items: sparse.csr_matrix,
    content: Content,
    plan: TrainingPlan,
    settings: Settings,
    seed: int,
    progress: Progress = silent,
    *,
    thinned: ThinnedFit | None = None,
    niches: NicheFit | None = None,
    shoppers: ShopperSplitFit | None = None,
) -> dict[str, Any]:
    """The figures of a plan, as they stand in metrics.json.

    One thinned fit gives surprise NDCG@10, binary NDCG@10, AP@10 and coverage of every arm, by m and pooled over
    `HEADLINE_LEVELS`, of simple methods and of rich behaviour, on the half of the targets that choosing does not look at.
    Hidden neighbourhoods (`engine.evaluation.niches`) say how quiet corners are served. One more fit gives the published task for behaviour and hybrid.

    Parameters
    ----------
    user_items : (n_users, n_items) interactions.
    thinned, niches, shoppers : what was fitted where the plan was made from these interactions with this seed; fitted here by
        the plan unless given.

    Returns
    -------
    `{"seed", "k", "n_targets", "without_relevant", "thinning": {arm: {"pooled" | "0" | "1" ...: figures}}, "references":
    {method: the same}, "by_target", "niches": `niche_figures`, "published_task": {"low_traffic" | "fewest_bought": {arm: figures}}}`, JSON types
    only; a shop too small to measure has "problem", a sentence saying why, in place of the figures.
    """
    matrix = sparse.csr_matrix(user_items)
    progress(STEP, 0.0)
    if thinned is None:
        try:
            targets = draw_targets(matrix, settings.evaluation, seed)
        except TrainingError as exc:
            progress(STEP, 1.0, str(exc))
            return {"seed": seed, "k": K, "problem": str(exc)}
        progress(STEP, 0.05, f"hiding the history of {len(targets.split.targets)} well-known products")
        thinned = fit_thinned(targets, content, plan, settings, seed)
    progress(STEP, 0.4, "comparing with what was hidden")
    figures = _thinning_figures(thinned, content, plan.als, seed)
    niches = niches or _hidden_neighbourhoods(matrix, content, plan, settings, seed)
    if niches is not None:
        figures["niches"] = niche_figures(niches, symmetric(content.vectors), seed)
    if shoppers is None:
        progress(STEP, 0.7, "hiding a fifth of what each shopper did")
        split = draw_shopper_split(matrix, settings.evaluation, shopper_rng(seed))
        shoppers = fit_shopper_split(split, content, plan, settings, seed)
    task = _task_figures(shoppers, seed)
    progress(STEP, 1.0)
    return {"seed": seed, "k": K, **figures, "published_task": task}


def _hidden_neighbourhoods(
    user_items: sparse.csr_matrix, content: Content, plan: TrainingPlan, settings: Settings, seed: int
) -> NicheFit | None:
    """The hybrid by a plan where neighbourhoods are hidden; None where none has enough well-known products."""
    try:
        niches = draw_niches(user_items, content.vectors, settings.evaluation, seed)
    except TrainingError:
        return None
    return fit_niches(niches, content, plan.recipe, seed)


def _thinning_figures(fit: ThinnedFit, content: Content, als: AlsSettings, seed: int) -> dict[str, Any]:
    """All that thinned targets say of the arms and of what they are compared with."""
    targets = fit.targets
    peers = {**simple_methods(targets.split.train, content.words), **ceilings(targets.split, als, seed)}

    def figures(scores: Scores) -> dict[str, Any]:
        return _figures(scores, targets, np.random.default_rng([seed, 1]))

    return {
        "n_targets": int(targets.reported.sum()),
        "without_relevant": int((np.diff(targets.gains.indptr)[targets.reported] == 0).sum()),
        "thinning": {name: figures(_cosines_of(fit.arms[name])) for name in fit.arms},
        "references": {name: figures(scores) for name, scores in peers.items()},
        "by_target": _by_target(fit.arms["hybrid"], targets),
    }


def _cosines_of(arm: ArmVectors) -> Scores:
    return lambda rows: similarities(arm, rows)


def _figures(score: Scores, targets: ThinnedTargets, rng: np.random.Generator) -> dict[str, Any]:
    """Figures of one arm or method over the reported targets: pooled over the headline levels, and at each level."""
    split, gains = targets.split, targets.gains
    places = np.flatnonzero(targets.reported)
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


def _by_target(arm: ArmVectors, targets: ThinnedTargets) -> dict[str, Any]:
    """The hybrid's surprise NDCG@10 of every reported target, how many interactions it kept, and a digest of targets and truth: what
    the gate compares, and what a release changed (`engine.comparison.held_out`)."""
    split, gains = targets.split, targets.gains
    places = np.flatnonzero(targets.reported & (np.diff(gains.indptr) > 0) & np.isin(split.m, (0, *HEADLINE_LEVELS)))
    ranked = top_k_in_chunks(
        lambda some: similarities(arm, split.targets[places[some]]), len(places), K, split.candidates
    )
    truth = gains[places]
    digest = hashlib.sha256(split.targets[places].tobytes() + split.m[places].tobytes())
    digest.update(truth.indices.astype(np.int64).tobytes() + np.round(truth.data, 6).tobytes())
    ndcg = [round(float(v), 6) for v in ndcg_at_k(ranked, truth, K)]
    return {"targets": digest.hexdigest(), "ndcg": ndcg, "kept": split.m[places].tolist()}


def _task_figures(fit: ShopperSplitFit, seed: int) -> dict[str, Any]:
    """Shopper -> products with little traffic, for behaviour and hybrid."""
    behaviour = inner_products(fit.als.user_factors, fit.als.item_factors)
    figures: dict[str, Any] = {}
    for name, mask in fit.split.candidates.items():
        als = score_shoppers(fit.split.task, mask, behaviour, k=K, shoppers=fit.split.shoppers)
        scored = {"als": als, "hybrid": fit.hybrid[name]}
        figures[name] = {"candidates": int(mask.sum())}
        figures[name] |= {arm: scores.summary(np.random.default_rng([seed, 3])) for arm, scores in scored.items()}
    return figures
