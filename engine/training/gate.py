"""The training gate: whether a new release may be served, and the sentence that says why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from engine.arms.geometry import ArmVectors

__all__ = ["decide", "without_nan"]

RESAMPLES = 2000


def decide(
    metrics: Mapping[str, Any], hybrid: ArmVectors, current: Mapping[str, Any] | None = None
) -> tuple[bool, str]:
    """Whether the release may be served, and why.

    Parameters
    ----------
    metrics : of the new release; `current` those of the one that is served, None where there is none. The two are
        compared target by target where both measured the very same ones ("by_target"); the new one must not be worse
        beyond the 95 % interval of the mean difference.
    """
    if not all(math.isfinite(value) for value in _numbers(metrics)):
        return False, "Not published: a quality figure is not a number. Check the shop's data and train again."
    lists = int(hybrid.has_list.sum())
    if lists == 0 or hybrid.is_candidate.sum() < 2:
        return False, "Not published: no product would have neighbours. Check the shop's data and train again."
    published = f"Published: {lists:,} of {len(hybrid.has_list):,} products have neighbours"
    niches = metrics.get("niches") or {}
    cold = ""
    if niches and niches["behind_content"] > 2 * niches["behind_content_error"]:
        cold = " In quiet corners of the catalogue text and picture alone are still better: look at its new products."
    new, old = metrics.get("by_target"), (current or {}).get("by_target")
    if not new or not old or new["targets"] != old["targets"]:
        return True, f"{published}.{cold}"
    ahead = np.array(new["ndcg"]) - np.array(old["ndcg"])
    rng = np.random.default_rng(0)
    means = ahead[rng.integers(0, len(ahead), (RESAMPLES, len(ahead)))].mean(axis=1)
    was, now, highest = float(np.mean(old["ndcg"])), float(np.mean(new["ndcg"])), float(np.percentile(means, 97.5))
    if highest < 0:
        return False, (
            f"Not published: its neighbours are worse than those of the live release ({now:.3f} against {was:.3f} on the "
            f"same {len(ahead)} products). You can still publish it on the Model page."
        )
    return True, f"{published}; quality {now:.3f}, {was:.3f} before.{cold}"


def without_nan(value: Any) -> Any:
    """The same figures as JSON can hold them: null for what is not a number."""
    if isinstance(value, Mapping):
        return {name: without_nan(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _numbers(value: Any) -> Iterable[float]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _numbers(inner)
    elif isinstance(value, float):
        yield value
