"""How quiet corners of the catalogue are served: the hybrid in hidden neighbourhoods, beside content alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from engine.arms.geometry import ArmVectors, similarities
from engine.arms.hybrid import hybrid_arm
from engine.evaluation.fits import NicheFit
from engine.evaluation.metrics import bootstrap_interval, ndcg_at_k, top_k_in_chunks
from engine.evaluation.targets import K, Targets
from engine.models.recipe import Silence

__all__ = ["niche_figures"]

GROUPS = ("known", "between", "unknown")
"""Thirds of the targets by how much of their smoothed vectors is guesswork: how busy their look-alikes are."""


def niche_figures(fit: NicheFit, content: ArmVectors, seed: int) -> dict[str, Any]:
    """`{"n_targets", "by_look_alikes": {"pooled" | "known" | "between" | "unknown": {arm: figures}}, "unknown": limits,
    "agreement": {arm: share}}`, on the neighbourhoods that no choice looked at.

    Arms are the hybrid, the hybrid without content where behaviour is silent, and content. `agreement` is the share of the ten
    neighbours that content alone would give; `behind_content` is by how much content alone is better, with its standard error.
    """
    niches, hybrid = fit.niches, fit.hybrid
    targets = niches.targets[np.flatnonzero(niches.reported)].judged()
    if not len(targets):
        return {}
    quiet = replace(hybrid.recipe, silence=Silence(weight=0.0))
    arms = {
        "hybrid": hybrid_arm(hybrid, hybrid.recipe, {"content": content}),
        "hybrid_without_content": hybrid_arm(hybrid, quiet, {"content": content}),
        "content": content,
    }
    ranked = {name: _ranked(arm, targets) for name, arm in arms.items()}
    found = {name: ndcg_at_k(top, targets.gains, K) for name, top in ranked.items()}
    guessed = hybrid.unknown[targets.rows]
    limits = np.quantile(guessed, (1 / 3, 2 / 3))
    group = np.searchsorted(limits, guessed)
    rng = np.random.default_rng([seed, 7])

    def figures(which: np.ndarray) -> dict[str, Any]:
        return {name: bootstrap_interval(values[which], rng).to_dict() for name, values in found.items()}

    places = {"pooled": np.ones(len(guessed), dtype=bool)} | {
        name: group == place for place, name in enumerate(GROUPS) if (group == place).any()
    }
    return {
        "n_targets": len(targets),
        "by_look_alikes": {name: figures(which) for name, which in places.items()},
        "unknown": [round(float(limit), 4) for limit in limits],
        "agreement": {name: _agreement(top, ranked["content"]) for name, top in ranked.items() if name != "content"},
        "behind_content": round(float((found["content"] - found["hybrid"]).mean()), 6),
        "behind_content_error": round(float((found["content"] - found["hybrid"]).std() / np.sqrt(len(guessed))), 6),
    }


def _ranked(arm: ArmVectors, targets: Targets) -> np.ndarray:
    """(n, K) the best candidates of each target, itself left out."""

    def scores(some: np.ndarray) -> np.ndarray:
        rows = targets.rows[some]
        found = similarities(arm, rows)
        found[np.arange(len(rows)), rows] = -np.inf
        return found

    return top_k_in_chunks(scores, len(targets), K, targets.allowed)


def _agreement(top: np.ndarray, others: np.ndarray) -> float:
    shared = [len(np.intersect1d(ours, theirs)) for ours, theirs in zip(top, others, strict=True)]
    return round(float(np.mean(shared)) / K, 4)
