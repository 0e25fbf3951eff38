"""What stands beside the hybrid, by count: channels whose similarity is added, and arms that answer in its place.

A channel is added, and a range of counts given to the best single arm, only where that is clearly better on targets that no
report uses; and where a served recipe has either, it is taken away only where that is clearly better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from engine.arms.geometry import ArmVectors, has_direction, similarities
from engine.arms.hybrid import HybridFrame
from engine.arms.hybrid_fit import Hybrid
from engine.arms.registry import channels
from engine.evaluation.targets import Targets
from engine.models.recipe import HYBRID, Recipe
from engine.selection.better import SERVED, better

__all__ = ["BUCKETS", "BUSY", "with_channels", "with_fallback"]

FEWEST = 5
"""Validation targets that a range of counts must have for anything to be chosen in it."""

CHANNEL_WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
BUCKETS = ((0, 0), (1, 3), (4, 10))
"""Interaction counts that share an answer, both ends included."""

BUSY = 11
"""From this many interactions on a product is busier than any that was thinned."""


def with_fallback(
    recipe: Recipe,
    hybrid: ArmVectors,
    arms: Mapping[str, ArmVectors],
    counts: np.ndarray,
    targets: Targets,
    standing: Recipe | None = None,
) -> Recipe:
    """The recipe with the best single arm wherever it beats the hybrid by more than one standard error, or what answers there by `standing` by more than two."""
    judged, errors = targets.judged(), 1.0 if standing is None else SERVED
    fallback: dict[int, str] = {}
    for low, high in BUCKETS:
        count = counts[judged.rows]
        here = judged[(count >= low) & (count <= high)]
        name = HYBRID if standing is None else str(standing.answering(np.array([low]))[0])
        if len(here) >= FEWEST:
            found = {arm: here.ndcg(similarities(one, here.rows)) for arm, one in {HYBRID: hybrid, **arms}.items()}
            best = max(found, key=lambda arm: float(found[arm].mean()))
            name = best if name not in found or better(found[best], found[name], errors) else name
        if name != HYBRID:
            fallback |= {low: name, high + 1: HYBRID}
    return replace(recipe, fallback=dict(sorted(_tidied(fallback).items())))


def with_channels(
    recipe: Recipe,
    hybrid: Hybrid,
    arms: Mapping[str, ArmVectors],
    counts: np.ndarray,
    targets: Targets,
    *,
    low: int,
    high: int | None,
    standing: Recipe | None = None,
) -> Recipe:
    """The recipe with the weight that each channel should have beside the hybrid at `low` to `high` interactions.

    Channel after channel: the weight of the best mean NDCG@10, where that is ahead of none by more than one standard error, or by two of what it is by `standing`.

    Parameters
    ----------
    hybrid : fitted; `arms` has every channel.
    high : the last count that is meant; None for no end.
    """
    for channel in (name for name in channels() if name in arms):
        kept = 0.0 if standing is None else float(standing.channel_weights(channel, np.array([low]))[0])
        errors = 1.0 if standing is None else SERVED
        recipe = _with_channel(
            recipe, channel, hybrid, arms, counts, targets, low=low, high=high, kept=kept, errors=errors
        )
    return recipe


def _with_channel(
    recipe: Recipe,
    channel: str,
    hybrid: Hybrid,
    arms: Mapping[str, ArmVectors],
    counts: np.ndarray,
    targets: Targets,
    *,
    low: int,
    high: int | None,
    kept: float,
    errors: float,
) -> Recipe:
    judged = targets.judged()
    count = counts[judged.rows]
    here = judged[(count >= low) & (count <= (count.max(initial=0) if high is None else high))]
    steps = recipe.channels.get(channel, {})
    beside = {name: weights for name, weights in recipe.channels.items() if name != channel}
    after = {high + 1: 0.0} if high is not None and high + 1 not in steps else {}

    def ndcg_by_weight() -> dict[float, np.ndarray]:
        frame = HybridFrame.of(hybrid, replace(recipe, fallback={}, channels=beside | {channel: {0: 1.0}}), arms)
        candidates, figures = frame.candidates(), {}
        for one in sorted({0.0, kept, *CHANNEL_WEIGHTS}):
            trial = replace(recipe, fallback={}, channels=beside | {channel: {0: one}})
            scores = frame.queries(trial, here.rows) @ candidates.T
            scores[:, ~has_direction(candidates)] = -np.inf
            figures[one] = here.ndcg(scores)
        return figures

    weight = kept
    if len(here) >= FEWEST:
        figures = ndcg_by_weight()
        best = max(figures, key=lambda one: float(figures[one].mean()))
        weight = best if better(figures[best], figures[kept], errors) else kept
    if not weight:
        return recipe
    chosen = dict(sorted((steps | {low: weight} | after).items()))
    return replace(recipe, channels=recipe.channels | {channel: chosen})


def _tidied(fallback: dict[int, str]) -> dict[int, str]:
    """Without changes from an arm to itself."""
    tidy: dict[int, str] = {}
    last = "hybrid"
    for low, arm in sorted(fallback.items()):
        if arm != last:
            tidy[low] = last = arm
    return tidy
