"""The hybrid as judgements move it, and how well that carries over to judged products that it did not learn from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.arms.hybrid_fit import Hybrid
from engine.core.vectors import unit_rows
from engine.models.correction import Pairs, fit_correction, ordered
from engine.models.kernel import Rows

__all__ = ["learn"]


def learn(
    fitted: Hybrid, views: Mapping[str, Rows], pairs: Pairs, teach: np.ndarray, seed: int
) -> tuple[Hybrid, dict[str, Any]]:
    """Learn from the pairs of a mask, score by the others; training.json's record of that, empty where nothing was learned.

    Parameters
    ----------
    views : of the whole catalogue, as `fitted` was fitted on them.
    teach : (n,) bool, all pairs of a product alike.
    """
    found = fit_correction(fitted.query, fitted.candidates, views, fitted.recipe.kernel(), pairs.where(teach), seed)
    if found is None:
        return fitted, {}
    after = fitted.corrected(found.correction, views)
    apart = pairs.where(~teach)
    before_, after_ = (ordered(unit_rows(one.query), fitted.candidates, apart) for one in (fitted, after))
    return after, {
        "pairs": int(teach.sum()),
        "products": len(set(pairs.anchors[teach].tolist())),
        "irrelevant": int(pairs.bad[teach].sum()),
        "apart_pairs": len(apart),
        "apart_products": len(before_),
        "ordered_before": float(before_.mean()) if len(before_) else None,
        "ordered_after": float(after_.mean()) if len(after_) else None,
        "power": found.correction.power,
        "noise": found.noise,
        "tried": found.tried,
    }
