"""What a neighbour's place is made of: each part's share of the score by which its list is ordered.

A score is a sum over the blocks of the vectors (`engine.arms.geometry`), and within a block of content over the columns of its
modalities, so the shares are exact. What the hybrid's own block owes to the products' own shoppers, and what to their
look-alikes', is the mean that the training measured for products with as many interactions (`engine.arms.contributions`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.arms.hybrid import hybrid_layout
from engine.core.vectors import unit_rows
from engine.explain.content_parts import ContentParts
from engine.models.recipe import CONTENT, HYBRID, SILENCE
from engine.recommend.recommender import Recommender

__all__ = ["BEHAVIOUR", "CARRIED", "OWN", "PREDICTED", "score_parts"]

OWN, CARRIED, PREDICTED, BEHAVIOUR = "own", "carried", "predicted", "behaviour"
"""Parts besides the modalities: what the products' own shoppers did, what shoppers of products like them did, the behaviour that is
predicted from content, and the first two together where the training did not tell them apart."""
_ALS = "als"


def score_parts(
    release: Recommender, content: ContentParts, arm: str, query: np.ndarray, count: int, rows: np.ndarray
) -> list[dict[str, float]]:
    """Of each row: part -> its share of the score, above 0 and together 1, largest first; what takes away is left out.

    Parameters
    ----------
    query : (d,) float32, what the product asks this arm with. count : its interactions.
    """
    candidates = unit_rows(np.asarray(release.arm(arm).candidates[rows]))
    if arm == CONTENT:
        sums = content.sums(query, candidates)
    elif arm == HYBRID:
        sums = _hybrid_sums(release, content, query, count, candidates)
    else:
        sums = {OWN if arm == _ALS else PREDICTED: candidates @ query}
    return [_shares({name: float(values[place]) for name, values in sums.items()}) for place in range(len(rows))]


def _hybrid_sums(
    release: Recommender, content: ContentParts, query: np.ndarray, count: int, candidates: np.ndarray
) -> dict[str, np.ndarray]:
    widths = {name: release.arm(name).query.shape[1] for name in release.arms}
    layout = hybrid_layout(release.plan.recipe, release.profiles.shape[1], {**widths, SILENCE: widths[CONTENT]})
    sums: dict[str, np.ndarray] = {}
    for block in layout.widths:
        mine, theirs = layout.block(query[None], block)[0], layout.block(candidates, block)
        if block in (CONTENT, SILENCE):
            added = content.sums(mine, theirs)
        elif block == HYBRID:
            share, whole = _own_share(release, count), theirs @ mine
            added = {BEHAVIOUR: whole} if share is None else {OWN: share * whole, CARRIED: (1 - share) * whole}
        else:
            added = {OWN if block == _ALS else PREDICTED: theirs @ mine}
        sums |= {name: sums.get(name, 0.0) + values for name, values in added.items()}
    return sums


def _own_share(release: Recommender, count: int) -> float | None:
    """The share of the hybrid's own block that products with so many interactions owe to their own shoppers; None where the training
    did not measure it."""
    for group in release.training.get("shares", []):
        if group["low"] <= count and (group["high"] is None or count <= group["high"]):
            return float(group["own"])
    return None if count else 0.0


def _shares(sums: Mapping[str, float]) -> dict[str, float]:
    adds = {name: value for name, value in sums.items() if value > 0}
    total = sum(adds.values())
    return {name: value / total for name, value in sorted(adds.items(), key=lambda one: -one[1])}
